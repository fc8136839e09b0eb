import { EXCHANGE_COLUMNS, MESSAGE_COLUMNS } from "../contract/dataset.ts";
import type { Column, ExchangeRow, MessageRow } from "../contract/dataset.ts";

// Rows for tests of the store and of whatever reads it. Every column that a test does not name is null, or a plain value
// where null is not allowed.

const STARTED = Date.parse("2026-11-24T10:00:00.000Z");

/** `n` numbers message, part and time. */
export function exampleRow(n: number, columns: Partial<MessageRow> = {}): MessageRow {
  return filled<MessageRow>(MESSAGE_COLUMNS, {
    gateway_id: "g",
    schema_version: 4,
    conversation_id: "c1",
    provider: "p",
    conversation_started_at: new Date(STARTED).toISOString(),
    message_id: `m${n}`,
    message_index: n,
    message_created_at: new Date(STARTED + n * 1000).toISOString(),
    role: n % 2 === 0 ? "user" : "assistant",
    part_id: `m${n}#0`,
    part_index: 0,
    part_type: "text",
    content_text: `text ${n}`,
    date: "2026-11-24",
    ...columns,
  });
}

/** `n` numbers exchange and time. */
export function exampleExchange(n: number, columns: Partial<ExchangeRow> = {}): ExchangeRow {
  return filled<ExchangeRow>(EXCHANGE_COLUMNS, {
    exchange_id: n.toString(16).padStart(32, "0"),
    gateway_id: "g",
    started_at: new Date(STARTED + n * 1000).toISOString(),
    ended_at: new Date(STARTED + n * 1000 + 500).toISOString(),
    outcome: "complete",
    is_sse: true,
    is_websocket: false,
    decode_status: "projected",
    request_class: "main",
    rows_written: 2,
    date: "2026-11-24",
    ...columns,
  });
}

export const exampleSpan = (n: number) => ({
  runId: "run-1",
  from: { segment: 1, offset: n * 100 },
  to: { segment: 1, offset: n * 100 + 99 },
});

function filled<Row>(columns: readonly Column[], values: Partial<Row>): Row {
  return { ...Object.fromEntries(columns.map(({ name }) => [name, null])), ...values } as Row;
}
