import type {
  ExchangeFacts,
  ExchangeProjector,
  ExchangeRecord,
  JsonObject,
  ProjectedMessage,
  Projection,
  ProjectorLog,
  RequestClass,
} from "../../contract/plugin.ts";
import type { Call } from "../../protocols/call.ts";
import { pathOf, recordedHeaders } from "../../protocols/exchange-record.ts";
import { asName, asObject, asText, known, parseJson } from "../../protocols/loose.ts";
import * as chat from "../../protocols/openai-chat/call.ts";
import * as responses from "../../protocols/openai-responses/call.ts";
import { splitResponsesSocket } from "../../protocols/openai-responses/socket-calls.ts";
import { shortHash } from "../../protocols/short-hash.ts";
import { callLinks } from "./call-links.ts";
import { type Codex, codexOf, limitsOf, saysTurn } from "./caller.ts";
import { endpointOf, isCodexBackend, isResponses } from "./endpoint.ts";
import { type Place, placeOf, toldCwd } from "./place.ts";
import { chatgptPreset, openaiPreset } from "./presets.ts";
import { isCompactSummary, isPrewarm, isSubagent, requestClass } from "./request-class.ts";
import type { ThreadFacts } from "./state-database.ts";
import { selectWorkspace } from "./workspace.ts";

const UPSTREAMS: ReadonlySet<string> = new Set([openaiPreset.name, chatgptPreset.name]);

/**
 * OpenAI's Responses and Chat Completions APIs, whoever calls them, and the rest of what Codex asks its backend. `facts`: what else is
 * known of a thread.
 */
export const projectorWith = (facts: ThreadFacts): ExchangeProjector => ({
  name: "codex-exchange",
  priority: 100,
  match: (record) => {
    const endpoint = endpointOf(record);
    // Other providers list their models under the same path as the API does.
    if (endpoint === "models" && !isOurs(record) && !isCodexBackend(record)) return saysTurn(record);
    return endpoint !== undefined || saysTurn(record);
  },
  split: (connection) => (isResponses(connection) ? splitResponsesSocket() : undefined),
  project: (record, { log }) => withFacts(projectExchange(record, log), facts),
});

export const codexProjector = projectorWith(() => ({}));

function withFacts(projection: Projection | undefined, facts: ThreadFacts): Projection | undefined {
  const codex = asObject(projection?.attributes?.["codex"]);
  const thread = asName(codex?.["thread_id"]);
  if (projection === undefined || thread === undefined) return projection;
  return { ...projection, attributes: { ...projection.attributes, codex: { ...codex, ...facts(thread) } } };
}

function isOurs({ upstream, provider }: ExchangeRecord): boolean {
  return UPSTREAMS.has(upstream) || UPSTREAMS.has(provider ?? "");
}

function projectExchange(record: ExchangeRecord, log: ProjectorLog): Projection | undefined {
  const endpoint = endpointOf(record) ?? "responses";
  const about = { exchange_id: record.exchange_id, path: pathOf(record.path) };
  const body = asObject(parseJson(record.request_body));
  const codex = codexOf(record, body);
  if (endpoint === "models" || endpoint === "other" || endpoint === "count_tokens") {
    return withoutMessages(record, codex, body, endpoint);
  }
  const isChat = endpoint === "chat" || Array.isArray(body?.["messages"]);
  if (body === undefined) {
    log.warn("plugin.codex.projector_skip", { reason: "unparseable_request_body", ...about });
    // What the response cost is true all the same.
    const answer = isChat ? chat.readAnswerOf(record) : responses.readAnswerOf(record);
    return withoutMessages(record, codex, body, requestClass(codex), answer);
  }
  const call = isChat ? chat.readCall(record, body) : responses.readCall(record, body);
  if (isPrewarm(body)) {
    return withoutMessages(record, codex, body, "other", call);
  }
  const asked = endpoint === "compact" ? "compaction" : requestClass(codex);
  const projection = withMessages(record, codex, endpoint === "compact" ? compacted(call) : call, asked);
  if (projection.messages.length === 0) {
    log.debug("plugin.codex.projector_skip", { reason: "no_messages_in_exchange", ...about });
  }
  return projection;
}

/** An answer of this endpoint repeats what is to be kept of the history; only what stands for the rest is new. */
function compacted(call: Call): Call {
  const isNews = ({ is_answer: isAnswer, is_compact_summary: isSummary }: ProjectedMessage): boolean =>
    isAnswer !== true || isSummary === true;
  return { ...call, messages: call.messages.filter(isNews) };
}

function withMessages(
  record: ExchangeRecord,
  codex: Codex | undefined,
  call: Call,
  asked: RequestClass,
): Projection {
  const place = placeOf(call.body);
  const conversation = codex?.threadId ?? place.sessionId;
  return {
    ...exchangeOf(record, codex, call.body, toldPlace(place, codex, call), asked, call),
    conversation_id: conversation ?? shortHash(call.firstContent ?? record.exchange_id),
    ...(conversation === undefined ? { conversation_inferred: true } : {}),
    in_order: true,
    messages: codex === undefined ? call.messages : call.messages.map(asCodexHas),
  };
}

