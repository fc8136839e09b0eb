// opencode's own database: `<data>/opencode/opencode.db`. A row of `message` is what a person said, or one answer or several of the
// model with the calls that it made; what the calls brought stands in the same row of `part` as the call. A message changes until it is
// complete, and is read then. An answer that broke off leaves a step without an end, and its repeat is the next step of the same message.
import { homedir } from "node:os";
import { join } from "node:path";
import type {
  ClientDatabase,
  DatabaseRow,
  JsonObject,
  PluginContext,
  RecordEntry,
  RecordReading,
  RecordedMessage,
  RecordedResponse,
  UntoldMessage,
  Usage,
} from "../../contract/plugin.ts";
import { asName, asNumber, asObject, asObjects, asText, known, parseJson } from "../../protocols/loose.ts";
import { type Part, readSteps } from "./step.ts";
import { type Said, messagesOfStep } from "./step-messages.ts";

/** What is not followed by another message, or not complete, may still grow; after so long it will not. */
const ASKED_IDLE_MS = 60_000;
const ANSWER_IDLE_MS = 900_000;

/** A summary that fails is written without a word in the session's own row. */
const SESSIONS = `
  SELECT id, max(time_updated, coalesce((SELECT max(time_created) FROM message WHERE session_id = session.id), 0)) AS changed
    FROM session WHERE changed >= :since ORDER BY changed, id`;

// The client does not write down which session was forked. A fork's copies have new ids and the old times: it left the oldest of the
// sessions before it that have the last of them.
const ORIGIN = `
  SELECT o.session_id FROM message c JOIN message o ON o.time_created = c.time_created JOIN session s ON s.id = o.session_id
   WHERE c.id = (SELECT max(m.id) FROM message m JOIN session f ON f.id = m.session_id
                  WHERE m.session_id = :session AND m.time_created < f.time_created)
     AND s.time_created < (SELECT time_created FROM session WHERE id = :session)
   ORDER BY s.time_created LIMIT 1`;

const ROWS = `
  SELECT m.id, m.session_id, (${ORIGIN}) AS origin_id, s.parent_id, s.directory, s.version, m.time_created, m.data, m.time_created < s.time_created AS is_copy,
         (SELECT json_group_array(json_object('id', p.id, 'data', p.data))
            FROM (SELECT id, data FROM part WHERE message_id = m.id ORDER BY id) p) AS parts,
         EXISTS (SELECT 1 FROM message n WHERE n.session_id = m.session_id AND n.id > m.id) AS is_followed,
         CAST(strftime('%s', 'now') AS INTEGER) * 1000
           - max(m.time_updated, coalesce((SELECT max(time_updated) FROM part WHERE message_id = m.id), 0)) AS idle_ms
    FROM message m JOIN session s ON s.id = m.session_id
   WHERE m.session_id = :session AND m.id > :after ORDER BY m.id`;

export function opencodeDatabase(env: PluginContext["env"]): ClientDatabase {
  const data = env["XDG_DATA_HOME"] || join(env["HOME"] || homedir(), ".local", "share");
  const folder = join(data, "opencode");
  const own = env["OPENCODE_DB"];
  return {
    name: "opencode-database",
    client: "opencode",
    // A relative one is a name in the client's folder.
    database: own ? resolvePath(folder, own) : join(folder, "opencode.db"),
    sessions: SESSIONS,
    rows: ROWS,
    read: readMessageRow,
    isUntold,
    isSentAs,
  };
}

function resolvePath(folder: string, own: string): string {
  return own.startsWith("/") ? own : join(folder, own);
}

/** What tells the model what it is, and what the client itself asks to make a history short. */
function isUntold({ role, text }: UntoldMessage): boolean {
  return role === "system" || role === "developer" || text.startsWith("Here is the conversation so far:");
}

/** To Google's API a tool's output goes as `{name, content}`. */
function isSentAs(told: string, sent: string): boolean {
  return asObject(parseJson(sent))?.["content"] === told;
}

