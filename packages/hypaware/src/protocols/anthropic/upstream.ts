import type { ExchangeRecord } from "../../contract/exchange.ts";
import type { RouteInput, UpstreamPreset } from "../../contract/plugin.ts";
import { pathOf } from "../exchange-record.ts";
import { endpointOf, isMessagesPath, isProbe } from "./endpoint.ts";

/** Headers that only requests to Anthropic carry: its API's own, and its keys. */
const SIGNATURE = ["anthropic-version", "anthropic-beta", "x-api-key", "anthropic-api-key"] as const;
const OAUTH_TOKEN = /^Bearer\s+sk-ant-/i;
/** Its own client, which does not always send the API's headers. */
const CLAUDE_CODE = /^claude-(?:cli|code)\//i;

/**
 * Everything that carries an Anthropic credential comes here, whatever its path: the key must not reach another provider.
 * Beside that, the paths that are Anthropic's own, and the keyless probes of a starting client.
 */
export const anthropicPreset: UpstreamPreset = {
  name: "anthropic",
  base_url: "https://api.anthropic.com",
  provider: "anthropic",
  path_prefix: "/v1/messages",
  priority: 100,
  match: (input) =>
    isMessagesPath(input.path) || isProbe(input.method, input.path) || isSigned(input.headers),
};

function isSigned(headers: RouteInput["headers"]): boolean {
  const some = (name: string, pattern: RegExp): boolean =>
    headers[name]?.some((value) => pattern.test(value)) ?? false;
  return (
    SIGNATURE.some((name) => headers[name] !== undefined) ||
    some("authorization", OAUTH_TOKEN) ||
    some("user-agent", CLAUDE_CODE)
  );
}

/** Whether an exchange is one of the API: by a path that only it has, or by one that others have, too, on its own upstream. */
export function isAnthropicExchange({ upstream, provider, method, path: target }: ExchangeRecord): boolean {
  const path = pathOf(target);
  if (isMessagesPath(path)) return true;
  const isOurs = upstream === anthropicPreset.name || provider === "anthropic";
  return isOurs && endpointOf(method ?? "", path) !== undefined;
}
