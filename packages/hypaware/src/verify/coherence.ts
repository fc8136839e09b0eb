import type { Findings } from "./difference.ts";
import type { StoredMessage, StoredSession } from "./stored.ts";
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
  const exchanges = new Set<string>();
  for (const { exchangeId, conversationId } of session.exchanges) {
    if (exchanges.has(exchangeId))
      findings.add({
        class: "doubled",
        subject: "exchange",
        id: exchangeId,
        conversation_id: conversationId,
        message: "is stored twice",
      });
    exchanges.add(exchangeId);
  }
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
    if (exchangeId !== null && !exchanges.has(exchangeId))
      broken(`was carried by exchange ${exchangeId}, which is not stored`);
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

/** Whether each message that exchanges brought has its rows, where identity says. */
export function checkThreads(
  { messages }: StoredSession,
  expected: readonly ExpectedRows[],
  findings: Findings,
): void {
  const place = (conversation: string, id: string): string => `${conversation}\n${id}`;
  const stored = new Map(messages.map((each) => [place(each.conversationId, each.messageId), each]));
  for (const { conversationId, messageId: id, role, previous, index } of expected) {
    const about = { subject: "message", id, conversation_id: conversationId } as const;
    const message = stored.get(place(conversationId, id));
    if (message === undefined) {
      findings.add({ class: "missing", ...about, message: "was brought by an exchange, and has no rows" });
      continue;
    }
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
}

/** Reminders that hang together at one message are numbered through, so that they keep their order. */
function isBelow({ index, isFallback }: StoredMessage, above: number): boolean {
  return isFallback ? index > above : index === above + 1;
}

function wrongParts({ messageId, parts, fields }: StoredMessage): readonly string[] {
  const wrong: string[] = [];
  for (const [index, { partId, partIndex }] of parts.entries())
    if (partIndex !== index || partId !== `${messageId}#${index}`)
      wrong.push(`part ${index} is ${partId} with part_index ${partIndex}`);
  const [first] = fields;
  if (fields.some((row) => row.some((value, index) => value !== first?.[index])))
    wrong.push("its rows do not agree in what the message is");
  return wrong;
}
