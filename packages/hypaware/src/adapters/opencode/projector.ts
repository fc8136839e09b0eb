import type {
  ExchangeProjector,
  ExchangeRecord,
  ProjectedMessage,
  Projection,
  ProjectorLog,
  RequestClass,
} from "../../contract/plugin.ts";
import type { Call, CallFacts } from "../../protocols/call.ts";
import { callProjection } from "../../protocols/call-projection.ts";
import { pathOf, recordedHeaders } from "../../protocols/exchange-record.ts";
import { asName, known } from "../../protocols/loose.ts";
import { openaiRequestId } from "../../protocols/openai-request-id.ts";
import { shortHash } from "../../protocols/json-digest.ts";
import { type Caller, callerOf, isOpencode } from "./caller.ts";
import { wireLinks } from "./links.ts";
import { requestClass } from "./request-class.ts";
import { type Wire, wireOf } from "./wire.ts";

/** opencode's model calls, in the shape of whichever provider it talks to. */
export const opencodeProjector: ExchangeProjector = {
  name: "opencode-exchange",
  priority: 100,
  match: (record) => isOpencode(record) && wireOf(record) !== undefined,
  project: (record, { log }) => projectExchange(record, log),
};

function projectExchange(record: ExchangeRecord, log: ProjectorLog): Projection | undefined {
  const wire = wireOf(record);
  if (wire === undefined) return undefined;
  const caller = callerOf(record);
  const about = { exchange_id: record.exchange_id, path: pathOf(record.path) };
  const call = wire.readCall(record);
  if (call === undefined) {
    log.warn("plugin.opencode.projector_skip", { reason: "unparseable_request_body", ...about });
    const asked = caller.parentSessionId === undefined ? "main" : "subagent";
    // What the response cost is true all the same.
    const answer = wire.readAnswerFacts(record);
    return {
      ...exchangeOf(record, wire, caller, asked, answer),
      conversation_id: caller.sessionId ?? shortHash(record.exchange_id),
      messages: [],
    };
  }
  const asked = requestClass(caller, call);
  if (call.messages.length === 0) {
    log.debug("plugin.opencode.projector_skip", { reason: "no_messages_in_exchange", ...about });
  }
  return {
    ...exchangeOf(record, wire, caller, asked, call),
    ...conversationOf(record, caller, asked, call),
    in_order: true,
    messages: call.messages.map((message) =>
      linked(asked === "compaction" ? asSummary(message) : message, call),
    ),
  };
}

/** By the message without keys, where that is the same object in each request of a conversation. */
const withLinks = new WeakMap<ProjectedMessage, ProjectedMessage>();

function linked(message: ProjectedMessage, { usage }: Call): ProjectedMessage {
  const known = withLinks.get(message);
  if (known !== undefined) return known;
  const links = wireLinks(message, usage);
  if (links.length === 0) return message;
  const made = { ...message, links };
  if (Object.isFrozen(message)) withLinks.set(message, Object.freeze(made));
  return made;
}

/** A compaction's answer stands for the history from then on. */
function asSummary(message: ProjectedMessage): ProjectedMessage {
  return message.is_answer === true ? { ...message, is_compact_summary: true } : message;
}

/** The search for a title goes under the session that it is for, and is none of its messages. */
function conversationOf(
  record: ExchangeRecord,
  { sessionId }: Caller,
  asked: RequestClass,
  call: Call,
): Pick<Projection, "conversation_id" | "conversation_inferred"> {
  if (sessionId !== undefined)
    return { conversation_id: asked === "title" ? `${sessionId}/title` : sessionId };
  return {
    conversation_id: shortHash(call.firstContent ?? record.exchange_id),
    conversation_inferred: true,
  };
}

function exchangeOf(
  record: ExchangeRecord,
  wire: Wire,
  caller: Caller,
  asked: RequestClass,
  call: CallFacts,
): Omit<Projection, "conversation_id" | "messages"> {
  const { sessionId, parentSessionId, promptId } = caller;
  const isAgent = parentSessionId !== undefined;
  return callProjection(record, call, {
    provider: asName(record.provider ?? undefined) ?? wire.provider,
    conversation_source: "opencode",
    client_name: "opencode",
    is_sidechain: isAgent,
    ...known({ client_version: caller.version, entrypoint: caller.entrypoint, prompt_id: promptId }),
    exchange: {
      request_class: asked,
      ...known({
        session_id: parentSessionId ?? sessionId,
        agent_id: isAgent ? sessionId : undefined,
        turn_id: promptId,
        request_id: requestIdOf(record),
      }),
    },
  });
}

/** The provider's name for a request, in whichever header it tells it. */
function requestIdOf(record: ExchangeRecord): string | undefined {
  return asName(recordedHeaders(record.response_headers).get("request-id")) ?? openaiRequestId(record);
}
