// Rows of the store as what is compared.

import type { ContentBlock, Json, JsonObject } from "../contract/projection.ts";
import { USAGE_NUMBERS } from "../projection/intake.ts";
import { toPart } from "../projection/part.ts";
import { type Cell, cellToJson, JsonText, type QueryResult } from "../query/cell.ts";
import {
  GATEWAY_FACTS,
  type GatewayFacts,
  jsonDigest,
  MESSAGE_FIELDS,
  OWN_FIELDS,
  PART_FIELDS,
} from "./fields.ts";
import type { StoredExchange, StoredMessage, UsageCounts } from "./stored.ts";
import { isUnreadable } from "./unreadable.ts";

/** By column. */
export type Row = ReadonlyMap<string, Cell>;

const TEXTS = new Set(["text", "reasoning"]);
const JSON_COLUMNS = new Set(["tool_args", "raw_frame", "compact_metadata"]);

export function named({ columns, rows }: QueryResult): readonly Row[] {
  return rows.map((row) => new Map(columns.map(({ name }, index) => [name, row[index] ?? null])));
}

/** `rows`: of its parts, in their order. */
export function messageOf(rows: readonly Row[]): StoredMessage {
  const [first] = rows as [Row, ...Row[]];
  return {
    messageId: text(first, "message_id"),
    conversationId: text(first, "conversation_id"),
    role: text(first, "role"),
    previous: json(first, "previous_message_id") as readonly string[] | null,
    logicalParent: textOrNull(first, "logical_parent_uuid"),
    index: Number(first.get("message_index")),
    createdAt: text(first, "message_created_at"),
    fields: rows.map((row) => MESSAGE_FIELDS.map((name) => fieldOf(row, name))),
    common: rows.map((row) => text(row, "common")),
    sent: text(first, "sent"),
    own: OWN_FIELDS.map((name) => text(first, name)),
    isDated: rows.every((row) => row.get("is_dated") !== false),
    conversationStartedAt: text(first, "conversation_started_at"),
    parts: rows.map((row) => ({
      partId: text(row, "part_id"),
      partIndex: Number(row.get("part_index")),
      fields: PART_FIELDS.map((name) => fieldOf(row, name)),
      status: json(row, "status") as JsonObject | null,
      hasUsage: json(row, "usage") !== null,
    })),
    exchangeId: textOrNull(first, "exchange_id"),
    sessionId: textOrNull(first, "session_id"),
    gateway: gatewayOf(first),
    gatewayId: text(first, "gateway_id"),
    provider: text(first, "provider"),
    requestId: textOrNull(first, "request_id"),
    responseId: textOrNull(first, "response_id"),
    promptId: textOrNull(first, "prompt_id"),
    isSidechain: first.get("is_sidechain") as boolean | null,
    model: textOrNull(first, "model"),
    isFallback: textOrNull(first, "identity_source") !== null,
    requestClass: text(first, "request_class"),
    text: text(first, "text"),
    blocks: blocksOf(rows),
    isUnreadable: isUnreadable(textOrNull(first, "coding"), textOrNull(first, "accepted")),
    lacksText: rows.some(lacksText),
    usages: rows.flatMap((row) => {
      const usage = json(row, "usage") as UsageCounts | null;
      return usage === null ? [] : [usage];
    }),
  };
}

/** Reasoning that its provider keeps to itself has no text. */
function lacksText(row: Row): boolean {
  const isText = TEXTS.has(text(row, "part_type")) && text(row, "block_type") !== "reasoning";
  return isText && textOrNull(row, "text") === null;
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

export function exchangeOf(row: Row): StoredExchange {
  return {
    exchangeId: text(row, "exchange_id"),
    conversationId: textOrNull(row, "conversation_id"),
    sessionId: textOrNull(row, "session_id"),
    gateway: gatewayOf(row),
    gatewayId: text(row, "gateway_id"),
    provider: textOrNull(row, "provider"),
    projector: textOrNull(row, "projector"),
    decodeStatus: text(row, "decode_status"),
    requestClass: text(row, "request_class"),
    outcome: text(row, "outcome"),
    statusCode: numberOrNull(row, "status_code"),
    responseId: textOrNull(row, "response_id"),
    requestId: textOrNull(row, "request_id"),
    model: textOrNull(row, "model"),
    requestedModel: textOrNull(row, "requested_model"),
    requestDigest: textOrNull(row, "request_digest"),
    stopReason: textOrNull(row, "stop_reason"),
    agentId: textOrNull(row, "agent_id"),
    turnId: textOrNull(row, "turn_id"),
    isWebSocket: row.get("is_websocket") === true,
    startedAt: text(row, "started_at"),
    isDated: row.get("is_dated") !== false,
    isTimed: row.get("is_timed") !== false,
    rowsWritten: Number(row.get("rows_written")),
    hasFailed: row.get("has_failed") === true,
    tokens: Object.fromEntries(
      USAGE_NUMBERS.map((name) => [name, numberOrNull(row, name)]),
    ) as StoredExchange["tokens"],
    totalInput: numberOrNull(row, "total_input_tokens"),
  };
}

function gatewayOf(row: Row): GatewayFacts {
  return Object.fromEntries(GATEWAY_FACTS.map((name) => [name, textOrNull(row, name)])) as GatewayFacts;
}

function fieldOf(row: Row, name: string): string {
  if (JSON_COLUMNS.has(name)) return jsonDigest((json(row, name) as Json | null) ?? null);
  if (name === "previous_message_id") return ((json(row, name) as string[] | null) ?? ["?"]).join(" ");
  return text(row, name);
}

function numberOrNull(row: Row, name: string): number | null {
  const cell = row.get(name) ?? null;
  return cell === null ? null : Number(cell);
}

function json(row: Row, name: string): unknown {
  const cell = row.get(name) ?? null;
  return cell instanceof JsonText ? cell.value : cell;
}

export function text(row: Row, name: string): string {
  return textOrNull(row, name) ?? "";
}

export function textOrNull(row: Row, name: string): string | null {
  const cell = row.get(name) ?? null;
  return cell === null ? null : typeof cell === "string" ? cell : cellToJson(cell);
}
