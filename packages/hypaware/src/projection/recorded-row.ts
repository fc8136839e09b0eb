// Rows of messages that the client's own record has, too. Content, usage, model, status, errors, timing, system text and tools are taken
// from the wire; names, chain, time and place from the record.

import { type MessageRow, SCHEMA_VERSION } from "../contract/dataset.ts";
import type { RecordEntry, RecordedMessage } from "../contract/record.ts";
import { inSession, mergeAttributes, withoutFallbackMarks } from "./attributes.ts";
import { blockType, toPart } from "./part.ts";

/** Members of an entry's message that are columns of each of its rows. */
export const TOLD_COLUMNS = [
  "provider_uuid",
  "parent_uuid",
  "logical_parent_uuid",
  "source_tool_assistant_uuid",
  "request_id",
  "prompt_id",
  "provider_type",
  "provider_subtype",
  "entrypoint",
  "user_type",
  "permission_mode",
  "is_sidechain",
  "attachment_type",
  "hook_event",
  "is_compact_summary",
] as const satisfies readonly (keyof MessageRow & keyof RecordedMessage)[];
/** The same of the entry itself. */
export const TOLD_PLACE_COLUMNS = [
  "cwd",
  "git_branch",
  "client_version",
] as const satisfies readonly (keyof MessageRow & keyof RecordEntry)[];

/** The columns that a link may change. */
export const RECORDED_COLUMNS = [
  "conversation_id",
  "message_id",
  "part_id",
  "part_index",
  "previous_message_id",
  "message_index",
  "message_created_at",
  "date",
  "conversation_started_at",
  ...TOLD_COLUMNS,
  ...TOLD_PLACE_COLUMNS,
  "compact_metadata",
  "raw_frame",
  "attributes",
] as const satisfies readonly (keyof MessageRow)[];

/** A part's row, or what of it a link may change. */
export type RecordedPart = Pick<MessageRow, (typeof RECORDED_COLUMNS)[number]>;

export function recordedPart(row: RecordedPart): RecordedPart {
  return Object.fromEntries(RECORDED_COLUMNS.map((name) => [name, row[name]])) as unknown as RecordedPart;
}

/** Where an entry stands in its record. */
export interface RecordPlace {
  readonly depth: number;
  /** ISO 8601. */
  readonly conversationStartedAt: string;
}

/** A part of the wire under the names of its entry. What the record does not say stays as it is. */
export function asRecorded<Part extends RecordedPart>(
  part: Part,
  entry: RecordEntry,
  place: RecordPlace,
): Part {
  const { message } = entry;
  return {
    ...part,
    ...defined(picked(message, TOLD_COLUMNS)),
    ...defined(picked(entry, TOLD_PLACE_COLUMNS)),
    ...defined({ compact_metadata: message.compact_metadata, raw_frame: message.raw_frame }),
    // A fork through the gateway may be the first to carry what was said where it left.
    conversation_id: entry.conversation_id,
    message_id: message.message_id,
    part_id: `${message.message_id}#${part.part_index}`,
    previous_message_id: message.previous_message_id,
    message_index: place.depth,
    message_created_at: message.message_created_at,
    date: message.message_created_at.slice(0, 10),
    conversation_started_at: place.conversationStartedAt,
    attributes: mergeAttributes(
      inSession(withoutFallbackMarks(part.attributes ?? {}), () => entry.session_id),
      entry.forked_from === undefined ? undefined : { gateway: { forked_from: entry.forked_from } },
      message.attributes,
    ),
  };
}

/** Rows of an entry that no exchange carried. */
export function entryRows(
  entry: RecordEntry,
  place: RecordPlace,
  gatewayId: string,
  toolName: (callId: string) => string | undefined,
): MessageRow[] {
  const { message } = entry;
  const blocks = typeof message.content === "string" ? [] : message.content;
  const { client_name: name, client_version: version } = entry;
  const attributes = mergeAttributes(
    name === undefined && version === undefined ? undefined : { client: defined({ name, version }) },
    { gateway: { request_class: entry.request_class, session_id: entry.session_id } },
    message.attributes,
  );
  return blocks.map((block, index) => {
    const { status, ...part } = toPart(block, toolName);
    return asRecorded<MessageRow>(
      {
        ...NOTHING,
        ...part,
        gateway_id: gatewayId,
        conversation_id: entry.conversation_id,
        provider: entry.provider,
        conversation_source: entry.conversation_source ?? null,
        model: entry.model ?? null,
        role: message.role,
        part_index: index,
        provider_subtype: blockType(block),
        status: Object.keys(status).length === 0 ? null : status,
        attributes,
      },
      entry,
      place,
    );
  });
}

/** What `asRecorded` overwrites, or what only the wire knows. */
const NOTHING = {
  schema_version: SCHEMA_VERSION,
  user_id: null,
  system_text: null,
  tools: null,
  conversation_started_at: "",
  cwd: null,
  git_branch: null,
  client_version: null,
  entrypoint: null,
  user_type: null,
  permission_mode: null,
  is_sidechain: null,
  message_id: "",
  previous_message_id: null,
  provider_uuid: null,
  parent_uuid: null,
  logical_parent_uuid: null,
  source_tool_assistant_uuid: null,
  request_id: null,
  prompt_id: null,
  message_index: 0,
  message_created_at: "",
  part_id: "",
  provider_type: null,
  attachment_type: null,
  hook_event: null,
  is_compact_summary: null,
  compact_metadata: null,
  raw_frame: null,
  date: "",
} as const satisfies Partial<MessageRow>;

function picked<T, const Names extends readonly (keyof T)[]>(of: T, names: Names): Pick<T, Names[number]> {
  return Object.fromEntries(names.map((name) => [name, of[name]])) as Pick<T, Names[number]>;
}

function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
