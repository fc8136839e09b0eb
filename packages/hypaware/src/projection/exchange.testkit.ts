import type { ExchangeRow, MessageRow } from "../contract/dataset.ts";
import type { ExchangeRecord, Outcome } from "../contract/exchange.ts";
import type { CapturedExchange } from "../contract/frame.ts";
import type { ExchangeProjector, JsonObject, Projection, ProjectorLog } from "../contract/projection.ts";
import type { ThreadStore } from "../contract/thread.ts";
import { applyProjection } from "./apply.ts";
import type { Selection } from "./select.ts";
import { selectProjection } from "./select.ts";

export const START = Date.parse("2026-03-01T10:00:00.000Z");

export interface ExchangeOptions {
  readonly id?: string;
  readonly outcome?: Outcome;
  readonly status?: number | null;
  readonly body?: string | null;
  readonly clientName?: string | null;
  readonly upstream?: string | null;
  readonly responseHeaders?: readonly string[];
  readonly tMs?: number;
}

let lastExchange = 0;

/** A captured exchange and the record that decoding would make of it. */
export function exchange(options: ExchangeOptions = {}): {
  captured: CapturedExchange;
  record: ExchangeRecord;
} {
  const id = options.id ?? (++lastExchange).toString(16).padStart(32, "0");
  const status = options.status === undefined ? 200 : options.status;
  const outcome = options.outcome ?? "complete";
  const upstream = options.upstream === undefined ? "fake" : options.upstream;
  const body = options.body ?? null;
  const responseHeaders = options.responseHeaders ?? ["Content-Type", "application/json"];
  const tMs = options.tMs ?? 1_500;
  const error = outcome === "complete" ? null : `the exchange was ${outcome}`;
  const captured: CapturedExchange = {
    exchangeId: id,
    open: {
      startedAt: START,
      method: "POST",
      target: "/v1/messages?beta=true",
      httpVersion: "1.1",
      headers: ["Content-Type", "application/json", "X-App", "test"],
      upstream,
      provider: "fake",
      routeReason: "match",
      clientName: options.clientName ?? null,
      gatewayId: "hypaware-local",
      metadata: { dev_run_id: "run-1" },
    },
    requestBody: Buffer.from(body ?? ""),
    requestComplete: true,
    responseHead: status === null ? null : { tMs: 120, status, statusText: "", headers: responseHeaders },
    response: [],
    end: { tMs, outcome, error, requestBytes: 10, responseBytes: 20 },
    droppedRequestBytes: 0,
    droppedResponseBytes: 0,
  };
  const headers = Object.fromEntries(
    responseHeaders.flatMap((name, index) =>
      index % 2 === 0 ? [[name.toLowerCase(), responseHeaders[index + 1]]] : [],
    ),
  );
  const record: ExchangeRecord = {
    exchange_id: id,
    ts_start: new Date(START).toISOString(),
    ts_end: new Date(START + tMs).toISOString(),
    duration_ms: tMs,
    upstream: upstream ?? "",
    provider: "fake",
    method: "POST",
    path: "/v1/messages?beta=true",
    status_code: status,
    request_bytes: 10,
    response_bytes: 20,
    is_sse: status === null ? null : false,
    stream_event_count: null,
    request_headers: '{"content-type":"application/json","x-app":"test"}',
    response_headers: status === null ? null : JSON.stringify(headers),
    request_body: body,
    response_body: null,
    error,
    metadata: '{"dev_run_id":"run-1"}',
    stream_events: [],
    outcome,
    ttfb_ms: 120,
  };
  return { captured, record };
}

export interface LoggedEvent {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly event: string;
  readonly fields: JsonObject;
}

/** A logger that keeps what it is told. */
export function memoryLog(): { log: ProjectorLog; events: LoggedEvent[] } {
  const events: LoggedEvent[] = [];
  const at =
    (level: LoggedEvent["level"]) =>
    (event: string, fields: JsonObject = {}): void =>
      void events.push({ level, event, fields });
  return { log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }, events };
}

/** A projector that matches everything and answers with what it is given. */
export function projectorOf(projection: unknown, name = "test"): ExchangeProjector {
  return { name, match: () => true, project: () => projection as Projection };
}

/** One exchange through selection and projection. `projection` undefined: nothing matches. */
export async function project(
  threads: ThreadStore,
  projection: Projection | undefined,
  options: ExchangeOptions = {},
): Promise<{ exchange: ExchangeRow; rows: MessageRow[]; selection: Selection }> {
  const body = options.body === undefined ? JSON.stringify(projection ?? null) : options.body;
  const { captured, record } = exchange({ ...options, body });
  const projectors = projection === undefined ? [] : [projectorOf(projection)];
  const selection = await selectProjection(record, projectors, memoryLog().log);
  return { ...applyProjection({ record, captured, selection, threads, decodeError: null }), selection };
}
