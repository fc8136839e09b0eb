import type { ExchangeRecord, RequestClass } from "./exchange.ts";

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };
export type JsonObject = { readonly [key: string]: Json | undefined };

/** A content block as the provider's wire format has it: `{type: "text", text}`, `{type: "tool_use", id, name, input}`, … */
export type ContentBlock = JsonObject;

/**
 * One turn by one role. Grain is the adapter's decision and must not depend on other lanes (design: one message per record line of the client).
 * A projector that gives the same message for many exchanges may freeze it: that promises that neither it nor anything in it
 * will ever change, and what is derived from it is derived once.
 */
export interface ProjectedMessage {
  readonly role: string;
  readonly content: string | readonly ContentBlock[];
  /** Native id. Supplied ids are authoritative; without one the gateway names the message by content. */
  readonly message_id?: string;
  /** `[]` marks a root and is kept. */
  readonly previous_message_id?: readonly string[];
  readonly message_created_at?: string;
  readonly provider_uuid?: string;
  readonly parent_uuid?: string;
  readonly logical_parent_uuid?: string;
  readonly source_tool_assistant_uuid?: string;
  readonly request_id?: string;
  readonly prompt_id?: string;
  readonly provider_type?: string;
  readonly provider_subtype?: string;
  readonly entrypoint?: string;
  readonly user_type?: string;
  readonly permission_mode?: string;
  readonly is_sidechain?: boolean;
  readonly attachment_type?: string;
  readonly hook_event?: string;
  readonly is_compact_summary?: boolean;
  readonly compact_metadata?: JsonObject;
  readonly raw_frame?: JsonObject;
  readonly attributes?: JsonObject;
  readonly stop_reason?: string;
  /**
   * Came in this exchange's response, not in its request. Default when no message says so: the run of
   * assistant messages at the end of the list.
   */
  readonly is_answer?: boolean;
  /**
   * Keys that name this message within its conversation, strongest first, the same in each lane: what the wire shows and what the
   * client's own record says are linked by them.
   */
  readonly links?: readonly string[];
  /**
   * The same, of keys that hold in whichever conversation: what is told of it in an inferred conversation and what the client's record has
   * under one of them are one message, and the two conversations are one. A key that several messages have decides nothing by itself.
   */
  readonly joins?: readonly string[];
}

/** Tokens of one response. Absent = the wire did not say. */
export interface Usage {
  /** Fresh input, without cache reads and writes. */
  readonly input_tokens?: number;
  readonly cache_read_tokens?: number;
  /** All writes. */
  readonly cache_write_tokens?: number;
  readonly cache_write_5m_tokens?: number;
  readonly cache_write_1h_tokens?: number;
  /** Contains reasoning. */
  readonly output_tokens?: number;
  readonly reasoning_tokens?: number;
}

/** What an adapter knows of an exchange as a whole: goes to `ai_gateway_exchanges`, with or without messages. */
export interface ExchangeFacts {
  readonly request_class: RequestClass;
  readonly session_id?: string;
  readonly agent_id?: string;
  readonly parent_agent_id?: string;
  readonly turn_id?: string;
  readonly request_id?: string;
  readonly response_id?: string;
  readonly model?: string;
  readonly requested_model?: string;
  /** What the client's own record calls the request by, of an exchange without a whole answer: RecordedAttempt.request_digest. */
  readonly request_digest?: string;
  readonly stop_reason?: string;
  /** The provider's own error, `type: message`. */
  readonly error?: string;
  readonly usage?: Usage;
  readonly attributes?: JsonObject;
}

/** Where a session worked. */
export interface SessionPlace {
  readonly cwd: string;
  readonly git_branch: string | null;
}

/** What a projector makes of an exchange. `provider`, `conversation_id`, `messages` are required. */
export interface Projection {
  readonly provider: string;
  readonly conversation_id: string;
  readonly messages: readonly ProjectedMessage[];
  readonly conversation_started_at?: string;
  readonly conversation_source?: string;
  readonly user_id?: string;
  readonly cwd?: string;
  readonly git_branch?: string;
  readonly client_name?: string;
  readonly client_version?: string;
  readonly entrypoint?: string;
  readonly user_type?: string;
  readonly permission_mode?: string;
  readonly is_sidechain?: boolean;
  readonly model?: string;
  readonly system_text?: string;
  /** May be frozen, as a message. */
  readonly tools?: Json;
  readonly request_id?: string;
  readonly prompt_id?: string;
  readonly attributes?: JsonObject;
  /**
   * The wire named no conversation: `conversation_id` is only the hash of the first message. The gateway then continues a
   * conversation whose answer this request repeats, and starts `<hash>`, `<hash>:#2`, … otherwise.
   */
  readonly conversation_inferred?: boolean;
  /**
   * The messages follow each other as they are listed: one with a native id and no `previous_message_id` gets the name of the
   * one before it. Without this its predecessor stays unsaid.
   */
  readonly in_order?: boolean;
  /** `response_id` of the response that this request goes on from: its messages may be left out of the list. */
  readonly previous_response_id?: string;
  /** They are left out: the list holds only what came after, even where it says what the beginning said. */
  readonly history_is_left_out?: boolean;
  /** The server keeps the response: a later request may go on from it by its `response_id`. */
  readonly response_is_kept?: boolean;
  readonly exchange?: ExchangeFacts;
}

/** A text message of a WebSocket. `t_ms`: milliseconds since the connection's request began. */
export interface SocketMessage {
  readonly side: "client" | "server";
  readonly t_ms: number;
  readonly text: string;
}

/** A call on a WebSocket: what would be one request and its response over HTTP. */
export interface SocketCall {
  /** As the same call's body over HTTP would be, its whole history included where that is known. */
  readonly request_body: string;
  readonly events: readonly { readonly t_ms: number; readonly event: string; readonly data: string }[];
  readonly start_ms: number;
  readonly end_ms: number;
  /** Of the messages as they were sent, decompressed. */
  readonly request_bytes: number;
  readonly response_bytes: number;
  /** False: the connection ended before the answer did. */
  readonly complete: boolean;
}

/** Follows the messages of one connection. The same messages give the same calls, in the same order. */
export interface CallSplitter {
  /** Calls that this message ends. */
  push(message: SocketMessage): readonly SocketCall[];
  /** The connection ended: calls that have no end. */
  end(): readonly SocketCall[];
}

/** Names may be registered twice; both stay. */
export interface ExchangeProjector {
  readonly name: string;
  /** Higher first; missing counts as 0 and stays missing. */
  readonly priority?: number;
  /** Only strict `true` matches; a throw is a warning and no match. */
  match(input: ExchangeRecord): boolean;
  /** Pure and deterministic on replay. `undefined` declines. */
  project(
    input: ExchangeRecord,
    context: { readonly log: ProjectorLog },
  ): Projection | undefined | Promise<Projection | undefined>;
  /**
   * Beyond the 2.0.0 contract: for a WebSocket whose handshake it matches. Each call is then projected as an exchange of its own,
   * `<connection>#<n>`, as soon as it ends. `undefined` declines.
   */
  split?(connection: ExchangeRecord): CallSplitter | undefined;
}

export interface ProjectorLog {
  debug(event: string, fields?: JsonObject): void;
  info(event: string, fields?: JsonObject): void;
  warn(event: string, fields?: JsonObject): void;
  error(event: string, fields?: JsonObject): void;
}
