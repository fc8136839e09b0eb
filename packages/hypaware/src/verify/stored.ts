// What the store has of sessions, as a person's query would see it.

import type { ContentBlock, Json } from "../contract/projection.ts";
import { USAGE_NUMBERS } from "../projection/intake.ts";
import { toPart } from "../projection/part.ts";
import { type Cell, cellToJson, JsonText, type QueryResult } from "../query/cell.ts";
import { isUnreadable } from "./unreadable.ts";
import { argsDigest, type Fields, MESSAGE_FIELDS, PART_FIELDS, TEXT_DIGEST } from "./fields.ts";

/** Runs one SELECT. */
export type Ask = (sql: string) => Promise<QueryResult>;

export interface StoredPart {
  readonly partId: string;
  readonly partIndex: number;
  readonly fields: Fields;
}

export interface StoredMessage {
  readonly messageId: string;
  readonly conversationId: string;
  readonly role: string;
  readonly previous: readonly string[] | null;
  readonly logicalParent: string | null;
  readonly index: number;
  readonly createdAt: string;
  /** Of each row, in the order of their parts: what all should agree in. */
  readonly fields: readonly Fields[];
  readonly parts: readonly StoredPart[];
  /** null: no exchange carried it. */
  readonly exchangeId: string | null;
  readonly requestId: string | null;
  readonly model: string | null;
  readonly isFallback: boolean;
  readonly requestClass: string;
  /** The beginning of the first part's text. */
  readonly text: string;
  /** Blocks as they were sent, of a message under a fallback name whose parts all are texts; null for others. */
  readonly blocks: readonly ContentBlock[] | null;
  /** A part that is made of text has none. */
  readonly lacksText: boolean;
  /** Its exchange's answer came in a content encoding that its client had not offered to read. */
  readonly isUnreadable: boolean;
  /** JSON of each `attributes.usage` of its rows. */
  readonly usages: readonly UsageCounts[];
}

/** Tokens of `attributes.usage`. */
export type UsageCounts = Readonly<Record<string, number>>;

export interface StoredExchange {
  readonly exchangeId: string;
  readonly conversationId: string | null;
  readonly sessionId: string;
  readonly requestClass: string;
  readonly outcome: string;
  readonly statusCode: number | null;
  readonly responseId: string | null;
  readonly requestId: string | null;
  readonly model: string | null;
  readonly requestedModel: string | null;
  /** Only of one without a whole answer, if its client notes it. */
  readonly requestDigest: string | null;
  readonly startedAt: string;
  /** Its answer ended in an error of the provider's. */
  readonly hasFailed: boolean;
  /** By column of `ai_gateway_exchanges`; null where the wire carried no usage. */
  readonly tokens: Readonly<Record<(typeof USAGE_NUMBERS)[number], number | null>>;
}

export interface StoredSession {
  readonly messages: readonly StoredMessage[];
  readonly exchanges: readonly StoredExchange[];
}

/** Those that every provider tells, and that rows of messages have. */
export const COUNTED = ["input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"] as const;

const TEXTS = new Set(["text", "reasoning"]);
/** How much of a text is looked at to tell what it is. */
const TEXT_CHARACTERS = 200;
const FALLBACK = "json_extract_string(attributes, '$.gateway.identity_source')";
/** That we could not read an answer is no error of the provider's. */
const FAILED =
  "error IS NOT NULL AND error IS DISTINCT FROM json_extract_string(attributes, '$.gateway.decode_error')";
const SESSION = "json_extract_string(attributes, '$.gateway.session_id')";

