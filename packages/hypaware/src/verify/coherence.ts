import { answers, matchKey } from "../projection/match-key.ts";
import { contentHash } from "../projection/name.ts";
import { disagreements, type Readers } from "./agreement.ts";
import type { Findings } from "./difference.ts";
import { type Fields, MESSAGE_FIELDS, PART_FIELDS } from "./fields.ts";
import { COUNTED, type StoredExchange, type StoredMessage, type StoredSession } from "./stored.ts";
import type { ExpectedRows } from "./threads.ts";

/**
 * Whether the rows of a session agree with each other. `lineage`: messages of the sessions that this one goes on from, by name, with
 * their index.
 */
export function checkCoherence(
  session: StoredSession,
  lineage: ReadonlyMap<string, number>,
  readers: Readers,
  findings: Findings,
): void {
  const byId = new Map(session.messages.map((message) => [message.messageId, message]));
  for (const { exchangeId: id, conversationId, name } of repeated(session.exchanges, readers.isRecorded))
    findings.add({
      class: "doubled",
      subject: "exchange",
      id,
      conversation_id: conversationId,
      message: `has the ${name} of another exchange`,
    });
  const exchanges = new Map(session.exchanges.map((exchange) => [exchange.exchangeId, exchange]));
  for (const message of session.messages) {
    const broken = (text: string): void =>
      findings.add({
        class: "broken",
        subject: "message",
        id: message.messageId,
        conversation_id: message.conversationId,
        message: text,
      });
    for (const text of wrongParts(message)) broken(text);
    const { exchangeId } = message;
    const exchange = exchangeId === null ? undefined : exchanges.get(exchangeId);
    if (exchangeId !== null && exchange === undefined)
      broken(`was carried by exchange ${exchangeId}, which is not among its session's`);
    if (exchange !== undefined) for (const text of disagreements(message, exchange, readers)) broken(text);
    if (message.previous === null) continue;
    const [before] = message.previous;
    const above = before ?? message.logicalParent ?? undefined;
    const index = above === undefined ? -1 : (byId.get(above)?.index ?? lineage.get(above));
    if (index === undefined && before !== undefined) broken(`its predecessor ${before} is not stored`);
    // What the client only names behind a compaction may be gone from its record, too.
    else if (!isBelow(message, index ?? -1))
      broken(`message_index is ${message.index}, and its predecessor's ${index ?? -1}`);
  }
}

/**
 * Exchanges with a name that their provider gave to one before. Calls of one connection share what answered its handshake, and a provider
 * of whom no client knows more may give one name to all: there only what was sent at the same time is a copy.
 */
function repeated(
  exchanges: readonly StoredExchange[],
  isRecorded: boolean,
): readonly (StoredExchange & { readonly name: string })[] {
  const seen = new Map<string, string>();
  return exchanges.flatMap((exchange) =>
    (["responseId", "requestId"] as const).flatMap((key) => {
      if (exchange[key] === null) return [];
      const { startedAt, gateway } = exchange;
      const at = isRecorded ? "" : [startedAt, gateway.request_bytes, gateway.response_bytes].join(" ");
      const name = `${key} ${exchange[key]} ${at}`;
      const holder = key === "responseId" ? exchange.exchangeId : connectionOf(exchange.exchangeId);
      const before = seen.get(name);
      seen.set(name, holder);
      return before !== undefined && (key === "responseId" || before !== holder)
        ? [{ ...exchange, name: key === "responseId" ? "response_id" : "request_id" }]
        : [];
    }),
  );
}

