import type { AnyClientRecord } from "../contract/record.ts";
import { answers } from "../projection/match-key.ts";
import type { Findings, Nature } from "./difference.ts";
import { differing, type Fields, MESSAGE_FIELDS, OWN_FIELDS, PART_FIELDS } from "./fields.ts";
import type { StoredExchange, StoredMessage } from "./stored.ts";
import type { ToldMessage, ToldSession } from "./told.ts";

/** By what nature a part's text is another than the record's, if by any. */
export type NatureOfText = (messageId: string, part: number) => Nature | undefined;

export interface MessagesToCompare {
  readonly told: ToldSession;
  /** Native ids of every session of the record. */
  readonly known: ReadonlySet<string>;
  readonly stored: readonly StoredMessage[];
  /** By id. */
  readonly exchanges: ReadonlyMap<string, StoredExchange>;
  readonly isUntold: NonNullable<AnyClientRecord["isUntold"]>;
  readonly natureOfText: NatureOfText;
  /** Exchanges whose answer the client gave up (given-up.ts). */
  readonly givenUp: ReadonlySet<string>;
  /** Exchanges whose answer the client could not read (unreadable.ts). */
  readonly unreadable: ReadonlySet<string>;
  /** Only a part of the record was read: whether a message is at home in another session. */
  readonly isElsewhere?: (messageId: string, conversationId: string) => boolean;
}

/** Each message that the record tells is one message of the store, and the store has no others that nothing explains. */
export function compareMessages(work: MessagesToCompare, findings: Findings): void {
  const { told, stored } = work;
  const byId = Map.groupBy(stored, ({ messageId }) => messageId);
  for (const [id, message] of told.messages) {
    const found = byId.get(id) ?? [];
    if (found.length === 0 && work.isElsewhere?.(id, message.conversationId) === true)
      findings.natural("copied");
    else compareOne(id, message, found, work.natureOfText, findings);
  }
  findings.natural("copied", told.copies);
  const toldConversations = new Set([...told.messages.values()].map(({ conversationId }) => conversationId));
  const unsent = unsentByContent(told, byId);
  for (const message of stored)
    if (!told.messages.has(message.messageId)) explain(message, work, toldConversations, unsent, findings);
  // Without an exchange nothing was sent here at all.
  const isCarried = stored.some(({ exchangeId }) => exchangeId !== null);
  if (isCarried) for (const ids of unsent.values()) findings.natural("not_sent", ids.length);
}

function compareOne(
  id: string,
  told: ToldMessage,
  found: readonly StoredMessage[],
  natureOfText: NatureOfText,
  findings: Findings,
): void {
  const about = { subject: "message", id, conversation_id: told.conversationId, place: told.place } as const;
  const [stored] = found;
  if (stored === undefined) {
    findings.add({ class: "missing", ...about, message: "is in the client's record, and not in the store" });
    return;
  }
  if (found.length > 1)
    findings.add({ class: "doubled", ...about, message: `stands in ${found.length} conversations` });
  const rows = found.flatMap(({ fields }) => fields);
  for (const index of new Set(rows.flatMap((row) => differing(told.fields, row)))) {
    const other = rows.find((row) => row[index] !== told.fields[index]);
    findings.add({ class: "differs", ...about, ...column(MESSAGE_FIELDS[index], told.fields, other, index) });
  }
  if (stored.exchangeId === null)
    for (const index of differing(told.own, stored.own))
      findings.add({
        class: "differs",
        ...about,
        ...column(OWN_FIELDS[index], told.own, stored.own, index),
      });
  if (stored.parts.length !== told.parts.length) {
    const counts = { told: told.parts.length, stored: stored.parts.length };
    const kind = counts.stored > counts.told ? "doubled" : "missing";
    findings.add({
      class: kind,
      ...about,
      ...counts,
      message: `has ${counts.stored} parts, not ${counts.told}`,
    });
    return;
  }
  for (const [part, expected] of told.parts.entries()) {
    const actual = stored.parts[part]!.fields;
    for (const index of differing(expected, actual)) {
      const nature = PART_FIELDS[index] === "content_text" ? natureOfText(id, part) : undefined;
      if (nature !== undefined) findings.natural(nature);
      else
        findings.add({ class: "differs", ...about, ...column(PART_FIELDS[index], expected, actual, index) });
    }
  }
}

