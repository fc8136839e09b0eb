// What of a message is compared, written the same way for what the client's record says and for what the store has. Long texts and
// arguments are compared by digest, so that a record of any size fits into memory.

import { createHash } from "node:crypto";
import type { ContentBlock, Json } from "../contract/projection.ts";
import type { RecordEntry } from "../contract/record.ts";
import { toPart } from "../projection/part.ts";
import { TOLD_COLUMNS, TOLD_PLACE_COLUMNS } from "../projection/recorded-row.ts";
import { canonicalJson } from "../wire/canonical.ts";

/** Columns that each row of a message has, in the order of MessageFields. */
export const MESSAGE_FIELDS = [
  "conversation_id",
  "role",
  "previous_message_id",
  "message_created_at",
  ...TOLD_COLUMNS,
  ...TOLD_PLACE_COLUMNS,
  "raw_frame",
  "compact_metadata",
] as const;

/** The same of a message that no exchange carried: nobody else tells them. */
export const OWN_FIELDS = [
  "provider",
  "model",
  "conversation_source",
  "session_id",
  "request_class",
] as const;

/** What the rows of an exchange and the exchange itself say of the gateway's part in it, as text. */
export const GATEWAY_FACTS = [
  "upstream",
  "method",
  "path",
  "status_code",
  "request_bytes",
  "response_bytes",
  "is_sse",
  "stream_event_count",
  "error",
  "request_class",
] as const;
export type GatewayFacts = Readonly<Record<(typeof GATEWAY_FACTS)[number], string | null>>;

/** Columns of one part, in the order of PartFields. */
export const PART_FIELDS = [
  "part_type",
  "content_text",
  "tool_call_id",
  "tool_args",
  "tool_result_for",
  "is_error",
  "tool_name",
  "thinking_signature",
] as const;

/** One value per column, "" for NULL; undefined: the record does not say, and the column is the wire's. */
export type Fields = readonly (string | undefined)[];

/** `previous`: names of the messages before it, where they are known. */
export function toldMessage(entry: RecordEntry, previous: readonly string[] | undefined): Fields {
  const { message } = entry;
  return [
    entry.conversation_id,
    message.role,
    previous?.join(" "),
    message.message_created_at,
    ...TOLD_COLUMNS.map((name) => (message[name] === undefined ? undefined : String(message[name]))),
    ...TOLD_PLACE_COLUMNS.map((name) => entry[name]),
    ...[message.raw_frame, message.compact_metadata].map((value) => value && jsonDigest(value)),
  ];
}

export function toldAlone(entry: RecordEntry): Fields {
  return OWN_FIELDS.map((name) => entry[name] ?? "");
}

/** `changed`: calls whose arguments the record does not say. */
export function toldPart(block: ContentBlock, changed: readonly string[] = []): Fields {
  const part = toPart(block, () => undefined);
  const isChanged = part.part_type === "tool_call" && changed.includes(part.tool_call_id ?? "");
  return [
    part.part_type,
    textDigest(part.content_text),
    part.tool_call_id ?? "",
    isChanged ? undefined : jsonDigest(part.tool_args),
    part.tool_result_for ?? "",
    part.is_error === null ? "" : String(part.is_error),
    // A result has the name of its call, which another line told.
    part.part_type === "tool_call" ? (part.tool_name ?? "") : undefined,
    // Not every client keeps it.
    part.thinking_signature ?? undefined,
  ];
}

/** Of a text without the white space around it, which clients add and lose on the way. */
export function textDigest(text: string | null): string {
  return text === null ? "" : digest(text.replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, ""));
}

/** The same, computed by the engine. */
export const TEXT_DIGEST =
  "md5(trim(content_text, ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13)))";

function digest(text: string | null): string {
  return text === null ? "" : createHash("md5").update(text).digest("hex");
}

export function jsonDigest(value: Json): string {
  return value === null ? "" : digest(canonicalJson(value));
}

/** Places in which `stored` says something else than `told`. */
export function differing(told: Fields, stored: Fields): readonly number[] {
  return told.flatMap((value, index) => (value === undefined || stored[index] === value ? [] : [index]));
}
