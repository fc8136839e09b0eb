import type { ExchangeRecord } from "../../contract/exchange.ts";
import type { ProjectedMessage } from "../../contract/projection.ts";
import { timeAfter } from "../exchange-record.ts";
import { known } from "../loose.ts";
import type { Answer } from "./answer.ts";
import type { WireContent } from "./request.ts";
import { commonStopReason } from "./stop-reason.ts";

/** Who answers has one name in the history, whatever the wire calls it. */
const MODEL = { role: "assistant", provider_type: "model" } as const;

/** None without content. */
export function requestMessages(
  record: ExchangeRecord,
  { role, blocks, wireIds }: WireContent,
): readonly ProjectedMessage[] {
  if (blocks.length === 0) return [];
  return [
    {
      ...(role === "model" ? MODEL : { role }),
      content: blocks,
      is_answer: false,
      message_created_at: record.ts_start,
      ...wireIdsOf(wireIds),
    },
  ];
}

export function answerMessages(
  record: ExchangeRecord,
  answer: Answer | undefined,
): readonly ProjectedMessage[] {
  if (answer === undefined || answer.blocks.length === 0) return [];
  const stopReason =
    answer.stopReason === undefined
      ? answer.isPartial
        ? "error"
        : undefined
      : commonStopReason(answer.stopReason);
  return [
    {
      ...MODEL,
      content: answer.blocks,
      is_answer: true,
      ...wireIdsOf(answer.wireIds),
      ...known({
        message_created_at: timeAfter(record, answer.tMs ?? record.ttfb_ms ?? record.duration_ms ?? 0),
        stop_reason: stopReason,
      }),
    },
  ];
}

/** Rows name calls by ids of ours; the wire's own, where there are any, lead to the client's record. */
function wireIdsOf(wireIds: Readonly<Record<string, string>>): Pick<ProjectedMessage, "attributes"> {
  return Object.keys(wireIds).length === 0 ? {} : { attributes: { gemini: { wire_call_ids: wireIds } } };
}