function column(
  name: string | undefined,
  told: Fields,
  stored: Fields | undefined,
  index: number,
): {
  readonly column: string;
  readonly told: string | null;
  readonly stored: string | null;
  readonly message: string;
} {
  const values = { told: told[index] ?? null, stored: stored?.[index] ?? null };
  return {
    column: name ?? "",
    ...values,
    message: `${name ?? ""} is ${shown(values.stored)}, not ${shown(values.told)}`,
  };
}

const shown = (value: string | null): string =>
  value === "" || value === null ? "empty" : JSON.stringify(value);

/** What of the record would travel and was carried by no exchange, by what it says. */
function unsentByContent(
  told: ToldSession,
  byId: ReadonlyMap<string, readonly StoredMessage[]>,
): Map<string, string[]> {
  const unsent = new Map<string, string[]>();
  for (const [id, message] of told.messages) {
    const [stored] = byId.get(id) ?? [];
    if (!message.isOnWire || stored === undefined || stored.exchangeId !== null) continue;
    const key = contentKey(stored);
    unsent.set(key, [...(unsent.get(key) ?? []), id]);
  }
  return unsent;
}

function contentKey({ conversationId, role, parts }: StoredMessage): string {
  return [conversationId, role, ...parts.map(({ fields }) => fields.join(" "))].join("\n");
}

/** Of a message that the record does not tell. */
function explain(
  message: StoredMessage,
  { told, known, exchanges, isUntold, isElsewhere, givenUp, unreadable }: MessagesToCompare,
  toldConversations: ReadonlySet<string>,
  unsent: Map<string, string[]>,
  findings: Findings,
): void {
  const { messageId: id, conversationId, isFallback, exchangeId } = message;
  const about = { subject: "message", id, conversation_id: conversationId } as const;
  if (!isFallback && isElsewhere !== undefined) return;
  if (!isFallback && exchangeId === null) {
    const where = known.has(id) ? "belongs to another session" : "is not in the client's record";
    findings.add({ class: "extra", ...about, message: `${where}, and no exchange carried it` });
    return;
  }
  const twin = unsent.get(contentKey(message))?.shift();
  if (twin !== undefined) {
    const place = told.messages.get(twin)?.place;
    findings.add({
      class: "unlinked",
      ...about,
      ...(place === undefined ? {} : { place }),
      message: `was sent, and is not linked with ${twin}, which says the same`,
    });
    return;
  }
  const exchange = exchanges.get(exchangeId ?? "");
  if (!toldConversations.has(conversationId))
    findings.natural(isSideCall(message.requestClass) ? "side_call" : "no_record");
  else if (isSideCall(message.requestClass)) findings.natural("side_call");
  else if (isUntold({ role: message.role, part_type: message.parts[0]?.fields[0] ?? "", text: message.text }))
    findings.natural("wire_only");
  else if (exchange !== undefined && (hasNoAnswer(exchange) || givenUp.has(exchange.exchangeId)))
    findings.natural("no_answer");
  else if (exchange !== undefined && answers(message.role) && unreadable.has(exchange.exchangeId))
    findings.natural("unreadable");
  else
    findings.add({
      class: "extra",
      ...about,
      message: "is not in the client's record, and nothing explains it",
    });
}

/** The client keeps no line of such a call's prompt and answer. */
export function isSideCall(requestClass: string): boolean {
  return requestClass !== "main" && requestClass !== "subagent";
}

export function hasNoAnswer({ outcome, statusCode, hasFailed }: StoredExchange): boolean {
  return outcome !== "complete" || statusCode === null || statusCode >= 400 || hasFailed;
}
