/** How an exchange ended. */
export const OUTCOMES = [
  "complete", // the whole answer reached the client
  "client_aborted", // the client went away first
  "upstream_aborted", // the upstream broke off after its response head
  "upstream_refused", // no response head: connection failed, or the request matched no upstream
  "interrupted", // the gateway died
  "truncated", // over a bound: the bytes flowed, the copy is incomplete
] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const DECODE_STATUSES = [
  "projected", // rows were made, or all its messages were stored already
  "no_projector", // nothing matched, or every match failed
  "no_messages", // recognised, carries no message by nature (count_tokens, probe, …)
  "failed", // body could not be decoded
  "quarantined", // crashed or hung its projector
  "ignored", // policy
  "pending",
] as const;
export type DecodeStatus = (typeof DECODE_STATUSES)[number];

export const REQUEST_CLASSES = [
  "main",
  "subagent",
  "title",
  "compaction",
  "count_tokens",
  "probe",
  "router",
  "models",
  "other",
] as const;
export type RequestClass = (typeof REQUEST_CLASSES)[number];

/** One server-sent event of the response. `t_ms`: milliseconds since `ts_start`, when its last byte arrived. */
export interface StreamEvent {
  readonly kind: "stream_event";
  readonly exchange_id: string;
  readonly t_ms: number;
  readonly event: string;
  readonly data: string;
  readonly id?: string;
}

/**
 * One request and its response as a projector sees it: bodies decoded to text, credentials scrubbed.
 * Field names and types are the public contract (capability `hypaware.ai-gateway` 2.0.0).
 */
export interface ExchangeRecord {
  /** 32 hex digits. */
  readonly exchange_id: string;
  /** ISO 8601, UTC, milliseconds. */
  readonly ts_start: string;
  readonly ts_end: string | null;
  readonly duration_ms: number | null;
  readonly upstream: string;
  readonly provider: string | null;
  readonly method: string | null;
  /** Request target with its query. */
  readonly path: string | null;
  readonly status_code: number | null;
  /** Body bytes on the wire, still encoded. */
  readonly request_bytes: number | null;
  readonly response_bytes: number | null;
  readonly is_sse: boolean | null;
  /** null when not SSE. */
  readonly stream_event_count: number | null;
  /** JSON text: lower-case name → value, or array of values when the header came more than once. Redacted. */
  readonly request_headers: string | null;
  readonly response_headers: string | null;
  readonly request_body: string | null;
  /** null for SSE: see stream_events. */
  readonly response_body: string | null;
  readonly error: string | null;
  /** JSON text `{dev_run_id?}`. */
  readonly metadata: string;
  /** Oldest first. */
  readonly stream_events: readonly StreamEvent[];
  /** Beyond the 2.0.0 contract: how it ended, so that a projector can tell a cut answer from a whole one. */
  readonly outcome: Outcome;
  /** Beyond the 2.0.0 contract: milliseconds from request head to first response byte. */
  readonly ttfb_ms: number | null;
}

/** What storing needs of a record: its response is in the projection by then. */
export type ProjectedRecord = Omit<ExchangeRecord, "response_body" | "stream_events">;
