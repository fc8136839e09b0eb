import type { ExchangeRow, MessageRow } from "../contract/dataset.ts";
import type { CapturedFacts } from "../contract/frame.ts";
import type { ExchangeProjector, ExchangeRecord } from "../contract/plugin.ts";
import { applyProjection } from "../projection/apply.ts";
import { selectProjection } from "../projection/select.ts";
import { memoryThreads } from "../projection/thread-memory.ts";
import { SILENT } from "./projected.ts";

/** The rows that exchanges make when they are stored one after the other in a new store, as text to be read by a person. */
export async function goldenRows(
  projector: ExchangeProjector,
  records: readonly ExchangeRecord[],
): Promise<string> {
  const threads = memoryThreads();
  const lines: string[] = [];
  for (const record of records) {
    const selection = await selectProjection(record, [projector], SILENT);
    const captured = factsOf(record);
    const { exchange, rows } = applyProjection({ record, captured, selection, threads, decodeError: null });
    lines.push(describeExchange(exchange), ...rows.map(describeRow), "");
  }
  return lines.join("\n");
}

/** What the journal would say of it beside its bodies. */
function factsOf(record: ExchangeRecord): CapturedFacts {
  const { exchange_id: exchangeId, status_code: status, outcome, error, metadata } = record;
  return {
    exchangeId,
    open: {
      startedAt: Date.parse(record.ts_start),
      method: record.method ?? "",
      target: record.path ?? "",
      httpVersion: "1.1",
      headers: [],
      upstream: record.upstream,
      provider: record.provider,
      routeReason: "match",
      clientName: null,
      gatewayId: "contract-kit",
      metadata: JSON.parse(metadata) as CapturedFacts["open"]["metadata"],
    },
    requestComplete: true,
    responseHead: status === null ? null : { tMs: record.ttfb_ms ?? 0, status, statusText: "", headers: [] },
    end: {
      tMs: record.duration_ms ?? 0,
      outcome,
      error,
      requestBytes: record.request_bytes ?? 0,
      responseBytes: record.response_bytes ?? 0,
    },
    droppedRequestBytes: 0,
    droppedResponseBytes: 0,
  };
}

const TOLD = [
  "decode_status",
  "request_class",
  "retry_of",
  "session_id",
  "conversation_id",
  "agent_id",
  "parent_agent_id",
  "turn_id",
  "response_id",
  "model",
  "stop_reason",
  "error",
  "input_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
] as const satisfies readonly (keyof ExchangeRow)[];

function describeExchange(row: ExchangeRow): string {
  const told = TOLD.flatMap((name) => (row[name] === null ? [] : [`${name} ${String(row[name])}`]));
  return `${row.method} ${row.path} -> ${row.status_code} ${row.outcome}: ${told.join(", ")}`.replaceAll(
    "\n",
    "\\n",
  );
}

function describeRow(row: MessageRow): string {
  const [previous] = row.previous_message_id ?? [];
  const said = row.content_text ?? row.tool_args ?? null;
  const words = [
    `  ${row.part_id} after ${previous ?? "nothing"}:`,
    row.role,
    row.part_type,
    ...(row.tool_name === null ? [] : [row.tool_name]),
    ...(row.tool_call_id === null ? [] : [row.tool_call_id]),
    JSON.stringify(said),
    ...(row.attributes?.["usage"] === undefined ? [] : ["with usage"]),
  ];
  return words.join(" ");
}
