import type { ExchangeRecord } from "../../contract/plugin.ts";
import * as anthropic from "../../protocols/anthropic/call.ts";
import { endpointOf as anthropicEndpoint } from "../../protocols/anthropic/endpoint.ts";
import type { Call, CallFacts } from "../../protocols/call.ts";
import { pathOf, requestObject } from "../../protocols/exchange-record.ts";
import * as gemini from "../../protocols/gemini/call.ts";
import { endpointOfExchange as geminiEndpoint } from "../../protocols/gemini/endpoint.ts";
import * as openai from "../../protocols/openai-call.ts";
import { endpointOf as openaiEndpoint } from "../../protocols/openai-endpoint.ts";

/** How calls of one provider shape are read. */
export interface Wire {
  /** Of an upstream that names none. */
  readonly provider: string;
  /** `undefined` when the request's body is not a JSON object. */
  readCall(record: ExchangeRecord): Call | undefined;
  /** What the response says when the request cannot be read. */
  readAnswerFacts(record: ExchangeRecord): CallFacts;
}

const ANTHROPIC: Wire = { provider: "anthropic", ...anthropic };
const GEMINI: Wire = { provider: "google", ...gemini };
const OPENAI: Wire = {
  provider: "openai",
  readCall: (record) => {
    const body = requestObject(record);
    return body === undefined ? undefined : openai.readCall(record, body);
  },
  readAnswerFacts: openai.readAnswerFacts,
};

const OPENAI_CALLS = new Set(["chat", "responses", "compact"]);

/** The shape of a model call, by its path: the client is pointed at providers of every kind, under any base URL. */
export function wireOf(record: ExchangeRecord): Wire | undefined {
  const path = pathOf(record.path);
  const tail = /\/v1\/messages(?:\/|$)/.exec(path);
  if (tail !== null && anthropicEndpoint(record.method ?? "", path.slice(tail.index)) === "messages")
    return ANTHROPIC;
  if (OPENAI_CALLS.has(openaiEndpoint(record) ?? "")) return OPENAI;
  return geminiEndpoint(record) === "generate" ? GEMINI : undefined;
}
