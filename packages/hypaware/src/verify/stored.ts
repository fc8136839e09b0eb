// What the store has of sessions, as a person's query would see it.

import type { ContentBlock, JsonObject } from "../contract/projection.ts";
import { USAGE_NUMBERS } from "../projection/intake.ts";
import type { QueryResult } from "../query/cell.ts";
import {
  type Fields,
  GATEWAY_FACTS,
  type GatewayFacts,
  MESSAGE_FIELDS,
  PART_FIELDS,
  TEXT_DIGEST,
} from "./fields.ts";
import { exchangeOf, messageOf, named, text } from "./stored-rows.ts";

/** Runs one SELECT. */
export type Ask = (sql: string) => Promise<QueryResult>;

export interface StoredPart {
  readonly partId: string;
  readonly partIndex: number;
  readonly fields: Fields;
  readonly status: JsonObject | null;
  readonly hasUsage: boolean;
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
  /** The same of what no client's record tells, as a digest. */
  readonly common: readonly string[];
  /** What all rows that one exchange brought should agree in, as a digest. */
  readonly sent: string;
  /** OWN_FIELDS, of the first row. */
  readonly own: Fields;
  /** The date of each row is that of its time. */
  readonly isDated: boolean;
  /** ISO 8601. */
  readonly conversationStartedAt: string;
  readonly parts: readonly StoredPart[];
  /** null: no exchange carried it. */
  readonly exchangeId: string | null;
  /** null: the wire does not say, or a version before this one did not. */
  readonly sessionId: string | null;
  readonly gateway: GatewayFacts;
  readonly gatewayId: string;
  readonly provider: string;
  readonly requestId: string | null;
  readonly responseId: string | null;
  readonly promptId: string | null;
  readonly isSidechain: boolean | null;
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
  readonly sessionId: string | null;
  readonly gateway: GatewayFacts;
  readonly gatewayId: string;
  readonly provider: string | null;
  readonly projector: string | null;
  readonly decodeStatus: string;
  readonly requestClass: string;
  readonly outcome: string;
  readonly statusCode: number | null;
  readonly responseId: string | null;
  readonly requestId: string | null;
  readonly model: string | null;
  readonly requestedModel: string | null;
  /** Only of one without a whole answer, if its client notes it. */
  readonly requestDigest: string | null;
  readonly stopReason: string | null;
  readonly agentId: string | null;
  readonly turnId: string | null;
  readonly isWebSocket: boolean;
  readonly startedAt: string;
  /** Its date is that of its beginning. */
  readonly isDated: boolean;
  /** It lasted from its beginning to its end. */
  readonly isTimed: boolean;
  /** When it was projected. */
  readonly rowsWritten: number;
  /** Its answer ended in an error of the provider's. */
  readonly hasFailed: boolean;
  /** By column of `ai_gateway_exchanges`; null where the wire carried no usage. */
  readonly tokens: Readonly<Record<(typeof USAGE_NUMBERS)[number], number | null>>;
  readonly totalInput: number | null;
}

export interface StoredSession {
  readonly messages: readonly StoredMessage[];
  readonly exchanges: readonly StoredExchange[];
}

/** Those that every provider tells, and that rows of messages have. */
export const COUNTED = ["input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"] as const;

/** How much of a text is looked at to tell what it is. */
const TEXT_CHARACTERS = 200;
/** That we could not read an answer is no error of the provider's. */
const FAILED =
  "error IS NOT NULL AND error IS DISTINCT FROM json_extract_string(attributes, '$.gateway.decode_error')";
const gatewayAttribute = (name: string): string => `json_extract_string(attributes, '$.gateway.${name}')`;
export const SESSION = gatewayAttribute("session_id");
const FALLBACK = gatewayAttribute("identity_source");
const time = (column: string): string => `strftime(${column}, '%Y-%m-%dT%H:%M:%S.%gZ')`;
/** Times are whole milliseconds, durations are not. A clock that was set wrong is no time at all: its times are 0. */
const CLOCK_MS = 2;
const isDated = (column: string): string => `date = strftime(${column}, '%Y-%m-%d')`;
const digestOf = (...values: readonly string[]): string =>
  `md5(concat_ws('|', ${values.map((value) => `coalesce((${value})::VARCHAR, '')`).join(", ")}))`;
/** Of all attributes but the usage, which stands on one row. */
const COMMON = digestOf(
  "model",
  "provider",
  "gateway_id",
  "user_id",
  "conversation_source",
  "conversation_started_at",
  "message_index",
  `json_merge_patch(attributes, '{"usage":null}')`,
);
const SENT = digestOf(
  "model",
  "provider",
  "user_id",
  "conversation_source",
  "json_extract(attributes, '$.gateway.request_headers')",
  "json_extract(attributes, '$.gateway.response_headers')",
);

