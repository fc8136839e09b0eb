import type {
  ExchangeProjector,
  ExchangeRecord,
  Projection,
  ProjectorLog,
  RequestClass,
} from "../../contract/plugin.ts";
import { API_PRIORITY } from "../../protocols/api-priority.ts";
import type { CallFacts } from "../../protocols/call.ts";
import { callProjection } from "../../protocols/call-projection.ts";
import { pathOf, requestObject } from "../../protocols/exchange-record.ts";
import { asName, known } from "../../protocols/loose.ts";
import { isPrewarm, readAnswerFacts, readCall } from "../../protocols/openai-call.ts";
import { endpointOf, isCodexBackend, isResponses } from "../../protocols/openai-endpoint.ts";
import { openaiRequestId } from "../../protocols/openai-request-id.ts";
import { splitResponsesSocket } from "../../protocols/openai-responses/socket-calls.ts";
import { isOpenaiUpstream, openaiProviderOf } from "../../protocols/openai-upstream.ts";
import { placeOf } from "../../protocols/place.ts";
import { shortHash } from "../../protocols/json-digest.ts";

/** OpenAI's Responses and Chat Completions APIs, whoever calls them. */
export const openaiProjector: ExchangeProjector = {
  name: "raw-openai",
  priority: API_PRIORITY,
  match: (record) => {
    const endpoint = endpointOf(record);
    // Other providers list their models under the same path as the API does.
    if (endpoint === "models") return isOpenaiUpstream(record) || isCodexBackend(record);
    return endpoint !== undefined;
  },
  split: (connection) => (isResponses(connection) ? splitResponsesSocket() : undefined),
  project: (record, { log }) => projectExchange(record, log),
};

function projectExchange(record: ExchangeRecord, log: ProjectorLog): Projection | undefined {
  const endpoint = endpointOf(record);
  if (endpoint === undefined) return undefined;
  const about = { exchange_id: record.exchange_id, path: pathOf(record.path) };
  const body = requestObject(record);
  if (endpoint === "models" || endpoint === "other" || endpoint === "count_tokens") {
    return withoutMessages(record, known({ body }), endpoint);
  }
  const asked = endpoint === "compact" ? "compaction" : "main";
  if (body === undefined) {
    log.warn("plugin.raw.projector_skip", { reason: "unparseable_request_body", ...about });
    // What the response cost is true all the same.
    return withoutMessages(record, readAnswerFacts(record), asked);
  }
  const call = readCall(record, body);
  if (isPrewarm(body)) return withoutMessages(record, call, "other");
  if (call.messages.length === 0) {
    log.debug("plugin.raw.projector_skip", { reason: "no_messages_in_exchange", ...about });
  }
  const conversation = placeOf(body).sessionId;
  return {
    ...exchangeOf(record, call, asked),
    conversation_id: conversation ?? shortHash(call.firstContent ?? record.exchange_id),
    ...(conversation === undefined ? { conversation_inferred: true } : {}),
    in_order: true,
    messages: call.messages,
  };
}

function withoutMessages(record: ExchangeRecord, call: CallFacts, asked: RequestClass): Projection {
  return {
    ...exchangeOf(record, call, asked),
    conversation_id: placeOf(call.body).sessionId ?? shortHash(record.exchange_id),
    messages: [],
  };
}

function exchangeOf(
  record: ExchangeRecord,
  call: CallFacts,
  asked: RequestClass,
): Omit<Projection, "conversation_id" | "messages"> {
  const place = placeOf(call.body);
  return callProjection(record, call, {
    provider: openaiProviderOf(record),
    conversation_source: "api",
    client_name: "api",
    ...known({
      user_id: place.accountId ?? asName(call.body?.["user"]),
      cwd: place.cwd,
      git_branch: place.gitBranch,
    }),
    exchange: { request_class: asked, ...known({ request_id: openaiRequestId(record) }) },
  });
}
