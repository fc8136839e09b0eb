import type { ExchangeRecord } from "../../contract/exchange.ts";
import { pathOf } from "../exchange-record.ts";

/** What a request of the API asks for. `other`: what carries no conversation, such as embeddings, files, caches. */
export type Endpoint = "generate" | "count_tokens" | "models" | "other";

/** `…/models/<model>:<verb>`, on whatever version or service of the API. */
const MODEL_VERB = /\/(?:models|tunedModels)\/([^/:]+):(\w+)$/;
/** What a signed-in client calls: the model stands in the body. */
const CODE_ASSIST_VERB = /^\/v1internal:(\w+)$/;
const API = /^\/(?:(?:upload|download)\/)?v1(?:beta|alpha)(?:\/|$)/;
const MODEL_LIST = /^\/v1(?:beta|alpha)?\/(?:models|tunedModels)(?:\/[^/:]+)?$/;
const VERBS = new Map<string, Endpoint>([
  ["generateContent", "generate"],
  ["streamGenerateContent", "generate"],
  ["countTokens", "count_tokens"],
  ["embedContent", "other"],
  ["batchEmbedContents", "other"],
  ["batchGenerateContent", "other"],
  ["asyncBatchEmbedContent", "other"],
  ["predict", "other"],
  ["predictLongRunning", "other"],
]);

/** What the API is called among upstreams, and the backend of a Google sign-in. */
const UPSTREAMS: ReadonlySet<string> = new Set(["gemini", "code-assist"]);

/** The backend of a Google sign-in. `path` without query. */
export function isCodeAssistPath(path: string): boolean {
  return path.startsWith("/v1internal:") || path.startsWith("/v1internal/");
}

/** Nobody else's API has these paths: below `/v1` only those that end with one of its verbs. `path` without query. */
export function isApiPath(path: string): boolean {
  return API.test(path) || VERBS.has(MODEL_VERB.exec(path)?.[2] ?? "");
}

/** `path` without query. `isOurs`: it went to Google, so that a path which others have, too, can be trusted. */
export function endpointOf(path: string, isOurs: boolean): Endpoint | undefined {
  const verb = MODEL_VERB.exec(path)?.[2] ?? CODE_ASSIST_VERB.exec(path)?.[1];
  const endpoint = VERBS.get(verb ?? "");
  if (endpoint !== undefined || !isOurs) return endpoint;
  return MODEL_LIST.test(path) ? "models" : "other";
}

/** As the path names it. */
export function modelOf(path: string): string | undefined {
  return MODEL_VERB.exec(path)?.[1];
}

/** Of an exchange that is the API's: by its path, or because it went there. */
export function endpointOfExchange({
  path: target,
  upstream,
  provider,
}: ExchangeRecord): Endpoint | undefined {
  const path = pathOf(target);
  const isOurs = UPSTREAMS.has(upstream) || provider === "google";
  return endpointOf(path, isOurs || isApiPath(path) || isCodeAssistPath(path));
}
