import type { DecodeStatus, Outcome, RequestClass } from "./exchange.ts";
import type { Json, JsonObject } from "./projection.ts";

export type ColumnType = "STRING" | "INT32" | "INT64" | "DOUBLE" | "BOOLEAN" | "TIMESTAMP" | "JSON";

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
}

const column = (name: string, type: ColumnType, nullable = true): Column => ({ name, type, nullable });

/** Written to every row of `ai_gateway_messages`. */
export const SCHEMA_VERSION = 4;
/** Partition label of `ai_gateway_messages`. */
export const PARTITION = "proxy_messages_v4";

/** `ai_gateway_messages`: one row per message part. Names, types and order are the contract (schema version 4). */
export const MESSAGE_COLUMNS = [
  column("gateway_id", "STRING", false),
  column("schema_version", "INT32", false),
  column("conversation_id", "STRING", false),
  column("user_id", "STRING"),
  column("provider", "STRING", false),
  column("model", "STRING"),
  column("system_text", "STRING"),
  column("tools", "JSON"),
  column("conversation_started_at", "TIMESTAMP", false),
  column("conversation_source", "STRING"),
  column("cwd", "STRING"),
  column("git_branch", "STRING"),
  column("client_version", "STRING"),
  column("entrypoint", "STRING"),
  column("user_type", "STRING"),
  column("permission_mode", "STRING"),
  column("is_sidechain", "BOOLEAN"),
  column("message_id", "STRING", false),
  column("previous_message_id", "JSON"),
  column("provider_uuid", "STRING"),
  column("parent_uuid", "STRING"),
  column("logical_parent_uuid", "STRING"),
  column("source_tool_assistant_uuid", "STRING"),
  column("request_id", "STRING"),
  column("prompt_id", "STRING"),
  column("message_index", "INT32", false),
  column("message_created_at", "TIMESTAMP", false),
  column("role", "STRING", false),
  column("part_id", "STRING", false),
  column("part_index", "INT32", false),
  column("part_type", "STRING", false),
  column("provider_type", "STRING"),
  column("provider_subtype", "STRING"),
  column("content_text", "STRING"),
  column("tool_name", "STRING"),
  column("tool_call_id", "STRING"),
  column("tool_args", "JSON"),
  column("caller_type", "STRING"),
  column("tool_result_for", "STRING"),
  column("thinking_signature", "STRING"),
  column("attachment_type", "STRING"),
  column("hook_event", "STRING"),
  column("is_error", "BOOLEAN"),
  column("is_compact_summary", "BOOLEAN"),
  column("compact_metadata", "JSON"),
  column("status", "JSON"),
  column("attributes", "JSON"),
  column("raw_frame", "JSON"),
  column("date", "STRING", false),
] as const satisfies readonly Column[];

/** A row as projection makes it: JSON columns hold values, timestamps ISO 8601 text. The store encodes. */
export interface MessageRow {
  readonly gateway_id: string;
  readonly schema_version: number;
  readonly conversation_id: string;
  readonly user_id: string | null;
  readonly provider: string;
  readonly model: string | null;
  readonly system_text: string | null;
  readonly tools: Json;
  readonly conversation_started_at: string;
  readonly conversation_source: string | null;
  readonly cwd: string | null;
  readonly git_branch: string | null;
  readonly client_version: string | null;
  readonly entrypoint: string | null;
  readonly user_type: string | null;
  readonly permission_mode: string | null;
  readonly is_sidechain: boolean | null;
  readonly message_id: string;
  readonly previous_message_id: readonly string[] | null;
  readonly provider_uuid: string | null;
  readonly parent_uuid: string | null;
  readonly logical_parent_uuid: string | null;
  readonly source_tool_assistant_uuid: string | null;
  readonly request_id: string | null;
  readonly prompt_id: string | null;
  readonly message_index: number;
  readonly message_created_at: string;
  readonly role: string;
  readonly part_id: string;
  readonly part_index: number;
  readonly part_type: string;
  readonly provider_type: string | null;
  readonly provider_subtype: string | null;
  readonly content_text: string | null;
  readonly tool_name: string | null;
  readonly tool_call_id: string | null;
  readonly tool_args: Json;
  readonly caller_type: string | null;
  readonly tool_result_for: string | null;
  readonly thinking_signature: string | null;
  readonly attachment_type: string | null;
  readonly hook_event: string | null;
  readonly is_error: boolean | null;
  readonly is_compact_summary: boolean | null;
  readonly compact_metadata: JsonObject | null;
  readonly status: JsonObject | null;
  readonly attributes: JsonObject | null;
  readonly raw_frame: JsonObject | null;
  readonly date: string;
}

