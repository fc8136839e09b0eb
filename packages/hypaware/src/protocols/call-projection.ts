import type { ExchangeRecord } from "../contract/exchange.ts";
import type { ExchangeFacts, JsonObject, Projection } from "../contract/projection.ts";
import type { CallFacts } from "./call.ts";
import { asObject, known } from "./loose.ts";

/** What an adapter says of an exchange beside what the call itself shows. */
export type Said = Omit<Projection, "conversation_id" | "messages" | "exchange"> & {
  readonly exchange: ExchangeFacts;
};

/** A projection but for its conversation and messages: what a call shows in every protocol, and what the adapter says of it. */
export function callProjection(
  record: ExchangeRecord,
  call: CallFacts,
  { attributes, exchange, ...said }: Said,
): Omit<Projection, "conversation_id" | "messages"> {
  return {
    conversation_started_at: record.ts_start,
    ...said,
    ...known({
      model: call.requestedModel ?? call.model,
      system_text: call.systemText,
      tools: call.tools,
      request_id: exchange.request_id,
      previous_response_id: call.previousResponseId,
      history_is_left_out: call.isHistoryLeftOut,
      response_is_kept: call.isResponseKept,
    }),
    attributes: { ...callAttributes(record, call), ...attributes },
    exchange: {
      ...exchange,
      ...known({
        response_id: call.responseId,
        model: call.model ?? call.requestedModel,
        requested_model: call.requestedModel,
        stop_reason: call.stopReason,
        error: call.error,
        usage: call.usage,
      }),
      attributes: { ...call.details, ...exchange.attributes },
    },
  };
}

function callAttributes(record: ExchangeRecord, { body, settings, responseId }: CallFacts): JsonObject {
  return {
    ...(settings === undefined ? {} : { request: settings }),
    provider_raw: known({ metadata: asObject(body?.["metadata"]), response_id: responseId }),
    ...(record.duration_ms === null ? {} : { timing: { latency_ms: record.duration_ms } }),
  };
}
