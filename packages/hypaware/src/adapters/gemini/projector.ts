import type {
  ExchangeFacts,
  ExchangeProjector,
  ExchangeRecord,
  Projection,
  ProjectorLog,
  RequestClass,
} from "../../contract/plugin.ts";
import { pathOf } from "../../protocols/exchange-record.ts";
import { type Answer, readAnswer, readStream } from "../../protocols/gemini/answer.ts";
import { CallIds } from "../../protocols/gemini/call-ids.ts";
import { endpointOfExchange, modelOf } from "../../protocols/gemini/endpoint.ts";
import { answerMessages, requestMessages } from "../../protocols/gemini/messages.ts";
import { type GenerateRequest, readRequest } from "../../protocols/gemini/request.ts";
import { known } from "../../protocols/loose.ts";
import { shortHash } from "../../protocols/json-digest.ts";
import { API_PRIORITY } from "../../protocols/api-priority.ts";
import { type Caller, callerOf, isGeminiCli } from "./caller.ts";
import { isCompactSummary, requestClass } from "./request-class.ts";
import { WireKeys } from "./wire-keys.ts";

const PROVIDER = "google";

const NAME = "gemini-generate-content";

/** Gemini CLI's calls. Looks at paths, bodies and who asks, never at headers that the record redacts. */
export const geminiProjector: ExchangeProjector = {
  name: NAME,
  priority: 100,
  match: (record) => endpointOfExchange(record) !== undefined && isGeminiCli(record),
  project: (record, { log }) => projectExchange(record, log),
};

/** Google's `generateContent`, whoever calls it, for want of a projector that knows the program. */
export const generateContentProjector: ExchangeProjector = {
  name: NAME,
  priority: API_PRIORITY,
  match: (record) => endpointOfExchange(record) !== undefined && !isGeminiCli(record),
  project: (record, { log }) => projectExchange(record, log),
};

function projectExchange(record: ExchangeRecord, log: ProjectorLog): Projection | undefined {
  const endpoint = endpointOfExchange(record);
  if (endpoint === undefined) return undefined;
  const request = readRequest(record);
  const calls = request?.calls ?? new CallIds();
  const answer = readStream(record.stream_events, calls) ?? readAnswer(record.response_body, calls);
  const caller = callerOf(record, request);
  if (endpoint !== "generate") return withoutMessages(record, caller, request, answer, endpoint);
  const about = { exchange_id: record.exchange_id, path: pathOf(record.path) };
  if (request === undefined) {
    log.warn("plugin.gemini.projector_skip", { reason: "unparseable_request_body", ...about });
    // What the response cost is true all the same.
    return withoutMessages(record, caller, undefined, answer, "main");
  }
  const asked = requestClass(caller, request);
  if (asked === "router" || asked === "other") return withoutMessages(record, caller, request, answer, asked);
  const projection = withMessages(record, caller, request, answer, asked);
  if (projection.messages.length === 0) {
    log.debug("plugin.gemini.projector_skip", { reason: "no_messages_in_exchange", ...about });
  }
  return projection;
}

function withMessages(
  record: ExchangeRecord,
  caller: Caller,
  request: GenerateRequest,
  answer: Answer | undefined,
  asked: RequestClass,
): Projection {
  const keys = caller.isGeminiCli ? new WireKeys(request, answer) : undefined;
  return {
    ...exchangeOf(record, caller, request, answer, asked),
    conversation_id: shortHash(request.firstContent ?? record.exchange_id),
    // A session that is told holds its subagents' threads, too, and nothing says which is whose.
    conversation_inferred: true,
    messages: [
      ...request.contents.flatMap((content, index) => {
        const isSummary = isCompactSummary(caller, content, index === request.contents.length - 1);
        return requestMessages(record, content).map((message) => ({
          ...message,
          ...keys?.of(content),
          ...(isSummary ? { is_compact_summary: true } : {}),
        }));
      }),
      ...answerMessages(record, answer).map((message) => ({ ...message, ...keys?.ofAnswer() })),
    ],
  };
}

function withoutMessages(
  record: ExchangeRecord,
  caller: Caller,
  request: GenerateRequest | undefined,
  answer: Answer | undefined,
  asked: RequestClass,
): Projection {
  return {
    ...exchangeOf(record, caller, request, answer, asked),
    conversation_id: shortHash(record.exchange_id),
    messages: [],
  };
}

function exchangeOf(
  record: ExchangeRecord,
  caller: Caller,
  request: GenerateRequest | undefined,
  answer: Answer | undefined,
  asked: RequestClass,
): Omit<Projection, "conversation_id" | "messages"> {
  const requestedModel = modelOf(pathOf(record.path)) ?? request?.model;
  return {
    provider: PROVIDER,
    conversation_source: caller.isGeminiCli ? "gemini_cli" : "api",
    conversation_started_at: record.ts_start,
    client_name: caller.isGeminiCli ? "gemini" : "api",
    ...known({
      client_version: caller.version,
      entrypoint: caller.entrypoint,
      model: requestedModel ?? answer?.model,
      system_text: request?.systemText,
      tools: request?.tools,
      prompt_id: caller.promptId,
    }),
    attributes: {
      ...(request === undefined ? {} : { request: request.settings }),
      provider_raw: known({ response_id: answer?.id }),
      ...(record.duration_ms === null ? {} : { timing: { latency_ms: record.duration_ms } }),
    },
    exchange: factsOf(caller, answer, asked, requestedModel),
  };
}

function factsOf(
  caller: Caller,
  answer: Answer | undefined,
  asked: RequestClass,
  requestedModel: string | undefined,
): ExchangeFacts {
  return {
    request_class: asked,
    ...known({
      session_id: caller.sessionId,
      turn_id: caller.promptId,
      response_id: answer?.id,
      model: answer?.model ?? requestedModel,
      requested_model: requestedModel,
      stop_reason: answer?.stopReason,
      error: answer?.error,
      usage: answer?.usage,
    }),
    attributes: { ...answer?.details, ...known({ stop_message: answer?.stopMessage }) },
  };
}