/** `memory`: the last entry's name, and how often each call was made before. */
export function readMessageRow(row: DatabaseRow, memory: JsonObject): RecordReading | "unfinished" {
  const data = asObject(parseJson(asText(row["data"] ?? undefined) ?? null));
  const session = asName(row["session_id"] ?? undefined);
  const id = asName(row["id"] ?? undefined);
  if (data === undefined || session === undefined || id === undefined) return {};
  const parts = partsOf(row);
  const isAnswer = data["role"] === "assistant";
  const isWhole = isAnswer
    ? asNumber(asObject(data["time"])?.["completed"]) !== undefined || Number(row["idle_ms"]) > ANSWER_IDLE_MS
    : row["is_followed"] === 1 || Number(row["idle_ms"]) > ASKED_IDLE_MS;
  if (!isWhole) return "unfinished";
  const steps = isAnswer ? readSteps(parts) : [];
  const about = aboutOf(row, data, session);
  const said = isAnswer
    ? messagesOfStep(id, data, steps, asObject(memory["calls"]) ?? {})
    : { messages: askedOf(id, parts), calls: asObject(memory["calls"]) ?? {} };
  const { responses, ...reading } = chained(about, said, data, asName(memory["last"]), timeOf(row));
  // A fork begins with copies of what was said before it began; they cost nothing.
  return row["is_copy"] === 1 ? reading : { responses, ...reading };
}

type About = Omit<RecordEntry, "message" | "is_on_wire">;

function aboutOf(row: DatabaseRow, data: JsonObject, session: string): About {
  const parent = asName(row["parent_id"] ?? undefined);
  const model = asObject(data["model"]);
  return {
    conversation_id: session,
    session_id: parent ?? session,
    request_class: parent === undefined ? "main" : "subagent",
    provider: asName(data["providerID"]) ?? asName(model?.["providerID"]) ?? "unknown",
    conversation_source: "opencode",
    client_name: "opencode",
    ...known({
      forked_from: asName(row["origin_id"] ?? undefined),
      client_version: asName(row["version"] ?? undefined),
      model: asName(data["modelID"]) ?? asName(model?.["modelID"]),
      cwd: asName(asObject(data["path"])?.["cwd"]) ?? asName(row["directory"] ?? undefined),
    }),
  };
}

/** What a person said: all its texts are one message of the wire. */
function askedOf(id: string, parts: readonly Part[]): readonly Said[] {
  const texts = parts.flatMap(({ data }) =>
    data["type"] === "text" && data["ignored"] !== true ? [asText(data["text"]) ?? ""] : [],
  );
  const content = texts.filter((text) => text !== "").map((text) => ({ type: "text", text }));
  if (content.length > 0) return [{ id, role: "user", content, links: [], isOnWire: true, changedCalls: [] }];
  const type = asName(parts[0]?.data["type"]);
  return type === undefined
    ? []
    : [{ id, role: "user", content: [{ type }], links: [], isOnWire: false, changedCalls: [] }];
}

function chained(
  about: About,
  { messages, calls }: { readonly messages: readonly Said[]; readonly calls: JsonObject },
  data: JsonObject,
  last: string | undefined,
  at: string,
): Required<Pick<RecordReading, "entries" | "responses" | "memory">> {
  const entries: RecordEntry[] = [];
  const responses: RecordedResponse[] = [];
  let before = last;
  for (const { id, role, content, links, isOnWire, changedCalls, usage } of messages) {
    const message: RecordedMessage = {
      role,
      content,
      message_id: id,
      previous_message_id: before === undefined ? [] : [before],
      message_created_at: at,
      provider_uuid: id,
      links,
      is_sidechain: about.request_class === "subagent",
      ...known({
        parent_uuid: before,
        is_compact_summary: data["summary"] === true && role === "assistant" ? true : undefined,
      }),
    };
    const changed = changedCalls.length > 0 && { changed_calls: changedCalls };
    entries.push({ ...about, is_on_wire: isOnWire, ...changed, message });
    before = id;
    if (usage !== undefined) responses.push(responseOf(about, id, usage, at));
  }
  return { entries, responses, memory: known({ last: before, calls }) };
}

function responseOf(about: About, id: string, usage: Usage, at: string): RecordedResponse {
  const { conversation_id, session_id, request_class, provider, model } = about;
  return {
    conversation_id,
    session_id,
    request_class,
    provider,
    message_ids: [id],
    responded_at: at,
    usage,
    ...known({ model }),
  };
}

function partsOf(row: DatabaseRow): readonly Part[] {
  return asObjects(parseJson(asText(row["parts"] ?? undefined) ?? null)).flatMap((part) => {
    const id = asName(part["id"]);
    const data = asObject(parseJson(asText(part["data"]) ?? null));
    return id === undefined || data === undefined ? [] : [{ id, data }];
  });
}

function timeOf(row: DatabaseRow): string {
  const date = new Date(Number(row["time_created"] ?? Number.NaN));
  return (Number.isNaN(date.getTime()) ? new Date(0) : date).toISOString();
}