function withoutMessages(
  record: ExchangeRecord,
  codex: Codex | undefined,
  body: JsonObject | undefined,
  asked: RequestClass,
  answer?: Answered,
): Projection {
  const place = placeOf(body);
  return {
    ...exchangeOf(record, codex, body, place, asked, answer),
    conversation_id: codex?.threadId ?? place.sessionId ?? shortHash(record.exchange_id),
    messages: [],
  };
}

/** Its own record of a thread has the same items under the same ids; one without an id is named by its content. */
function asCodexHas(message: ProjectedMessage): ProjectedMessage {
  const [block] = typeof message.content === "string" ? [] : message.content;
  const isSummary = isCompactSummary(message.role, asText(block?.["text"]) ?? "");
  const links = callLinks(block);
  return {
    ...message,
    ...(links.length > 0 ? { links } : {}),
    ...(isSummary ? { is_compact_summary: true } : {}),
    ...(message.message_id === undefined
      ? { attributes: { ...message.attributes, codex: { identity_source: "gateway_fallback" } } }
      : {}),
  };
}

/** What a call says beside its messages; of an answer whose request cannot be read there is less. */
type Answered = Partial<Call> & { readonly id?: string };

function exchangeOf(
  record: ExchangeRecord,
  codex: Codex | undefined,
  body: JsonObject | undefined,
  place: Place,
  asked: RequestClass,
  call: Answered = {},
): Omit<Projection, "conversation_id" | "messages"> {
  const requestId = requestIdOf(record);
  const workspace = codex === undefined ? undefined : selectWorkspace(codex.metadata, place.cwd);
  return {
    provider: providerOf(record),
    conversation_source: codex === undefined ? "api" : "codex",
    conversation_started_at: record.ts_start,
    client_name: codex === undefined ? "api" : "codex",
    ...known({
      client_version: codex?.version,
      entrypoint: codex?.entrypoint,
      user_type: codex?.threadSource,
      permission_mode: codex?.sandbox,
      is_sidechain: codex === undefined ? undefined : isSidechain(codex),
      user_id: place.accountId ?? asName(body?.["user"]),
      cwd: place.cwd ?? workspace?.path,
      git_branch: place.gitBranch,
      model: call.requestedModel ?? call.model,
      system_text: call.systemText,
      tools: call.tools,
      request_id: requestId,
      prompt_id: codex?.turnId,
      previous_response_id: call.previousResponseId,
      response_is_kept: call.isResponseKept,
    }),
    attributes: {
      ...(call.settings === undefined ? {} : { request: call.settings }),
      provider_raw: known({
        metadata: asObject(body?.["metadata"]),
        response_id: call.responseId ?? call.id,
      }),
      ...(record.duration_ms === null ? {} : { timing: { latency_ms: record.duration_ms } }),
      ...(codex === undefined
        ? {}
        : {
            codex: {
              ...codex.attributes,
              ...known({
                workspace: workspace?.path,
                git_origin_url: workspace?.originUrl,
                git_commit: workspace?.commit,
                has_changes: workspace?.hasChanges,
              }),
            },
          }),
    },
    exchange: factsOf(record, codex, asked, call, requestId),
  };
}

function factsOf(
  record: ExchangeRecord,
  codex: Codex | undefined,
  asked: RequestClass,
  call: Answered,
  requestId: string | undefined,
): ExchangeFacts {
  const limits = limitsOf(record);
  const isAgent = codex !== undefined && isSubagent(codex);
  const parent = codex?.parentThreadId;
  return {
    request_class: asked,
    ...known({
      session_id: codex?.sessionId,
      agent_id: isAgent ? codex.threadId : undefined,
      // The root thread is the session, not an agent.
      parent_agent_id: parent === codex?.sessionId ? undefined : parent,
      turn_id: codex?.turnId,
      request_id: requestId,
      response_id: call.responseId ?? call.id,
      model: call.model ?? call.requestedModel,
      requested_model: call.requestedModel,
      stop_reason: call.stopReason,
      error: call.error,
      usage: call.usage,
    }),
    attributes: {
      ...call.details,
      ...(Object.keys(limits).length === 0 ? {} : { codex: { limits } }),
    },
  };
}

/** What Codex told the model of the place, when the request itself says nothing. */
function toldPlace(place: Place, codex: Codex | undefined, { messages }: Call): Place {
  const cwd =
    place.cwd ?? asName(codex?.metadata["cwd"]) ?? (codex === undefined ? undefined : toldCwd(messages));
  return { ...place, ...known({ cwd }) };
}

/** Undefined when the client does not say whose thread it is. */
function isSidechain(codex: Codex): boolean | undefined {
  if (isSubagent(codex)) return true;
  return codex.threadSource === undefined ? undefined : false;
}

function requestIdOf(record: ExchangeRecord): string | undefined {
  const headers = recordedHeaders(record.response_headers);
  return asName(headers.get("x-oai-request-id")) ?? asName(headers.get("x-request-id"));
}

/** Of an upstream of the owner's that names no provider: by what it is called, else by what is spoken. */
function providerOf(record: ExchangeRecord): string {
  if (record.provider !== null && record.provider !== "") return record.provider;
  if (UPSTREAMS.has(record.upstream)) return record.upstream;
  return pathOf(record.path).startsWith("/backend-api/") ? "chatgpt" : "openai";
}
