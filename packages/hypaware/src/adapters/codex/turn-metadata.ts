import type { Json, JsonObject } from "../../contract/plugin.ts";
import { asName, asObject, asText, parseJson } from "../../protocols/loose.ts";
import type { RecordedHeaders } from "../../protocols/exchange-record.ts";

const NAME = "x-codex-turn-metadata";

/**
 * What has a header of its own is an attribute under this name. `client_metadata` repeats some of them, and alone has others: `ws_…` are
 * those that a call on a WebSocket cannot send.
 */
const HEADERS: Readonly<Record<string, string>> = {
  originator: "originator",
  "x-client-request-id": "client_request_id",
  "x-codex-beta-features": "beta_features",
  "x-codex-installation-id": "installation_id",
  "x-codex-parent-thread-id": "parent_thread_id",
  "x-codex-routing-hint": "routing_hint",
  "x-codex-turn-state": "turn_state",
  "x-codex-window-id": "window_id",
  "x-codex-ws-stream-request-start-ms": "ws_request_started_at_unix_ms",
  "x-openai-internal-codex-responses-lite": "responses_lite",
  "x-openai-subagent": "subagent",
  ws_request_header_x_openai_internal_codex_responses_lite: "responses_lite",
};
/** Other headers among the members of `client_metadata`: unknown ones may be anything. */
const HEADER_LIKE = /^(?:x-|ws_request_header_)/;

export function headerAttributes(headers: RecordedHeaders): JsonObject {
  return Object.fromEntries(
    Object.entries(HEADERS).flatMap(([header, name]) => {
      const value = asName(headers.get(header));
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/**
 * What Codex says of the turn: JSON in a header, the same in the body's `client_metadata`. Over a WebSocket only the body's is the
 * call's own, the header is the handshake's.
 */
export function turnMetadata(headers: RecordedHeaders, body: JsonObject | undefined): JsonObject {
  const client = asObject(body?.["client_metadata"]);
  const told = asObject(parseJson(asText(client?.[NAME]) ?? null)) ?? headerMetadata(headers);
  return { ...plainMembers(client ?? {}), ...told };
}

/** Some of it stands beside it, too, and some there alone. */
function plainMembers(client: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(client).flatMap(([name, value]) => {
      if (!isPlain(value)) return [];
      if (HEADER_LIKE.test(name)) return HEADERS[name] === undefined ? [] : [[HEADERS[name], value]];
      return [[name, value]];
    }),
  );
}

function headerMetadata(headers: RecordedHeaders): JsonObject | undefined {
  return asObject(parseJson(headers.get(NAME) ?? null));
}

export function hasTurnMetadata(headers: RecordedHeaders): boolean {
  return asName(headers.get(NAME)) !== undefined;
}

/** Its members as attributes: what is text, number or flag, and what it says of a compaction. */
export function metadataAttributes(metadata: JsonObject): JsonObject {
  const members = Object.entries(metadata).filter(([name, value]) => name === "compaction" || isPlain(value));
  return Object.fromEntries(members);
}

function isPlain(value: Json | undefined): boolean {
  return value !== undefined && value !== null && value !== "" && typeof value !== "object";
}
