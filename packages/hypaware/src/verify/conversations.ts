// What the rows and exchanges of one conversation have in common.

import type { Catalog } from "../store/catalog.ts";
import type { Projectors } from "./agreement.ts";
import { isSideCall } from "./compare-messages.ts";
import type { Findings } from "./difference.ts";
import { OWN_FIELDS, PART_FIELDS } from "./fields.ts";
import type { StoredExchange, StoredMessage, StoredSession } from "./stored.ts";

export function checkConversations(
  { messages, exchanges }: StoredSession,
  { catalog, projectors }: { readonly catalog: Catalog; readonly projectors: Projectors },
  findings: Findings,
): void {
  const shipped = exchanges.filter(({ projector }) => projectors.ships(projector ?? ""));
  const known: Known = {
    catalog,
    exchanges: new Map(exchanges.map((exchange) => [exchange.exchangeId, exchange])),
    shipped: new Map(shipped.map(({ exchangeId, projector }) => [exchangeId, projector])),
  };
  for (const [conversationId, own] of Map.groupBy(messages, (message) => message.conversationId))
    for (const { id, text } of checkConversation(conversationId, own, known))
      findings.add({
        class: "broken",
        subject: "message",
        id,
        conversation_id: conversationId,
        message: text,
      });
  for (const { exchangeId: id, conversationId, agentId } of strangers(shipped))
    findings.add({
      class: "broken",
      subject: "exchange",
      id,
      conversation_id: conversationId,
      message: `its agent_id is ${agentId ?? "empty"}, which its conversation's is not`,
    });
}

interface Known {
  readonly catalog: Catalog;
  /** By id. */
  readonly exchanges: ReadonlyMap<string, StoredExchange>;
  /** Projectors that ship, by the exchanges that they read. */
  readonly shipped: ReadonlyMap<string, string | null>;
}

function* checkConversation(
  conversationId: string,
  messages: readonly StoredMessage[],
  known: Known,
): Generator<{ readonly id: string; readonly text: string }> {
  const beginnings = beginningsOf(known.catalog, conversationId);
  const calls = callsOf(messages, known);
  const sources = new Map<string | null, string | undefined>();
  for (const message of messages) {
    const { messageId: id, conversationStartedAt: at, own, exchangeId } = message;
    for (const text of wrongTools(message, calls, known)) yield { id, text };
    if (beginnings.size > 0 && !beginnings.has(Date.parse(at)))
      yield { id, text: `conversation_started_at is ${at}, when nothing of it began` };
    const projector = known.shipped.get(exchangeId ?? "");
    if (projector === undefined) continue;
    const source = sources.get(projector) ?? own[SOURCE];
    sources.set(projector, source);
    if (source !== own[SOURCE])
      yield { id, text: `its conversation_source is ${own[SOURCE] || "empty"}, and others' ${source}` };
  }
}

/** Milliseconds since 1970: more than once where several conversations turned out to be one. */
function beginningsOf(catalog: Catalog, conversationId: string): ReadonlySet<number> {
  const { records } = catalog;
  const told = records.has(conversationId) ? [records.startedAt(conversationId)] : [];
  return new Set([...told, ...catalog.beginnings(conversationId)]);
}

const SOURCE = OWN_FIELDS.indexOf("conversation_source");
const [TYPE, CALL, RESULT_FOR, NAME] = [
  PART_FIELDS.indexOf("part_type"),
  PART_FIELDS.indexOf("tool_call_id"),
  PART_FIELDS.indexOf("tool_result_for"),
  PART_FIELDS.indexOf("tool_name"),
];

interface Call {
  readonly name: string;
  /** When the exchange that brought it began. */
  readonly startedAt: string;
}

/** Calls that an exchange brought, by their ids; without those that have the id of another. */
function callsOf(messages: readonly StoredMessage[], { exchanges }: Known): ReadonlyMap<string, Call> {
  const calls = new Map<string, Call | undefined>();
  for (const { parts, exchangeId } of messages)
    for (const { fields } of parts) {
      const startedAt = exchanges.get(exchangeId ?? "")?.startedAt;
      const [id, name] = [fields[CALL] ?? "", fields[NAME] ?? ""];
      if (fields[TYPE] !== "tool_call" || startedAt === undefined) continue;
      calls.set(id, calls.has(id) ? undefined : { name, startedAt });
    }
  return new Map([...calls].flatMap(([id, call]) => (call === undefined ? [] : [[id, call] as const])));
}

/** Calls as they are remembered, and results that have the name of the tool that was called before. */
function* wrongTools(
  { parts, exchangeId, conversationId }: StoredMessage,
  calls: ReadonlyMap<string, Call>,
  { exchanges, catalog }: Known,
): Generator<string> {
  const exchange = exchanges.get(exchangeId ?? "");
  for (const { fields } of parts) {
    const [id = "", name = ""] = [fields[CALL], fields[NAME]];
    if (fields[TYPE] === "tool_result" && fields[RESULT_FOR] !== id)
      yield `its tool_call_id is ${id || "empty"}, and it is the result of ${fields[RESULT_FOR] || "nothing"}`;
    const call = calls.get(id);
    if (exchange?.conversationId !== conversationId || call === undefined) continue;
    if (fields[TYPE] === "tool_result" && call.startedAt <= exchange.startedAt && name !== call.name)
      yield `its tool_name is ${name || "empty"}, and ${call.name} was called`;
    if (fields[TYPE] !== "tool_call" || id === "" || name === "") continue;
    const called = catalog.threads.toolName(conversationId, id);
    if (called !== name) yield `calls ${name} as ${id}, and ${called ?? "nothing"} was called so`;
  }
}

/** Exchanges of a thread that is another agent's than their own: a thread is named after its agent. */
function strangers(exchanges: readonly StoredExchange[]): readonly StoredExchange[] {
  const threads = Map.groupBy(
    exchanges.filter(
      ({ conversationId, requestClass }) => conversationId !== null && !isSideCall(requestClass),
    ),
    ({ conversationId, requestClass }) => `${conversationId}\n${requestClass}`,
  );
  return [...threads.values()].flatMap((own) => {
    const [first, ...rest] = own as [StoredExchange, ...StoredExchange[]];
    return [
      ...rest.filter(({ agentId }) => agentId !== first.agentId),
      ...(isNamedAfterAgent(first) ? [] : [first]),
    ];
  });
}

function isNamedAfterAgent({ agentId, conversationId }: StoredExchange): boolean {
  return agentId === null || (conversationId ?? "").split("/").includes(agentId);
}
