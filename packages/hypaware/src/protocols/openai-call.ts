// A call of either of OpenAI's APIs, each read by its own protocol.
import type { ExchangeRecord } from "../contract/exchange.ts";
import type { JsonObject, ProjectedMessage } from "../contract/projection.ts";
import type { Call, CallFacts } from "./call.ts";
import { factsOfAnswer } from "./answer-facts.ts";
import * as chat from "./openai-chat/call.ts";
import { endpointOf } from "./openai-endpoint.ts";
import * as responses from "./openai-responses/call.ts";

/** `body`: of the request. */
export function readCall(record: ExchangeRecord, body: JsonObject): Call {
  const call = isChat(record, body) ? chat.readCall(record, body) : responses.readCall(record, body);
  return endpointOf(record) === "compact" ? compacted(call) : call;
}

/** Opens the way for a call on a WebSocket. It has no answer and costs nothing. */
export function isPrewarm(body: JsonObject): boolean {
  return body["generate"] === false;
}

/** What the response says when the request cannot be read. */
export function readAnswerFacts(record: ExchangeRecord): CallFacts {
  const { readAnswerOf } = isChat(record) ? chat : responses;
  return factsOfAnswer(readAnswerOf(record));
}

/** Some programs send the one kind of body to the other's path. */
function isChat(record: ExchangeRecord, body?: JsonObject): boolean {
  return endpointOf(record) === "chat" || Array.isArray(body?.["messages"]);
}

/** An answer of this endpoint repeats what is to be kept of the history; only what stands for the rest is new. */
function compacted(call: Call): Call {
  const isNews = ({ is_answer: isAnswer, is_compact_summary: isSummary }: ProjectedMessage): boolean =>
    isAnswer !== true || isSummary === true;
  return { ...call, messages: call.messages.filter(isNews) };
}
