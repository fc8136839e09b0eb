import type {
  ContentBlock,
  ExchangeFacts,
  ExchangeProjector,
  ExchangeRecord,
  ProjectedMessage,
  Projection,
  ProjectorLog,
  RequestClass,
} from "../../contract/plugin.ts";
import type { Answer } from "../../protocols/anthropic/answer.ts";
import { readAnswerOf } from "../../protocols/anthropic/call.ts";
import { endpointOf, isProbe } from "../../protocols/anthropic/endpoint.ts";
import {
  type MessagesRequest,
  readRequest,
  textsOfBlocks,
  type WireMessage,
} from "../../protocols/anthropic/request.ts";
import { isAnthropicExchange } from "../../protocols/anthropic/upstream.ts";
import { pathOf, recordedHeaders, timeAfter } from "../../protocols/exchange-record.ts";
import { asName, known } from "../../protocols/loose.ts";
import { shortHash } from "../../protocols/json-digest.ts";
import { type Caller, callerOf, isClaudeCode } from "./caller.ts";
import { splitAnswer, splitMessage } from "./grain.ts";
import { answerLinks, blockLinks } from "./links.ts";
import { isCompactSummary, requestClass } from "./request-class.ts";
import { isUnanswered, requestDigest } from "./request-digest.ts";

const PROVIDER = "anthropic";

/** Claude Code's calls of Anthropic's API, and its probes. Looks at no header that the record redacts. */
export const claudeProjector: ExchangeProjector = {
  name: "claude-anthropic-messages",
  priority: 100,
  match: (record) =>
    isAnthropicExchange(record) &&
    // A probe says nothing of who asks, and nobody else makes them.
    (isProbe(record.method ?? "", pathOf(record.path)) || isClaudeCode(record)),
  project: (record, { log }) => projectExchange(record, log),
};

function projectExchange(record: ExchangeRecord, log: ProjectorLog): Projection | undefined {
  const path = pathOf(record.path);
  const endpoint = endpointOf(record.method ?? "", path);
  const about = { exchange_id: record.exchange_id, path };
  if (endpoint === undefined) {
    log.warn("plugin.claude.projector_unmatched_path", about);
    return undefined;
  }
  const request = readRequest(record);
  const answer = readAnswerOf(record);
  const caller = callerOf(record, request);
  if (endpoint !== "messages") return withoutMessages(record, caller, request, answer, endpoint);
  if (request === undefined) {
    log.warn("plugin.claude.projector_skip", { reason: "unparseable_request_body", ...about });
    // What the response cost is true all the same.
    const requestClass = caller.agentId === undefined ? "main" : "subagent";
    return withoutMessages(record, caller, undefined, answer, requestClass);
  }
  const projection = withMessages(record, caller, request, answer);
  if (projection.messages.length === 0) {
    log.debug("plugin.claude.projector_skip", { reason: "no_messages_in_exchange", ...about });
  }
  return projection;
}

function withMessages(
  record: ExchangeRecord,
  caller: Caller,
  request: MessagesRequest,
  answer: Answer | undefined,
): Projection {
  const asked = requestClass(caller, request);
  return {
    ...exchangeOf(record, caller, request, answer, asked),
    conversation_id: conversationOf(caller, asked) ?? shortHash(request.firstContent ?? record.exchange_id),
    ...(caller.sessionId === undefined ? { conversation_inferred: true } : {}),
    messages: [...requestMessages(request), ...answerMessages(record, answer)],
  };
}

function withoutMessages(
  record: ExchangeRecord,
  caller: Caller,
  request: MessagesRequest | undefined,
  answer: Answer | undefined,
  asked: RequestClass,
): Projection {
  return {
    ...exchangeOf(record, caller, request, answer, asked),
    conversation_id: conversationOf(caller, asked) ?? shortHash(record.exchange_id),
    messages: [],
  };
}

/** A subagent's thread and the search for a title are conversations of their own. */
function conversationOf({ sessionId, agentId }: Caller, asked: RequestClass): string | undefined {
  if (sessionId === undefined) return undefined;
  if (asked === "title") return `${sessionId}/title`;
  return agentId === undefined ? sessionId : `${sessionId}/${agentId}`;
}