/** What is read in one go, each for a session or for what stands in its place. */
export interface StoredScope {
  readonly sessions: readonly string[];
  /** With the session of each: what lies in one belongs to that session. */
  readonly conversations: ReadonlyMap<string, string>;
  /** Dates of exchanges that belong to no session and no conversation; the date stands for the session. */
  readonly days?: readonly string[];
}

/** By session. */
export async function readStored(
  ask: Ask,
  { sessions, conversations, days = [] }: StoredScope,
): Promise<ReadonlyMap<string, StoredSession>> {
  const ids = listed(sessions);
  const threads = listed([...conversations.keys()]);
  const exchanges = await ask(
    `SELECT exchange_id, conversation_id, session_id, outcome, response_id, request_id, model, requested_model,
       json_extract_string(attributes, '$.gateway.request_digest') AS request_digest, ${time("started_at")} AS started_at,
       ${FAILED} AS has_failed, ${isDated("started_at")} AS is_dated,
       abs(epoch_ms(ended_at) - epoch_ms(started_at) - duration_ms) < ${CLOCK_MS} OR epoch_ms(started_at) = 0 AS is_timed, ${USAGE_NUMBERS.join(", ")}, total_input_tokens,
       ${GATEWAY_FACTS.map((name) => `${name}::VARCHAR AS ${name}`).join(", ")}, gateway_id, provider, projector, decode_status,
       stop_reason, agent_id, turn_id, is_websocket, rows_written
     FROM ai_gateway_exchanges WHERE session_id IN (${ids}) OR conversation_id IN (${threads})
       OR (session_id IS NULL AND conversation_id IS NULL AND date IN (${listed(days)}))
     ORDER BY started_at, exchange_id`,
  );
  const rows = await ask(
    `SELECT message_id, part_id, part_index, message_index, tool_args, left(content_text, ${TEXT_CHARACTERS}) AS text,
       ${gatewayAttribute("exchange_id")} AS exchange_id, ${FALLBACK} AS identity_source,
       ${GATEWAY_FACTS.map((name) => `${gatewayAttribute(name)} AS ${name}`).join(", ")},
       ${gatewayAttribute('response_headers."content-encoding"')} AS coding,
       ${gatewayAttribute('request_headers."accept-encoding"')} AS accepted,
       CASE WHEN ${FALLBACK} IS NOT NULL THEN content_text END AS whole_text, provider_subtype AS block_type,
       ${SESSION} AS session_id, json_extract(attributes, '$.usage') AS usage, ${TEXT_DIGEST} AS content_text,
       json_extract_string(attributes, '$.provider_raw.response_id') AS response_id, status, provider, conversation_source, gateway_id,
       ${time("message_created_at")} AS message_created_at, ${time("conversation_started_at")} AS conversation_started_at,
       ${isDated("message_created_at")} AS is_dated, ${COMMON} AS common, ${SENT} AS sent, model, ${plainColumns().join(", ")}
     FROM ai_gateway_messages
     WHERE conversation_id IN (${threads}) OR ${SESSION} IN (${ids})
     ORDER BY conversation_id, message_index, message_id, part_index, part_id`,
  );
  const byMessage = Map.groupBy(
    named(rows),
    (row) => `${text(row, "conversation_id")}\n${text(row, "message_id")}`,
  );
  const messages = Map.groupBy(
    byMessage.values().map(messageOf),
    ({ conversationId, sessionId }) => conversations.get(conversationId) ?? sessionId,
  );
  const found = Map.groupBy(
    named(exchanges).map(exchangeOf),
    ({ conversationId, sessionId, startedAt }) =>
      conversations.get(conversationId ?? "") ?? sessionId ?? startedAt.slice(0, "YYYY-MM-DD".length),
  );
  return new Map(
    [...sessions, ...conversations.values(), ...days].map((id) => [
      id,
      { messages: messages.get(id) ?? [], exchanges: found.get(id) ?? [] },
    ]),
  );
}

/** Those that are read as they are. */
function plainColumns(): readonly string[] {
  const computed = new Set<string>(["message_created_at", "content_text", "tool_args"]);
  return [...MESSAGE_FIELDS, ...PART_FIELDS].filter((name) => !computed.has(name));
}

export const listed = (values: readonly string[]): string =>
  values.length === 0 ? "NULL" : values.map((value) => `'${value.replaceAll("'", "''")}'`).join(", ");
