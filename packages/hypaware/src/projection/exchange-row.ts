import type { ExchangeRow } from "../contract/dataset.ts";
import type { ProjectedRecord } from "../contract/exchange.ts";
import type { CapturedFacts } from "../contract/frame.ts";
import type { ExchangeFacts, JsonObject, Usage } from "../contract/projection.ts";
import { devRunId, mergeAttributes, parseObject } from "./attributes.ts";
import type { Selection } from "./select.ts";

export interface ExchangeSummary {
  readonly record: ProjectedRecord;
  readonly captured: CapturedFacts;
  readonly selection: Selection;
  readonly decodeError: string | null;
  readonly facts: ExchangeFacts | null;
  readonly conversationId: string | null;
  readonly retryOf: string | null;
  readonly historyEdits: number;
  readonly rowsWritten: number;
}

/** The row of `ai_gateway_exchanges`. Cost is filled in downstream. */
export function toExchangeRow(summary: ExchangeSummary): ExchangeRow {
  const { record, captured, selection, facts, decodeError } = summary;
  const { projection } = selection;
  return {
    exchange_id: record.exchange_id,
    gateway_id: captured.open.gatewayId,
    started_at: record.ts_start,
    ended_at: record.ts_end,
    duration_ms: record.duration_ms,
    ttfb_ms: record.ttfb_ms,
    client_name: captured.open.clientName ?? projection?.client_name ?? null,
    client_version: projection?.client_version ?? null,
    entrypoint: projection?.entrypoint ?? null,
    upstream: captured.open.upstream,
    provider: projection?.provider ?? record.provider,
    method: record.method,
    path: record.path,
    status_code: record.status_code,
    outcome: record.outcome,
    error: record.error ?? facts?.error ?? decodeError,
    is_sse: record.is_sse ?? false,
    is_websocket: record.status_code === 101,
    stream_event_count: record.stream_event_count,
    request_bytes: record.request_bytes,
    response_bytes: record.response_bytes,
    decode_status: selection.status === "no_projector" && decodeError !== null ? "failed" : selection.status,
    projector: selection.projector,
    request_class: facts?.request_class ?? "other",
    retry_of: summary.retryOf,
    session_id: facts?.session_id ?? null,
    conversation_id: summary.conversationId,
    agent_id: facts?.agent_id ?? null,
    parent_agent_id: facts?.parent_agent_id ?? null,
    turn_id: facts?.turn_id ?? projection?.prompt_id ?? null,
    request_id: facts?.request_id ?? projection?.request_id ?? null,
    response_id: facts?.response_id ?? null,
    model: facts?.model ?? projection?.model ?? null,
    requested_model: facts?.requested_model ?? null,
    stop_reason: facts?.stop_reason ?? null,
    ...usageColumns(facts?.usage),
    cost_microusd: null,
    cost_usd: null,
    price_id: null,
    rate_limits: rateLimits(record),
    cwd: projection?.cwd ?? null,
    git_branch: projection?.git_branch ?? null,
    rows_written: summary.rowsWritten,
    attributes: exchangeAttributes(summary),
    date: record.ts_start.slice(0, 10),
  };
}

type UsageColumns = Pick<
  ExchangeRow,
  | "input_tokens"
  | "cache_read_tokens"
  | "cache_write_tokens"
  | "cache_write_5m_tokens"
  | "cache_write_1h_tokens"
  | "total_input_tokens"
  | "output_tokens"
  | "reasoning_tokens"
>;

/**
 * All null when the wire carried no usage. Otherwise what it left out is 0, so that sums need no conditions; but what a
 * provider does not break down (cache writes by lifetime, reasoning within output) stays unknown.
 */
function usageColumns(usage: Usage | undefined): UsageColumns {
  if (usage === undefined) {
    return {
      input_tokens: null,
      cache_read_tokens: null,
      cache_write_tokens: null,
      cache_write_5m_tokens: null,
      cache_write_1h_tokens: null,
      total_input_tokens: null,
      output_tokens: null,
      reasoning_tokens: null,
    };
  }
  const input = usage.input_tokens ?? 0;
  const cacheRead = usage.cache_read_tokens ?? 0;
  const cacheWrite =
    usage.cache_write_tokens ?? (usage.cache_write_5m_tokens ?? 0) + (usage.cache_write_1h_tokens ?? 0);
  return {
    input_tokens: input,
    cache_read_tokens: cacheRead,
    cache_write_tokens: cacheWrite,
    cache_write_5m_tokens: usage.cache_write_5m_tokens ?? null,
    cache_write_1h_tokens: usage.cache_write_1h_tokens ?? null,
    total_input_tokens: input + cacheRead + cacheWrite,
    output_tokens: usage.output_tokens ?? 0,
    reasoning_tokens: usage.reasoning_tokens ?? null,
  };
}

/** Every response header that speaks of a rate limit, as received; null when there is none. */
function rateLimits(record: ProjectedRecord): JsonObject | null {
  const limits = Object.entries(parseObject(record.response_headers) ?? {}).filter(([name]) =>
    /rate-?limit/.test(name),
  );
  return limits.length === 0 ? null : Object.fromEntries(limits);
}

function exchangeAttributes(summary: ExchangeSummary): JsonObject {
  const { record, captured, selection, facts, historyEdits, decodeError } = summary;
  const { droppedRequestBytes, droppedResponseBytes } = captured;
  return mergeAttributes(facts?.attributes, devRunId(record), {
    gateway: {
      route_reason: captured.open.routeReason,
      ...(selection.coMatches.length > 0 ? { co_matches: selection.coMatches } : {}),
      ...(historyEdits > 0 ? { history_edits: historyEdits } : {}),
      ...(facts?.request_digest === undefined ? {} : { request_digest: facts.request_digest }),
      ...(decodeError === null ? {} : { decode_error: decodeError }),
      ...(droppedRequestBytes > 0 ? { dropped_request_bytes: droppedRequestBytes } : {}),
      ...(droppedResponseBytes > 0 ? { dropped_response_bytes: droppedResponseBytes } : {}),
    },
  });
}