/** `ai_gateway_exchanges`: one row per exchange, with messages or without. */
export const EXCHANGE_COLUMNS = [
  column("exchange_id", "STRING", false),
  column("gateway_id", "STRING", false),
  column("started_at", "TIMESTAMP"),
  column("ended_at", "TIMESTAMP"),
  column("duration_ms", "DOUBLE"),
  column("ttfb_ms", "DOUBLE"),
  column("client_name", "STRING"),
  column("client_version", "STRING"),
  column("entrypoint", "STRING"),
  column("upstream", "STRING"),
  column("provider", "STRING"),
  column("method", "STRING"),
  column("path", "STRING"),
  column("status_code", "INT32"),
  column("outcome", "STRING", false),
  column("error", "STRING"),
  column("is_sse", "BOOLEAN", false),
  column("is_websocket", "BOOLEAN", false),
  column("stream_event_count", "INT32"),
  column("request_bytes", "INT64"),
  column("response_bytes", "INT64"),
  column("decode_status", "STRING", false),
  column("projector", "STRING"),
  column("request_class", "STRING", false),
  column("retry_of", "STRING"),
  column("session_id", "STRING"),
  column("conversation_id", "STRING"),
  column("agent_id", "STRING"),
  column("parent_agent_id", "STRING"),
  column("turn_id", "STRING"),
  column("request_id", "STRING"),
  column("response_id", "STRING"),
  column("model", "STRING"),
  column("requested_model", "STRING"),
  column("stop_reason", "STRING"),
  column("input_tokens", "INT64"),
  column("cache_read_tokens", "INT64"),
  column("cache_write_tokens", "INT64"),
  column("cache_write_5m_tokens", "INT64"),
  column("cache_write_1h_tokens", "INT64"),
  column("total_input_tokens", "INT64"),
  column("output_tokens", "INT64"),
  column("reasoning_tokens", "INT64"),
  column("cost_microusd", "INT64"),
  column("cost_usd", "DOUBLE"),
  column("price_id", "STRING"),
  column("rate_limits", "JSON"),
  column("cwd", "STRING"),
  column("git_branch", "STRING"),
  column("rows_written", "INT32", false),
  column("attributes", "JSON"),
  column("date", "STRING", false),
] as const satisfies readonly Column[];

export interface ExchangeRow {
  readonly exchange_id: string;
  readonly gateway_id: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly duration_ms: number | null;
  readonly ttfb_ms: number | null;
  readonly client_name: string | null;
  readonly client_version: string | null;
  readonly entrypoint: string | null;
  readonly upstream: string | null;
  readonly provider: string | null;
  readonly method: string | null;
  readonly path: string | null;
  readonly status_code: number | null;
  readonly outcome: Outcome;
  readonly error: string | null;
  readonly is_sse: boolean;
  readonly is_websocket: boolean;
  readonly stream_event_count: number | null;
  readonly request_bytes: number | null;
  readonly response_bytes: number | null;
  readonly decode_status: DecodeStatus;
  readonly projector: string | null;
  readonly request_class: RequestClass;
  readonly retry_of: string | null;
  readonly session_id: string | null;
  readonly conversation_id: string | null;
  readonly agent_id: string | null;
  readonly parent_agent_id: string | null;
  readonly turn_id: string | null;
  readonly request_id: string | null;
  readonly response_id: string | null;
  readonly model: string | null;
  readonly requested_model: string | null;
  readonly stop_reason: string | null;
  readonly input_tokens: number | null;
  readonly cache_read_tokens: number | null;
  readonly cache_write_tokens: number | null;
  readonly cache_write_5m_tokens: number | null;
  readonly cache_write_1h_tokens: number | null;
  readonly total_input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly reasoning_tokens: number | null;
  readonly cost_microusd: number | null;
  readonly cost_usd: number | null;
  readonly price_id: string | null;
  readonly rate_limits: JsonObject | null;
  readonly cwd: string | null;
  readonly git_branch: string | null;
  readonly rows_written: number;
  readonly attributes: JsonObject | null;
  readonly date: string;
}

/** The tables people query, by name. */
export const DATASETS = {
  ai_gateway_messages: MESSAGE_COLUMNS,
  ai_gateway_exchanges: EXCHANGE_COLUMNS,
} as const;
export type DatasetName = keyof typeof DATASETS;