/** By session. `conversations`: those that the record names, with the session of each; what lies in one belongs to that session. */
export async function readStored(
  ask: Ask,
  sessions: readonly string[],
  conversations: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, StoredSession>> {
  const ids = listed(sessions);
  const exchanges = await ask(
    `SELECT exchange_id, conversation_id, session_id, request_class, outcome, status_code, response_id, request_id, model, requested_model,
       json_extract_string(attributes, '$.gateway.request_digest') AS request_digest, strftime(started_at, '%Y-%m-%dT%H:%M:%S.%gZ') AS started_at, ${FAILED} AS has_failed, ${USAGE_NUMBERS.join(", ")}
     FROM ai_gateway_exchanges WHERE session_id IN (${ids}) ORDER BY started_at, exchange_id`,
  );
  const rows = await ask(
    `SELECT message_id, part_id, part_index, message_index, tool_args, left(content_text, ${TEXT_CHARACTERS}) AS text,
       json_extract_string(attributes, '$.gateway.exchange_id') AS exchange_id,
       ${FALLBACK} AS identity_source,
       json_extract_string(attributes, '$.gateway.request_class') AS request_class,
       json_extract_string(attributes, '$.gateway.response_headers."content-encoding"') AS coding,
       json_extract_string(attributes, '$.gateway.request_headers."accept-encoding"') AS accepted,
       CASE WHEN ${FALLBACK} IS NOT NULL THEN content_text END AS whole_text, provider_subtype AS block_type,
       ${SESSION} AS session_id, json_extract(attributes, '$.usage') AS usage, ${TEXT_DIGEST} AS content_text,
       strftime(message_created_at, '%Y-%m-%dT%H:%M:%S.%gZ') AS message_created_at,
       model, ${plainColumns().join(", ")}
     FROM ai_gateway_messages
     WHERE conversation_id IN (${listed([...conversations.keys()])}) OR ${SESSION} IN (${ids})
     ORDER BY conversation_id, message_index, message_id, part_index, part_id`,
  );
  const byMessage = Map.groupBy(
    named(rows),
    (row) => `${text(row, "conversation_id")}\n${text(row, "message_id")}`,
  );
  const messages = Map.groupBy(
    byMessage.values().map(messageOf),
    ({ session, message }) => conversations.get(message.conversationId) ?? session,
  );
  const found = Map.groupBy(named(exchanges).map(exchangeOf), ({ sessionId }) => sessionId);
  return new Map(
    sessions.map((session) => [
      session,
      {
        messages: (messages.get(session) ?? []).map(({ message }) => message),
        exchanges: found.get(session) ?? [],
      },
    ]),
  );
}

/** Those that are read as they are. */
function plainColumns(): readonly string[] {
  const computed = new Set<string>(["message_created_at", "content_text", "tool_args"]);
  return [...MESSAGE_FIELDS, ...PART_FIELDS].filter((name) => !computed.has(name));
}

type Row = ReadonlyMap<string, Cell>;

function named({ columns, rows }: QueryResult): readonly Row[] {
  return rows.map((row) => new Map(columns.map(({ name }, index) => [name, row[index] ?? null])));
}

function messageOf(rows: readonly Row[]): { readonly session: string; readonly message: StoredMessage } {
  const [first] = rows as [Row, ...Row[]];
  return {
    session: text(first, "session_id"),
    message: {
      messageId: text(first, "message_id"),
      conversationId: text(first, "conversation_id"),
      role: text(first, "role"),
      previous: json(first, "previous_message_id") as readonly string[] | null,
      logicalParent: textOrNull(first, "logical_parent_uuid"),
      index: Number(first.get("message_index")),
      createdAt: text(first, "message_created_at"),
      fields: rows.map((row) => MESSAGE_FIELDS.map((name) => fieldOf(row, name))),
      parts: rows.map((row) => ({
        partId: text(row, "part_id"),
        partIndex: Number(row.get("part_index")),
        fields: PART_FIELDS.map((name) => fieldOf(row, name)),
      })),
      exchangeId: textOrNull(first, "exchange_id"),
      requestId: textOrNull(first, "request_id"),
      model: textOrNull(first, "model"),
      isFallback: textOrNull(first, "identity_source") !== null,
      requestClass: text(first, "request_class"),
      text: text(first, "text"),
      blocks: blocksOf(rows),
      isUnreadable: isUnreadable(textOrNull(first, "coding"), textOrNull(first, "accepted")),
      lacksText: rows.some((row) => TEXTS.has(text(row, "part_type")) && textOrNull(row, "text") === null),
      usages: rows.flatMap((row) => {
        const usage = json(row, "usage") as UsageCounts | null;
        return usage === null ? [] : [usage];
      }),
    },
  };
}

function blocksOf(rows: readonly Row[]): readonly ContentBlock[] | null {
  if (rows.some((row) => textOrNull(row, "identity_source") === null)) return null;
  const blocks = rows.map((row): ContentBlock | undefined => {
    const [type, said] = [textOrNull(row, "block_type") ?? "text", textOrNull(row, "whole_text")];
    const block = { type, text: said };
    return toPart(block, () => undefined).part_type === "text" ? block : undefined;
  });
  return blocks.every((block) => block !== undefined) ? blocks : null;
}

function exchangeOf(row: Row): StoredExchange {
  const number = (name: string): number | null => {
    const cell = row.get(name) ?? null;
    return cell === null ? null : Number(cell);
  };
  return {
    exchangeId: text(row, "exchange_id"),
    conversationId: textOrNull(row, "conversation_id"),
    sessionId: text(row, "session_id"),
    requestClass: text(row, "request_class"),
    outcome: text(row, "outcome"),
    statusCode: number("status_code"),
    responseId: textOrNull(row, "response_id"),
    requestId: textOrNull(row, "request_id"),
    model: textOrNull(row, "model"),
    requestedModel: textOrNull(row, "requested_model"),
    requestDigest: textOrNull(row, "request_digest"),
    startedAt: text(row, "started_at"),
    hasFailed: row.get("has_failed") === true,
    tokens: Object.fromEntries(USAGE_NUMBERS.map((name) => [name, number(name)])) as StoredExchange["tokens"],
  };
}

function fieldOf(row: Row, name: string): string {
  if (name === "tool_args") return argsDigest((json(row, name) as Json | null) ?? null);
  if (name === "previous_message_id") return ((json(row, name) as string[] | null) ?? ["?"]).join(" ");
  return text(row, name);
}

function json(row: Row, name: string): unknown {
  const cell = row.get(name) ?? null;
  return cell instanceof JsonText ? cell.value : cell;
}

function text(row: Row, name: string): string {
  return textOrNull(row, name) ?? "";
}

function textOrNull(row: Row, name: string): string | null {
  const cell = row.get(name) ?? null;
  return cell === null ? null : typeof cell === "string" ? cell : cellToJson(cell);
}

const listed = (values: readonly string[]): string =>
  values.length === 0 ? "NULL" : values.map((value) => `'${value.replaceAll("'", "''")}'`).join(", ");
