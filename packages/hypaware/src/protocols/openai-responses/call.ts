import type { ExchangeRecord } from "../../contract/exchange.ts";
import type { JsonObject, ProjectedMessage } from "../../contract/projection.ts";
import type { Call } from "../call.ts";
import { LIMITS } from "../../contract/limits.ts";
import { known } from "../loose.ts";
import { timeAfter } from "../exchange-record.ts";
import { factsOfAnswer } from "../answer-facts.ts";
import { commonStopReason } from "../openai-stop-reason.ts";
import { type Answer, readAnswer } from "./answer.ts";
import type { ResponseItem } from "./item.ts";
import { readRequest } from "./request.ts";
import { readStream } from "./stream.ts";

/** A call of the Responses API: one message per item, named by its id. `body`: of the request. */
export function readCall(record: ExchangeRecord, body: JsonObject): Call {
  const request = readRequest(body);
  const answer = readAnswerOf(record);
  return {
    messages: [...request.items.map((item) => messageOf(item, false)), ...answerMessages(record, answer)],
    body,
    firstContent: request.firstContent,
    settings: request.settings,
    // On a WebSocket the server has its responses as long as the connection lives.
    isResponseKept: body["store"] !== false || record.status_code === 101,
    ...known({
      systemText: request.instructions,
      tools: request.tools,
      requestedModel: request.model,
      previousResponseId: request.previousResponseId,
    }),
    ...factsOfAnswer(answer),
  };
}

export function readAnswerOf(record: ExchangeRecord): Answer | undefined {
  return readStream(record.stream_events) ?? readAnswer(record.response_body);
}

function answerMessages(record: ExchangeRecord, answer: Answer | undefined): readonly ProjectedMessage[] {
  if (answer === undefined) return [];
  const stopReason = stopReasonOf(answer);
  return answer.items.map(({ item, tMs }, index) => ({
    ...messageOf(item, true),
    ...(item.unknown === undefined && answer.id !== undefined
      ? { raw_frame: { response_id: answer.id } }
      : {}),
    ...known({
      message_created_at: timeAfter(record, tMs ?? record.ttfb_ms ?? record.duration_ms ?? 0),
      stop_reason: index === answer.items.length - 1 ? stopReason : undefined,
    }),
  }));
}

/** An answer that ends in a call that the client is to make is complete, too. */
function stopReasonOf({ stopReason, isPartial, items }: Answer): string | undefined {
  if (stopReason === undefined) return isPartial ? "error" : undefined;
  const isAsking = items.at(-1)?.item.blocks.some((block) => block["call_id"] !== undefined) === true;
  return stopReason === "completed" && isAsking ? "tool_use" : commonStopReason(stopReason);
}

/** What stands for a history that was compacted. */
const SUMMARIES = new Set(["compaction", "compaction_summary"]);

function messageOf(
  { type, role, id, blocks, details, unknown }: ResponseItem,
  isAnswer: boolean,
): ProjectedMessage {
  return {
    role,
    content: blocks,
    is_answer: isAnswer,
    provider_type: type,
    ...(SUMMARIES.has(type) ? { is_compact_summary: true } : {}),
    ...known({ message_id: id, raw_frame: unknown === undefined ? undefined : kept(unknown) }),
    ...(Object.keys(details).length === 0 ? {} : { attributes: { provider_raw: details } }),
  };
}

function kept(item: JsonObject): JsonObject | undefined {
  return JSON.stringify(item).length > LIMITS.rawFrameChars ? undefined : item;
}
