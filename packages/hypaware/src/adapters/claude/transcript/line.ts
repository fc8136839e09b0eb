import type { JsonObject } from "../../../contract/plugin.ts";
import { asObject, parseJson } from "../../../protocols/loose.ts";

/** Other spellings of members, from lines that tools write and not the client itself. */
const OTHER_NAMES = {
  parentUuid: "parent_uuid",
  logicalParentUuid: "logical_parent_uuid",
  sourceToolAssistantUUID: "source_tool_assistant_uuid",
  requestId: "request_id",
  promptId: "prompt_id",
  userType: "user_type",
  permissionMode: "permission_mode",
  isSidechain: "is_sidechain",
  compactMetadata: "compact_metadata",
  version: "claude_version",
} as const;

export interface TranscriptLine {
  /** By the names that the client itself uses. */
  readonly fields: JsonObject;
  /** As it was written. */
  readonly raw: JsonObject;
}

export function parseLine(text: string): TranscriptLine | undefined {
  const raw = asObject(parseJson(text));
  if (raw === undefined) return undefined;
  const others = Object.entries(OTHER_NAMES).flatMap(([name, other]) => {
    const value = raw[other];
    return value === undefined || (raw[name] ?? null) !== null ? [] : [[name, value] as const];
  });
  return { raw, fields: others.length === 0 ? raw : { ...raw, ...Object.fromEntries(others) } };
}
