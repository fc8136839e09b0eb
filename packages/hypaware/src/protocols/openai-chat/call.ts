import type { ExchangeRecord } from "../../contract/exchange.ts";
import type { JsonObject, ProjectedMessage } from "../../contract/projection.ts";
import type { Call } from "../call.ts";
import { known } from "../loose.ts";
import { timeAfter } from "../exchange-record.ts";
import { factsOfAnswer } from "../answer-facts.ts";
import { commonStopReason } from "../openai-stop-reason.ts";
import { type Answer, readAnswer } from "./answer.ts";
import { readRequest } from "./request.ts";
import { readStream } from "./stream.ts";

/** A call of the Chat Completions API: one message per message. `body`: of the request. */
export function readCall(record: ExchangeRecord, body: JsonObject): Call {
  const request = readRequest(body);
  const answer = readAnswerOf(record);
  return {
    messages: [
      ...request.messages.map(({ role, blocks }) => ({ role, content: blocks, is_answer: false })),
      ...answerMessages(record, answer),
    ],
    body,
    firstContent: request.firstContent,
    settings: request.settings,
    ...known({ systemText: request.system, tools: request.tools, requestedModel: request.model }),
    ...factsOfAnswer(answer),
  };
}

export function readAnswerOf(record: ExchangeRecord): Answer | undefined {
  return readStream(record.stream_events) ?? readAnswer(record.response_body);
}

function answerMessages(record: ExchangeRecord, answer: Answer | undefined): readonly ProjectedMessage[] {
  if (answer === undefined || answer.blocks.length === 0) return [];
  const { role, blocks, tMs, stopReason, isPartial } = answer;
  return [
    {
      role,
      content: blocks,
      is_answer: true,
      ...(stopReason === undefined ? {} : { raw_frame: { finish_reason: stopReason } }),
      ...known({
        message_created_at: timeAfter(record, tMs ?? record.ttfb_ms ?? record.duration_ms ?? 0),
        stop_reason:
          stopReason === undefined ? (isPartial ? "error" : undefined) : commonStopReason(stopReason),
      }),
    },
  ];
}
