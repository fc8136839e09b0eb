import { matchKey } from "../projection/match-key.ts";
import type { Findings } from "./difference.ts";
import { MESSAGE_FIELDS } from "./fields.ts";
import { COUNTED, type StoredExchange, type StoredMessage, type StoredSession } from "./stored.ts";
import type { ExpectedRows } from "./threads.ts";

/**
 * Whether the rows of a session agree with each other. `lineage`: messages of the sessions that this one goes on from, by name, with
 * their index.
 */
export function checkCoherence(
  session: StoredSession,
  lineage: ReadonlyMap<string, number>,
  findings: Findings,
): void {
  const byId = new Map(session.messages.map((message) => [message.messageId, message]));
  for (const { exchangeId: id, conversationId, name } of repeated(session.exchanges))
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
    if (exchange !== undefined) for (const text of unlike(message, exchange)) broken(text);
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

/** Exchanges with a name that their provider gave to one before. Calls of one connection share what answered its handshake. */
function repeated(
  exchanges: readonly StoredExchange[],
): readonly (StoredExchange & { readonly name: string })[] {
  const seen = new Map<string, string>();
  return exchanges.flatMap((exchange) =>
    (["responseId", "requestId"] as const).flatMap((key) => {
      const value = exchange[key];
      if (value === null) return [];
      const holder = key === "responseId" ? exchange.exchangeId : connectionOf(exchange.exchangeId);
      const before = seen.get(`${key} ${value}`);
      seen.set(`${key} ${value}`, holder);
      return before !== undefined && (key === "responseId" || before !== holder)
        ? [{ ...exchange, name: key === "responseId" ? "response_id" : "request_id" }]
        : [];
    }),
  );
}

const connectionOf = (exchangeId: string): string => exchangeId.replace(/#\d+$/, "");

/** What a row says of its exchange, and the exchange says otherwise. */
function unlike(message: StoredMessage, exchange: StoredExchange): readonly string[] {
  const wrong = message.usages.flatMap((usage) =>
    COUNTED.filter((name) => (usage[name] ?? 0) !== (exchange.tokens[name] ?? 0)).map(
      (name) => `its usage has ${usage[name] ?? 0} ${name}, and its exchange ${exchange.tokens[name] ?? 0}`,
    ),
  );
  if (message.conversationId !== exchange.conversationId)
    wrong.push("its exchange is another conversation's");
  if (message.requestId !== null && message.requestId !== exchange.requestId)
    wrong.push(`its request_id is ${message.requestId}, and its exchange's ${exchange.requestId ?? "empty"}`);
  if (message.model !== null && ![exchange.model, exchange.requestedModel].includes(message.model))
    wrong.push(`its model is ${message.model}, and its exchange's ${exchange.model ?? "empty"}`);
  return wrong;
}

/** Whether each message that exchanges brought has its rows, where identity says. */
export function checkThreads(
  { messages, exchanges }: StoredSession,
  expected: readonly ExpectedRows[],
  findings: Findings,
): void {
  const answered = new Set<string | null>();
  const place = (conversation: string, id: string): string => `${conversation}\n${id}`;
  const stored = new Map(messages.map((each) => [place(each.conversationId, each.messageId), each]));
  for (const { conversationId, messageId: id, role, isAnswer, matchKey: key, previous, index } of expected) {
    const about = { subject: "message", id, conversation_id: conversationId } as const;
    const message = stored.get(place(conversationId, id));
    if (message === undefined) {
      findings.add({ class: "missing", ...about, message: "was brought by an exchange, and has no rows" });
      continue;
    }
    if (isAnswer) answered.add(message.exchangeId);
    for (const text of contradictions(message, key))
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
    if ((isFallback || exchangeId !== null) && !known.has(place(conversationId, id)))
      findings.add({
        class: "extra",
        subject: "message",
        id,
        conversation_id: conversationId,
        message: "was brought by no exchange",
      });
  const usages = Map.groupBy(
    messages.flatMap(({ exchangeId, usages }) => usages.map(() => exchangeId)),
    (exchangeId) => exchangeId,
  );
  for (const exchange of exchanges)
    if (answered.has(exchange.exchangeId))
      checkUsage(exchange, usages.get(exchange.exchangeId)?.length ?? 0, findings);
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
  { exchangeId, blocks, lacksText, parts, role }: StoredMessage,
  key: string,
): readonly string[] {
  const found: string[] = [];
  if (exchangeId === null) found.push("was brought by an exchange, and its rows name none");
  if (lacksText) found.push("has a part without its text");
  if (blocks === null) return found;
  if (matchKey(role, blocks).key !== key) found.push("does not say what was sent");
  if (parts.some(({ fields: [type] }) => type !== "text"))
    found.push("has a part_type that its block has not");
  return found;
}

/** Reminders that hang together at one message are numbered through, so that they keep their order. */
function isBelow({ index, isFallback }: StoredMessage, above: number): boolean {
  return isFallback ? index > above : index === above + 1;
}

/** Where the client's record does not say it, it is each part's own. */
const SUBTYPE = MESSAGE_FIELDS.indexOf("provider_subtype");

function wrongParts({ messageId, parts, fields }: StoredMessage): readonly string[] {
  const wrong: string[] = [];
  for (const [index, { partId, partIndex }] of parts.entries())
    if (partIndex !== index || partId !== `${messageId}#${index}`)
      wrong.push(`part ${index} is ${partId} with part_index ${partIndex}`);
  const [first] = fields;
  if (fields.some((row) => row.some((value, index) => index !== SUBTYPE && value !== first?.[index])))
    wrong.push("its rows do not agree in what the message is");
  return wrong;
}
