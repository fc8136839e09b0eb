// Lines that are no items of the model's, and rows all the same. The list is closed: what the client did, and what happened to the
// conversation, where no item says it. Not in it are events that repeat an item (UserMessage, AgentMessage, Reasoning and the older
// user_message, agent_message, agent_reasoning; tools of collaboration; a compaction, which has a line of its own), progress
// (task_started, task_complete, token_count) and settings (session_meta, turn_context, world_state, thread_settings_applied): they
// are columns of the entries around them, or counts of responses.
import type { JsonObject } from "../../../contract/plugin.ts";
import { asName, asNumber, asObject, known } from "../../../protocols/loose.ts";
import { frameOf, type Line, type Said } from "./entry.ts";

/** In code mode the model writes a program, and only these tell what it ran, where, and how it ended. */
const DONE = new Set(["CommandExecution", "FileChange", "McpToolCall"]);
const HAPPENED = new Set([
  "turn_aborted",
  "error",
  "thread_rolled_back",
  "undo_completed",
  "entered_review_mode",
  "exited_review_mode",
]);
/** Of a text in what is kept of the line: an output may have megabytes, and the model's item has what it saw of it. */
const TEXT_CHARS = 4_096;

/** `undefined` for every other event. */
export function eventSaid(line: Line): Said | undefined {
  const event = line.payload;
  const type = asName(event["type"]);
  if (type === undefined) return undefined;
  if (HAPPENED.has(type)) return remark(line, type, event);
  if (type !== "item_completed") return undefined;
  const item = asObject(event["item"]);
  const kind = asName(item?.["type"]);
  return item !== undefined && kind !== undefined && DONE.has(kind) ? remark(line, kind, event) : undefined;
}

/** The boundary: what stands behind it in the file begins with the history that was left. */
export function compactionSaid(line: Line): Said {
  const told = line.payload;
  return {
    ...remark(line, "compacted", {}),
    message: {
      provider_type: line.type,
      compact_metadata: known({
        window_number: asNumber(told["window_number"]),
        window_id: asName(told["window_id"]),
        previous_window_id: asName(told["previous_window_id"]),
        response_id: asName(told["compaction_response_id"]),
        message: asName(told["message"]),
      }),
    },
  };
}

function remark(line: Line, type: string, event: JsonObject): Said {
  return {
    role: "system",
    content: [{ type }],
    name: line.name,
    isOnWire: false,
    isNamedOnWire: false,
    isSummingUp: false,
    ...known({ turn: asName(event["turn_id"]) }),
    message: { provider_type: line.type, raw_frame: frameOf(line, cut(event) as JsonObject) },
  };
}

function cut(value: JsonObject[string]): JsonObject[string] {
  if (typeof value === "string") return value.length > TEXT_CHARS ? `${value.slice(0, TEXT_CHARS)}…` : value;
  if (Array.isArray(value)) return value.map(cut) as JsonObject[string];
  const object = asObject(value);
  if (object === undefined) return value;
  return Object.fromEntries(Object.entries(object).map(([name, member]) => [name, cut(member)]));
}
