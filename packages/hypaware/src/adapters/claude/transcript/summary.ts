// Lines `{type: "summary", summary, leafUuid}`, which older versions wrote: what a session was about, up to a message. They have no name, no
// session and no time. Most stand at the top of a file, also of one whose session is another than the message's, and later files repeat
// them. So they belong to the session and the time of the line before, at the top to those of the first line with any, and what is said
// again is the same. The message is their predecessor where it is the line before; nothing ever goes on from them.
import type { JsonObject, RecordEntry, RecordReading } from "../../../contract/plugin.ts";
import { shortHash } from "../../../protocols/json-digest.ts";
import { asName, asObject, asObjects } from "../../../protocols/loose.ts";

/** What waits for the first line with a session and a time. */
const HELD = 50;
const SUMMARY_CHARS = 10_000;

/** A line that is a message of the main thread. */
export interface LineBefore {
  readonly session: string;
  readonly uuid: string;
  /** ISO 8601. */
  readonly at: string;
}

export const rememberLine = (line: LineBefore): JsonObject => ({ before: { ...line } });

export function readSummary(line: JsonObject, memory: JsonObject): RecordReading | undefined {
  const summary = asName(line["summary"]);
  if (summary === undefined || summary.length > SUMMARY_CHARS) return undefined;
  const before = asObject(memory["before"]) as LineBefore | undefined;
  if (before !== undefined) return { entries: [entryOf(line, summary, before)] };
  return { memory: { held: [...asObjects(memory["held"]), line].slice(-HELD) } };
}

/** Those that stand above the first line. */
export function heldSummaries(memory: JsonObject, first: LineBefore): readonly RecordEntry[] {
  return asObjects(memory["held"]).map((line) => entryOf(line, asName(line["summary"]) ?? "", first));
}

function entryOf(line: JsonObject, summary: string, { session, uuid, at }: LineBefore): RecordEntry {
  const leaf = asName(line["leafUuid"]);
  const { summary: _, ...rest } = line;
  return {
    conversation_id: session,
    session_id: session,
    request_class: "main",
    provider: "anthropic",
    conversation_source: "claude_code",
    client_name: "claude",
    is_on_wire: false,
    message: {
      role: "system",
      content: [{ type: "text", text: summary }],
      message_id: `summary:${shortHash([leaf ?? null, summary])}`,
      previous_message_id: leaf === uuid ? [leaf] : [],
      message_created_at: at,
      provider_type: "summary",
      raw_frame: rest,
      ...(leaf === undefined ? {} : { attributes: { claude: { leaf_uuid: leaf } } }),
    },
  };
}
