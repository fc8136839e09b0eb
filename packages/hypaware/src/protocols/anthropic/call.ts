import type { ExchangeRecord } from "../../contract/exchange.ts";
import type { ProjectedMessage } from "../../contract/projection.ts";
import { streamText } from "../../wire/record-bodies.ts";
import { factsOfAnswer } from "../answer-facts.ts";
import type { Call, CallFacts } from "../call.ts";
import { timeAfter } from "../exchange-record.ts";
import { known } from "../loose.ts";
import { type Answer, readAnswer } from "./answer.ts";
import { type WireMessage, readRequest } from "./request.ts";
import { readStream, readStreamText } from "./stream.ts";

/** A call of the Messages API: one message per message of the wire. `undefined` when the request's body is not a JSON object. */
export function readCall(record: ExchangeRecord): Call | undefined {
  const request = readRequest(record);
  if (request === undefined) return undefined;
  const answer = readAnswerOf(record);
  return {
    messages: [...request.messages.flatMap(requestMessages), ...answerMessages(record, answer)],
    body: request.body,
    firstContent: request.firstContent,
    settings: request.settings,
    ...known({
      systemText: request.systemText,
      tools: request.tools,
      requestedModel: request.model,
    }),
    ...request.thread,
    ...factsOfAnswer(answer),
  };
}

/** What the response says when the request cannot be read. */
export function readAnswerFacts(record: ExchangeRecord): CallFacts {
  return factsOfAnswer(readAnswerOf(record));
}

export function readAnswerOf(record: ExchangeRecord): Answer | undefined {
  const stream = streamText(record);
  return (
    (stream && readStreamText(stream)) ?? readStream(record.stream_events) ?? readAnswer(record.response_body)
  );
}

/** By the wire's message, which is the same object in each request of a conversation. */
const asked = new WeakMap<WireMessage, readonly ProjectedMessage[]>();

function requestMessages(message: WireMessage): readonly ProjectedMessage[] {
  const { role, blocks: content } = message;
  let messages = asked.get(message);
  if (messages === undefined) {
    messages = content.length === 0 ? [] : [Object.freeze({ role, content, is_answer: false })];
    asked.set(message, messages);
  }
  return messages;
}

function answerMessages(record: ExchangeRecord, answer: Answer | undefined): readonly ProjectedMessage[] {
  const [first] = answer?.blocks ?? [];
  if (answer === undefined || first === undefined) return [];
  return [
    {
      role: answer.role,
      content: answer.blocks.map(({ block }) => block),
      is_answer: true,
      ...known({
        message_created_at: timeAfter(record, first.tMs ?? record.ttfb_ms ?? record.duration_ms ?? 0),
        stop_reason: answer.stopReason ?? (answer.isPartial ? "error" : undefined),
      }),
    },
  ];
}
