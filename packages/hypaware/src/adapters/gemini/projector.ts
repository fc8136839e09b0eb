import type {
  ExchangeFacts,
  ExchangeProjector,
  ExchangeRecord,
  ProjectedMessage,
  Projection,
  ProjectorLog,
  RequestClass,
} from "../../contract/plugin.ts";
import { pathOf, timeAfter } from "../../protocols/exchange-record.ts";
import { type Answer, readAnswer, readStream } from "../../protocols/gemini/answer.ts";
import { CallIds } from "../../protocols/gemini/call-ids.ts";
import { type GenerateRequest, readRequest } from "../../protocols/gemini/request.ts";
import { known } from "../../protocols/loose.ts";
import { shortHash } from "../../protocols/short-hash.ts";
import { type Caller, callerOf } from "./caller.ts";
import { type Endpoint, endpointOf, isApiPath, isCodeAssistPath, modelOf } from "./endpoint.ts";
import { codeAssistPreset, geminiPreset } from "./presets.ts";
import { isCompactSummary, requestClass } from "./request-class.ts";
import { commonStopReason } from "./stop-reason.ts";

const PROVIDER = "google";

/** Google's `generateContent`, whoever calls it. Looks at paths and bodies, never at headers that the record redacts. */
export const geminiProjector: ExchangeProjector = {
  name: "gemini-generate-content",
  priority: 100,
  match: (record) => endpointOfRecord(record) !== undefined,
  project: (record, { log }) => projectExchange(record, log),
};

function endpointOfRecord(record: ExchangeRecord): Endpoint | undefined {
  const path = pathOf(record.path);
  const isOurs =
    record.upstream === geminiPreset.name ||
    record.upstream === codeAssistPreset.name ||
    record.provider === PROVIDER;
  return endpointOf(path, isOurs || isApiPath(path) || isCodeAssistPath(path));
}

function projectExchange(record: ExchangeRecord, log: ProjectorLog): Projection | undefined {
  const endpoint = endpointOfRecord(record);
  if (endpoint === undefined) return undefined;
  const request = readRequest(record.request_body);
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
  return {
    ...exchangeOf(record, caller, request, answer, asked),
    conversation_id: shortHash(request.firstContent ?? record.exchange_id),
    // A session that is told holds its subagents' threads, too, and nothing says which is whose.
    conversation_inferred: true,
    messages: [...requestMessages(record, caller, request), ...answerMessages(record, answer)],
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
    attributes: { ...answer?.usageDetails, ...known({ stop_message: answer?.stopMessage }) },
  };
}

function requestMessages(
  record: ExchangeRecord,
  caller: Caller,
  { contents }: GenerateRequest,
): readonly ProjectedMessage[] {
  return contents.flatMap((content, index) => {
    if (content.blocks.length === 0) return [];
    const isSummary = isCompactSummary(caller, content, index === contents.length - 1);
    return {
      ...(content.role === "model" ? MODEL : { role: content.role }),
      content: content.blocks,
      is_answer: false,
      message_created_at: record.ts_start,
      ...wireIdsOf(content.wireIds),
      ...(isSummary ? { is_compact_summary: true } : {}),
    };
  });
}

function answerMessages(record: ExchangeRecord, answer: Answer | undefined): readonly ProjectedMessage[] {
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

/** Who answers has one name in the history, whatever the wire calls it. */
const MODEL = { role: "assistant", provider_type: "model" } as const;

/** Rows name calls by ids of ours; the wire's own, where there are any, lead to the client's record. */
function wireIdsOf(wireIds: Readonly<Record<string, string>>): Pick<ProjectedMessage, "attributes"> {
  return Object.keys(wireIds).length === 0 ? {} : { attributes: { gemini: { wire_call_ids: wireIds } } };
}
