import type {
  ExchangeProjector,
  ExchangeRecord,
  Json,
  Projection,
  ProjectorLog,
} from "../contract/plugin.ts";

export interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly [field: string]: Json | undefined;
}

/** What a projector makes of a record that it matches. Its log lines are added to `lines`. */
export function projectWith(
  projector: ExchangeProjector,
  record: ExchangeRecord,
  lines: LogLine[] = [],
): Projection | undefined {
  const at =
    (level: string): ProjectorLog["info"] =>
    (event, fields) =>
      void lines.push({ ...fields, level, event });
  const log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  if (!projector.match(record)) return undefined;
  return projector.project(record, { log }) as Projection | undefined;
}

const text = (body: Json | undefined): string | null =>
  body === undefined || body === null || typeof body === "string" ? (body ?? null) : JSON.stringify(body);

/** A whole exchange from what matters to a test. Objects become JSON. */
export function exchange(
  parts: Omit<Partial<ExchangeRecord>, "request_body" | "response_body" | "stream_events"> & {
    readonly headers?: Readonly<Record<string, Json>>;
    readonly request_body?: Json;
    readonly response_body?: Json;
    readonly events?: readonly Json[];
  } = {},
): ExchangeRecord {
  const { headers, request_body: request, response_body: response, events, ...rest } = parts;
  return {
    exchange_id: "0123456789abcdef0123456789abcdef",
    ts_start: "2026-03-01T12:00:00.000Z",
    ts_end: "2026-03-01T12:00:01.000Z",
    duration_ms: 1000,
    upstream: "fake",
    provider: "fake",
    method: "POST",
    path: "/",
    status_code: 200,
    request_bytes: 100,
    response_bytes: 100,
    is_sse: events !== undefined,
    stream_event_count: events?.length ?? null,
    request_headers: JSON.stringify(headers ?? {}),
    response_headers: "{}",
    request_body: text(request),
    response_body: text(response),
    error: null,
    metadata: "{}",
    stream_events: (events ?? []).map((data, index) => ({
      kind: "stream_event",
      exchange_id: "0123456789abcdef0123456789abcdef",
      t_ms: 100 * index,
      event: "message",
      data: typeof data === "string" ? data : JSON.stringify(data),
    })),
    outcome: "complete",
    ttfb_ms: 50,
    ...rest,
  };
}
