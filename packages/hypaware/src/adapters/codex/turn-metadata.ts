import type { Json, JsonObject } from "../../contract/plugin.ts";
import { asName, asObject, asText, parseJson } from "../../protocols/loose.ts";
import type { RecordedHeaders } from "../../protocols/exchange-record.ts";

const NAME = "x-codex-turn-metadata";

/**
 * What Codex says of the turn: JSON in a header, the same in the body's `client_metadata`. Over a WebSocket only the body's is the
 * call's own, the header is the handshake's.
 */
export function turnMetadata(headers: RecordedHeaders, body: JsonObject | undefined): JsonObject {
  const client = asObject(body?.["client_metadata"]);
  const told = asObject(parseJson(asText(client?.[NAME]) ?? null)) ?? headerMetadata(headers);
  // Some of it stands beside it, too, as plain members.
  const plain = Object.entries(client ?? {}).filter(([name]) => PLAIN.has(name));
  return { ...Object.fromEntries(plain), ...told };
}

const PLAIN = new Set(["session_id", "thread_id", "turn_id", "root_turn_id"]);

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
