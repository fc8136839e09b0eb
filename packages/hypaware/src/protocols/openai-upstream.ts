import type { ExchangeRecord } from "../contract/exchange.ts";
import type { UpstreamPreset } from "../contract/plugin.ts";
import { pathOf } from "./exchange-record.ts";

/** OpenAI's API, with an API key. */
export const openaiPreset: UpstreamPreset = {
  name: "openai",
  base_url: "https://api.openai.com",
  provider: "openai",
  path_prefix: "/v1",
};

/** Both places where its models are: the API, and the backend behind a ChatGPT sign-in. */
const UPSTREAMS: ReadonlySet<string> = new Set([openaiPreset.name, "chatgpt"]);

/** Whether an exchange went there by name: paths that others have, too, can be trusted then. */
export function isOpenaiUpstream({ upstream, provider }: ExchangeRecord): boolean {
  return UPSTREAMS.has(upstream) || UPSTREAMS.has(provider ?? "");
}

/** Of an upstream of the owner's that names no provider: by what it is called, else by what is spoken. */
export function openaiProviderOf(record: ExchangeRecord): string {
  if (record.provider !== null && record.provider !== "") return record.provider;
  if (UPSTREAMS.has(record.upstream)) return record.upstream;
  return pathOf(record.path).startsWith("/backend-api/") ? "chatgpt" : "openai";
}
