import type {
  ExchangeProjector,
  ExchangeRecord,
  Projection,
  ProjectorLog,
  RequestClass,
} from "../../contract/plugin.ts";
import { readAnswerFacts, readCall } from "../../protocols/anthropic/call.ts";
import { endpointOf } from "../../protocols/anthropic/endpoint.ts";
import { isAnthropicExchange } from "../../protocols/anthropic/upstream.ts";
import { API_PRIORITY } from "../../protocols/api-priority.ts";
import type { CallFacts } from "../../protocols/call.ts";
import { callProjection } from "../../protocols/call-projection.ts";
import { pathOf, recordedHeaders } from "../../protocols/exchange-record.ts";
import { asName, known } from "../../protocols/loose.ts";
import { placeOf } from "../../protocols/place.ts";
import { shortHash } from "../../protocols/json-digest.ts";

/** Anthropic's Messages API, whoever calls it. Looks at paths and bodies, never at headers that the record redacts. */
export const anthropicProjector: ExchangeProjector = {
  name: "raw-anthropic",
  priority: API_PRIORITY,
  match: isAnthropicExchange,
  project: (record, { log }) => projectExchange(record, log),
};

function projectExchange(record: ExchangeRecord, log: ProjectorLog): Projection | undefined {
  const path = pathOf(record.path);
  const endpoint = endpointOf(record.method ?? "", path);
  const about = { exchange_id: record.exchange_id, path };
  if (endpoint === undefined) {
    log.warn("plugin.raw.projector_unmatched_path", about);
    return undefined;
  }
  const call = readCall(record);
  if (endpoint !== "messages") return withoutMessages(record, call ?? readAnswerFacts(record), endpoint);
  if (call === undefined) {
    log.warn("plugin.raw.projector_skip", { reason: "unparseable_request_body", ...about });
    // What the response cost is true all the same.
    return withoutMessages(record, readAnswerFacts(record), "main");
  }
  if (call.messages.length === 0) {
    log.debug("plugin.raw.projector_skip", { reason: "no_messages_in_exchange", ...about });
  }
  return {
    ...exchangeOf(record, call, "main"),
    conversation_id: shortHash(call.firstContent ?? record.exchange_id),
    conversation_inferred: true,
    messages: call.messages,
  };
}

function withoutMessages(record: ExchangeRecord, call: CallFacts, asked: RequestClass): Projection {
  return {
    ...exchangeOf(record, call, asked),
    conversation_id: shortHash(record.exchange_id),
    messages: [],
  };
}

function exchangeOf(
  record: ExchangeRecord,
  call: CallFacts,
  asked: RequestClass,
): Omit<Projection, "conversation_id" | "messages"> {
  return callProjection(record, call, {
    provider: "anthropic",
    conversation_source: "api",
    // A probe says nothing of who asks.
    ...(asked === "probe" ? {} : { client_name: "api" }),
    ...known({ user_id: placeOf(call.body).accountId }),
    exchange: {
      request_class: asked,
      ...known({ request_id: asName(recordedHeaders(record.response_headers).get("request-id")) }),
    },
  });
}
