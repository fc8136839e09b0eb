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
import type { Call, CallFacts } from "../../protocols/call.ts";
import { callProjection } from "../../protocols/call-projection.ts";
import { pathOf, requestObject } from "../../protocols/exchange-record.ts";
import { asName, asObject, asText, known } from "../../protocols/loose.ts";
import { isPrewarm, readAnswerFacts, readCall } from "../../protocols/openai-call.ts";
import { endpointOf, isCodexBackend, isResponses } from "../../protocols/openai-endpoint.ts";
import { openaiRequestId } from "../../protocols/openai-request-id.ts";
import { splitResponsesSocket } from "../../protocols/openai-responses/socket-calls.ts";
import { isOpenaiUpstream, openaiProviderOf } from "../../protocols/openai-upstream.ts";
import { type Place, placeOf } from "../../protocols/place.ts";
import { shortHash } from "../../protocols/json-digest.ts";
import { type Codex, codexOf, isCodex, limitsOf, saysTurn } from "./caller.ts";
import { itemLinks } from "./item-links.ts";
import { isCompactSummary, isSubagent, requestClass } from "./request-class.ts";
import type { ThreadFacts } from "./state-database.ts";
import { toldCwd } from "./told-cwd.ts";
import { selectWorkspace } from "./workspace.ts";

/**
 * Codex's calls of OpenAI's Responses and Chat Completions APIs, and the rest of what it asks its backend. `facts`: what else is known of
 * a thread.
 */
export const projectorWith = (facts: ThreadFacts): ExchangeProjector => ({
  name: "codex-exchange",
  priority: 100,
  match: (record) => {
    if (saysTurn(record)) return true;
    const endpoint = endpointOf(record);
    // Other providers list their models under the same path as the API does.
    if (endpoint === "models" && !isOpenaiUpstream(record) && !isCodexBackend(record)) return false;
    return endpoint !== undefined && isCodex(record);
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

function projectExchange(record: ExchangeRecord, log: ProjectorLog): Projection {
  const endpoint = endpointOf(record) ?? "responses";
  const about = { exchange_id: record.exchange_id, path: pathOf(record.path) };
  const body = requestObject(record);
  const codex = codexOf(record, body);
  if (endpoint === "models" || endpoint === "other" || endpoint === "count_tokens") {
    return withoutMessages(record, codex, endpoint, known({ body }));
  }
  if (body === undefined) {
    log.warn("plugin.codex.projector_skip", { reason: "unparseable_request_body", ...about });
    // What the response cost is true all the same.
    return withoutMessages(record, codex, requestClass(codex), readAnswerFacts(record));
  }
  const call = readCall(record, body);
  if (isPrewarm(body)) return withoutMessages(record, codex, "other", call);
  const asked = endpoint === "compact" ? "compaction" : requestClass(codex);
  const projection = withMessages(record, codex, call, asked);
  if (projection.messages.length === 0) {
    log.debug("plugin.codex.projector_skip", { reason: "no_messages_in_exchange", ...about });
  }
  return projection;
}

function withMessages(record: ExchangeRecord, codex: Codex, call: Call, asked: RequestClass): Projection {
  const place = placeOf(call.body);
  const conversation = codex.threadId ?? place.sessionId;
  const cwd = place.cwd ?? asName(codex.metadata["cwd"]) ?? toldCwd(call.messages);
  return {
    ...exchangeOf(record, codex, { ...place, ...known({ cwd }) }, asked, call),
    conversation_id: conversation ?? shortHash(call.firstContent ?? record.exchange_id),
    ...(conversation === undefined ? { conversation_inferred: true } : {}),
    in_order: true,
    messages: call.messages.map(asCodexHas),
  };
}

function withoutMessages(
  record: ExchangeRecord,
  codex: Codex,
  asked: RequestClass,
  call: CallFacts,
): Projection {
  const place = placeOf(call.body);
  return {
    ...exchangeOf(record, codex, place, asked, call),
    conversation_id: codex.threadId ?? place.sessionId ?? shortHash(record.exchange_id),
    messages: [],
  };
}

/** Its own record of a thread has the same items under the same ids; one without an id is named by its content. */
function asCodexHas(message: ProjectedMessage): ProjectedMessage {
  const [block] = typeof message.content === "string" ? [] : message.content;
  const isSummary = isCompactSummary(message.role, asText(block?.["text"]) ?? "");
  const links = itemLinks(message.role, message.content);
  return {
    ...message,
    ...(links.length > 0 ? { links } : {}),
    ...(isSummary ? { is_compact_summary: true } : {}),
    ...(message.message_id === undefined
      ? { attributes: { ...message.attributes, codex: { identity_source: "gateway_fallback" } } }
      : {}),
  };
}

function exchangeOf(
  record: ExchangeRecord,
  codex: Codex,
  place: Place,
  asked: RequestClass,
  call: CallFacts,
): Omit<Projection, "conversation_id" | "messages"> {
  const workspace = selectWorkspace(codex.metadata, place.cwd);
  const codexAttributes: JsonObject = {
    ...codex.attributes,
    ...known({
      workspace: workspace?.path,
      git_origin_url: workspace?.originUrl,
      git_commit: workspace?.commit,
      has_changes: workspace?.hasChanges,
    }),
  };
  return callProjection(record, call, {
    provider: openaiProviderOf(record),
    conversation_source: "codex",
    client_name: "codex",
    ...known({
      client_version: codex.version,
      entrypoint: codex.entrypoint,
      user_type: codex.threadSource,
      permission_mode: codex.sandbox,
      is_sidechain: isSidechain(codex),
      user_id: place.accountId ?? asName(call.body?.["user"]),
      cwd: place.cwd ?? workspace?.path,
      git_branch: place.gitBranch,
      prompt_id: codex.turnId,
    }),
    attributes: { codex: codexAttributes },
    exchange: factsOf(record, codex, asked),
  });
}

function factsOf(record: ExchangeRecord, codex: Codex, asked: RequestClass): ExchangeFacts {
  const limits = limitsOf(record);
  const parent = codex.parentThreadId;
  return {
    request_class: asked,
    ...known({
      session_id: codex.sessionId,
      agent_id: isSubagent(codex) ? codex.threadId : undefined,
      // The root thread is the session, not an agent.
      parent_agent_id: parent === codex.sessionId ? undefined : parent,
      turn_id: codex.turnId,
      request_id: openaiRequestId(record),
    }),
    ...(Object.keys(limits).length === 0 ? {} : { attributes: { codex: { limits } } }),
  };
}

/** Undefined when the client does not say whose thread it is. */
function isSidechain(codex: Codex): boolean | undefined {
  if (isSubagent(codex)) return true;
  return codex.threadSource === undefined ? undefined : false;
}
