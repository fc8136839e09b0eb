import type { ExchangeRecord } from "../contract/exchange.ts";
import { pathOf } from "./exchange-record.ts";

/** What a request asks for. `other`: carries nothing that makes a message (accounts, plugins, analytics, stored responses). */
export type Endpoint = "chat" | "responses" | "compact" | "count_tokens" | "models" | "other";

const CHAT = /(?:^|\/)chat\/completions$/;
const RESPONSES = /(?:^|\/)responses$/;
const COMPACT = /(?:^|\/)responses\/compact$/;
const COUNT = /(?:^|\/)responses\/input_tokens$/;
const BELOW = /^(?:\/v1)?\/(?:chat\/completions|responses)\//;
const MODELS = /^\/(?:v1|backend-api\/codex)\/models(?:\/|$)/;
/** All of what a ChatGPT sign-in reaches. */
const BACKEND = /^\/backend-api\//;
const CODEX_BACKEND = /^\/backend-api\/codex(?:\/|$)/;

/** By path and method alone; `undefined` for what is none of the API's. */
export function endpointOf(record: ExchangeRecord): Endpoint | undefined {
  const path = pathOf(record.path);
  const isPost = record.method === "POST";
  if (CHAT.test(path)) return isPost ? "chat" : "other";
  // A GET is the handshake of a WebSocket, which has no body; the calls on it have one each.
  if (RESPONSES.test(path)) return isPost || record.request_body !== null ? "responses" : "other";
  if (COMPACT.test(path)) return "compact";
  if (COUNT.test(path)) return "count_tokens";
  if (MODELS.test(path)) return "models";
  return BELOW.test(path) || BACKEND.test(path) ? "other" : undefined;
}

/** The Responses API, by POST or on a WebSocket. */
export function isResponses(record: ExchangeRecord): boolean {
  return RESPONSES.test(pathOf(record.path));
}

/** The backend that only Codex is made for. */
export function isCodexBackend(record: ExchangeRecord): boolean {
  return CODEX_BACKEND.test(pathOf(record.path));
}