const connectionOf = (exchangeId: string): string => exchangeId.replace(/#\d+$/, "");

/** Whether each message that exchanges brought has its rows, where identity says. */
export function checkThreads(
  { messages, exchanges }: StoredSession,
  expected: readonly ExpectedRows[],
  { projectors, isRecorded }: Readers,
  findings: Findings,
): void {
  const cites = citing(messages, isRecorded);
  const answered = new Set<string | null>();
  const place = (conversation: string, id: string): string => `${conversation}\n${id}`;
  const stored = new Map(messages.map((each) => [place(each.conversationId, each.messageId), each]));
  for (const each of expected) {
    const { conversationId, messageId: id, role, isAnswer, previous, index } = each;
    const about = { subject: "message", id, conversation_id: conversationId } as const;
    const message = stored.get(place(conversationId, id));
    if (message === undefined) {
      const from = each.isCarried ? "was brought by an exchange" : "is in what a client's record told";
      findings.add({ class: "missing", ...about, message: `${from}, and has no rows` });
      continue;
    }
    if (isAnswer) answered.add(message.exchangeId);
    for (const text of contradictions(message, each, cites.has(conversationId)))
      findings.add({ class: "broken", ...about, message: text });
    const values: readonly (readonly [string, string | number | undefined, string | number])[] = [
      ["role", role, message.role],
      ["previous_message_id", previous, message.previous?.join(" ") ?? "none"],
      ["message_index", index, message.index],
    ];
    for (const [column, told, has] of values) {
      if (told === undefined || told === has) continue;
      const text = `${column} is ${has === "" ? "empty" : has}, not ${told === "" ? "empty" : told}`;
      findings.add({ class: "differs", ...about, column, told, stored: has, message: text });
    }
  }
  const known = new Set(expected.map(({ conversationId, messageId }) => place(conversationId, messageId)));
  for (const { conversationId, messageId: id, isFallback, exchangeId } of messages)
    // Of what the record itself tells alone, the record says whether it is there.
    if ((isFallback || exchangeId !== null || !isRecorded) && !known.has(place(conversationId, id)))
      findings.add({
        class: "extra",
        subject: "message",
        id,
        conversation_id: conversationId,
        message: exchangeId === null ? "is nothing that was told" : "was brought by no exchange",
      });
  const usages = Map.groupBy(
    messages.flatMap(({ exchangeId, usages }) => usages.map(() => exchangeId)),
    (exchangeId) => exchangeId,
  );
  const ended = new Set(
    messages.flatMap(({ exchangeId, parts }) =>
      parts.some(({ status }) => status?.["finish_reason"] !== undefined) ? [exchangeId] : [],
    ),
  );
  for (const exchange of exchanges) {
    const { exchangeId: id, conversationId, stopReason, projector } = exchange;
    if (!answered.has(id)) continue;
    checkUsage(exchange, usages.get(id)?.length ?? 0, findings);
    if (stopReason !== null && !ended.has(id) && projectors.ships(projector ?? ""))
      findings.add({
        class: "broken",
        subject: "exchange",
        id,
        conversation_id: conversationId,
        message: `ended with ${stopReason}, and no row of its answer has a finish_reason`,
      });
  }
}

/** What an answer cost stands on one row of it. `rows`: how many rows have it. */
function checkUsage(
  { exchangeId: id, conversationId, tokens }: StoredExchange,
  rows: number,
  findings: Findings,
): void {
  if (COUNTED.every((name) => tokens[name] === null)) return;
  if (rows !== 1)
    findings.add({
      class: rows === 0 ? "missing" : "doubled",
      subject: "exchange",
      id,
      conversation_id: conversationId,
      message: `its usage stands on ${rows} rows, not on one`,
    });
}

function contradictions(
  message: StoredMessage,
  { isCarried, matchKey: key }: ExpectedRows,
  mayCite: boolean,
): readonly string[] {
  const { exchangeId, blocks, lacksText, parts, role } = message;
  const found: string[] = [];
  if (!isCarried) return found;
  if (exchangeId === null) found.push("was brought by an exchange, and its rows name none");
  if (lacksText) found.push("has a part without its text");
  if (blocks === null || key === null) return found;
  // What an answer cites is a part of what was sent, and of no row.
  if (!(mayCite && answers(role)) && matchKey(role, blocks).key !== key)
    found.push("does not say what was sent");
  if (parts.some(({ fields: [type] }) => type !== "text"))
    found.push("has a part_type that its block has not");
  return found;
}

const SUBJECTS = new Set(["text", "reasoning"]);
const CALLS = new Set(["tool_call", "tool_result", "image"]);

/** Conversations in which an answer may cite something: a document, or what a tool found. Tools of a client that keeps a record bring nothing to cite. */
function citing(messages: readonly StoredMessage[], isRecorded: boolean): ReadonlySet<string> {
  return new Set(
    messages.flatMap(({ conversationId, parts, fields }) =>
      parts.some(({ fields: [type = ""] }, index) => {
        if (SUBJECTS.has(type)) return false;
        return !(isRecorded && CALLS.has(type)) || fields[index]?.[SUBTYPE] === "server_tool_use";
      })
        ? [conversationId]
        : [],
    ),
  );
}

/** Reminders that hang together at one message are numbered through, so that they keep their order. */
function isBelow({ index, isFallback }: StoredMessage, above: number): boolean {
  return isFallback ? index > above : index === above + 1;
}

/** Where the client's record does not say it, it is each part's own. */
const SUBTYPE = MESSAGE_FIELDS.indexOf("provider_subtype");

function wrongParts(message: StoredMessage): readonly string[] {
  const { messageId, parts, fields, common, isDated, isFallback } = message;
  const wrong: string[] = [];
  for (const [index, { partId, partIndex, status, fields: part }] of parts.entries()) {
    if (partIndex !== index || partId !== `${messageId}#${index}`)
      wrong.push(`part ${index} is ${partId} with part_index ${partIndex}`);
    const told = toolStatus(part);
    if (told !== undefined && status?.["tool_status"] !== told)
      wrong.push(`part ${index} has not the tool_status ${told}`);
  }
  const [first] = fields;
  if (
    fields.some((row) => row.some((value, index) => index !== SUBTYPE && value !== first?.[index])) ||
    common.some((row) => row !== common[0])
  )
    wrong.push("its rows do not agree in what the message is");
  if (!isDated) wrong.push("its date is not that of its time");
  if (isFallback && contentHash(messageId) === undefined)
    wrong.push("is marked as having a name made of its content, and has another");
  return wrong;
}

const [PART_TYPE, IS_ERROR] = [PART_FIELDS.indexOf("part_type"), PART_FIELDS.indexOf("is_error")];

/** undefined: it is no result of a call. */
function toolStatus(part: Fields): string | undefined {
  if (part[PART_TYPE] !== "tool_result") return undefined;
  return part[IS_ERROR] === "true" ? "error" : "success";
}