function exchangeOf(
  record: ExchangeRecord,
  caller: Caller,
  request: MessagesRequest | undefined,
  answer: Answer | undefined,
  asked: RequestClass,
): Omit<Projection, "conversation_id" | "messages"> {
  const requestId = asName(recordedHeaders(record.response_headers).get("request-id"));
  return {
    provider: PROVIDER,
    conversation_source: caller.isClaudeCode ? "claude_code" : "api",
    conversation_started_at: record.ts_start,
    ...(caller.isClaudeCode ? { is_sidechain: caller.agentId !== undefined } : {}),
    ...known({
      client_name: caller.isClaudeCode ? "claude" : undefined,
      client_version: caller.version,
      entrypoint: caller.entrypoint,
      user_type: caller.userType,
      user_id: caller.accountId,
      model: request?.model ?? answer?.model,
      system_text: request?.systemText,
      tools: request?.tools,
      request_id: requestId,
      prompt_id: caller.promptId,
      previous_response_id: request?.thread.previousResponseId,
      history_is_left_out: request?.thread.isHistoryLeftOut,
      response_is_kept: request?.thread.isResponseKept,
    }),
    attributes: {
      ...(request === undefined ? {} : { request: request.settings }),
      provider_raw: known({ metadata: request?.metadata, response_id: answer?.id }),
      ...(record.duration_ms === null ? {} : { timing: { latency_ms: record.duration_ms } }),
      ...(caller.isClaudeCode ? { claude: { identity_source: "gateway_fallback" } } : {}),
    },
    exchange: factsOf(record, caller, request, answer, asked, requestId),
  };
}

function factsOf(
  record: ExchangeRecord,
  caller: Caller,
  request: MessagesRequest | undefined,
  answer: Answer | undefined,
  asked: RequestClass,
  requestId: string | undefined,
): ExchangeFacts {
  // The client writes down its attempts of these two.
  const isTold = caller.isClaudeCode && (asked === "main" || asked === "subagent");
  return {
    request_class: asked,
    ...known({
      request_digest:
        isTold && request !== undefined && isUnanswered(record, answer)
          ? requestDigest(record, request)
          : undefined,
      session_id: caller.sessionId,
      agent_id: caller.agentId,
      parent_agent_id: caller.parentAgentId,
      turn_id: caller.promptId,
      request_id: requestId,
      response_id: answer?.id,
      model: answer?.model ?? request?.model,
      requested_model: request?.model,
      stop_reason: answer?.stopReason,
      error: answer?.error,
      usage: answer?.usage,
    }),
    attributes: {
      ...answer?.details,
      ...(Object.keys(caller.hints).length === 0 ? {} : { claude: { hints: caller.hints } }),
    },
  };
}

/** By the wire's message, which is the same object in each request of a conversation. */
const asked = new WeakMap<WireMessage, readonly ProjectedMessage[]>();

function requestMessages(request: MessagesRequest): readonly ProjectedMessage[] {
  return request.messages.flatMap((message) => {
    let messages = asked.get(message);
    if (messages === undefined) {
      messages = splitMessage(message).map((content) => requestMessage(message.role, content));
      asked.set(message, messages);
    }
    return messages;
  });
}

function requestMessage(role: string, content: readonly ContentBlock[]): ProjectedMessage {
  return Object.freeze({
    role,
    content,
    is_answer: false,
    ...linked(content.flatMap(blockLinks)),
    ...(isCompactSummary(role, textsOfBlocks(content)) ? { is_compact_summary: true } : {}),
  });
}

function answerMessages(record: ExchangeRecord, answer: Answer | undefined): readonly ProjectedMessage[] {
  if (answer === undefined) return [];
  const pieces = splitAnswer(answer.blocks);
  const stopReason = answer.stopReason ?? (answer.isPartial ? "error" : undefined);
  return pieces.map((piece, index) => ({
    role: answer.role,
    content: [piece.block],
    is_answer: true,
    ...linked(answerLinks(answer.id, answer.blocks.indexOf(piece), piece.block)),
    ...known({
      message_created_at: timeAfter(record, piece.tMs ?? record.ttfb_ms ?? record.duration_ms ?? 0),
      stop_reason: index === pieces.length - 1 ? stopReason : undefined,
    }),
  }));
}

function linked(links: readonly string[]): Pick<ProjectedMessage, "links"> {
  return links.length === 0 ? {} : { links };
}
