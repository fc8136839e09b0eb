// Claude Code's transcripts: `<projects>/<folder>/<session>.jsonl` and, for subagents, `…/<session>/subagents/agent-<id>.jsonl`.
// Each line with a `uuid` is a message; `parentUuid` chains them, attachments and system lines included. A fork's file begins with
// the lines of the session that it left, under their old `uuid`.
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, join, normalize } from "node:path";
import type {
  ClientRecord,
  ContentBlock,
  Json,
  JsonObject,
  PluginContext,
  RecordEntry,
  RecordLine,
  RecordReading,
  UntoldMessage,
} from "../../../contract/plugin.ts";
import { asName, asNumber, asObject, asObjects, asText, known, parseJson } from "../../../protocols/loose.ts";
import { answerLinks, blockLinks, isFramedNotification } from "../links.ts";
import { answerId, attemptsOf, failureOf, placeOf, responseOf, totalsOf } from "./calls.ts";
import { parseLine } from "./line.ts";
import { heldSummaries, readSummary, rememberLine } from "./summary.ts";

const TRANSCRIPT =
  /(?:^|\/)(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|agent-[\w-]+)\.jsonl$/;

/** A subagent's; what began it stands beside it. */
const AGENT = /(?:^|\/)(agent-[\w-]+)\.jsonl$/;

export function transcripts(env: PluginContext["env"]): ClientRecord {
  const configured = env["CLAUDE_CONFIG_DIR"];
  const folder = configured === undefined || configured === "" ? undefined : configured;
  const home = env["HOME"] ?? homedir();
  return {
    name: "claude-transcripts",
    client: "claude",
    roots: [join(folder ?? join(home, ".claude"), "projects")],
    accepts: (relativePath) => TRANSCRIPT.test(relativePath),
    rootOf,
    beside: besideOf,
    read: readTranscriptLine,
    isUntold,
    isSentAs: isFramedNotification,
  };
}

/** A client that runs under another `CLAUDE_CONFIG_DIR` keeps them there in the same way. */
function rootOf(file: string, sessionId: string): string | undefined {
  const path = normalize(file);
  const root = dirname(dirname(path));
  const isOne =
    isAbsolute(path) &&
    TRANSCRIPT.test(path) &&
    basename(path) === `${sessionId}.jsonl` &&
    basename(root) === "projects";
  return isOne ? root : undefined;
}

function besideOf(path: string): string | undefined {
  const agent = AGENT.exec(path)?.[1];
  return agent && `${agent}.meta.json`;
}

/** How versions before 2.1.330 ask on after an answer that was too long: newer ones write a line of it. */
const TOO_LONG = "Output token limit hit. Resume directly";

/** What it tells the model of its surroundings, or asks of its own accord, without a word of the person. */
function isUntold({ role, text }: UntoldMessage): boolean {
  return (
    role === "system" ||
    text.startsWith("<system-reminder>") ||
    (role === "user" && text.startsWith(TOO_LONG))
  );
}

/** `undefined` for lines that say nothing of messages, attempts or totals. */
export function readTranscriptLine({
  text,
  memory,
  beside,
}: Omit<RecordLine, "path">): RecordReading | undefined {
  const parsed = parseLine(text);
  if (parsed === undefined) return undefined;
  const { fields: line, raw } = parsed;
  if (line["type"] === "summary") return readSummary(line, memory);
  if (line["type"] === "cost-state") return { totals: totalsOf(line) };
  if (line["type"] === "api-request") return { attempts: attemptsOf(line) };
  const uuid = asName(line["uuid"]);
  const session = asName(line["sessionId"]);
  const type = asName(line["type"]);
  const at = isoTime(asName(line["timestamp"]));
  if (uuid === undefined || session === undefined || type === undefined || at === undefined) return undefined;
  const agent = line["isSidechain"] === true ? asName(line["agentId"]) : undefined;
  const said = asObject(line["message"]);
  const attachment = asObject(line["attachment"]);
  const parent = asName(line["parentUuid"]);
  const content = contentOf(said?.["content"]);
  const model = asName(said?.["model"]);
  const place = {
    ...placeOf(session, agent),
    request_class: agent === undefined ? "main" : "subagent",
    provider: "anthropic",
  } as const;
  const entry: RecordEntry = {
    ...place,
    conversation_source: "claude_code",
    client_name: "claude",
    is_on_wire: content !== undefined && line["isApiErrorMessage"] !== true,
    ...known({
      said_in: asName(line["requestSessionId"]),
      client_version: asName(line["version"]),
      model: model === "<synthetic>" ? undefined : model,
      cwd: asName(line["cwd"]),
      git_branch: asName(line["gitBranch"]),
    }),
    message: {
      role: asName(said?.["role"]) ?? "system",
      content: content ?? [{ type }],
      message_id: uuid,
      previous_message_id: parent === undefined ? [] : [parent],
      message_created_at: at,
      provider_uuid: uuid,
      provider_type: type,
      links: content === undefined ? [] : linksOf(line, said, content),
      raw_frame: withoutContent(raw, said),
      ...known({
        parent_uuid: parent,
        logical_parent_uuid: asName(line["logicalParentUuid"]),
        source_tool_assistant_uuid: asName(line["sourceToolAssistantUUID"]),
        request_id: asName(line["requestId"]),
        prompt_id: asName(line["promptId"]),
        provider_subtype: asName(line["subtype"]),
        entrypoint: asName(line["entrypoint"]),
        user_type: asName(line["userType"]),
        permission_mode: asName(line["permissionMode"]),
        is_sidechain: asFlag(line["isSidechain"]),
        attachment_type: asName(attachment?.["type"]),
        hook_event: asName(attachment?.["hookEvent"]) ?? asName(line["hookEvent"]),
        is_compact_summary: asFlag(line["isCompactSummary"]),
        compact_metadata: asObject(line["compactMetadata"]),
        attributes: ownAttributes({
          reported_usage: reportedUsage(line, said),
          agent: agent === undefined ? undefined : agentOf(beside),
        }),
      }),
    },
  };
  const told = said === undefined ? undefined : responseOf(line, said);
  const response = told && { ...place, ...told, message_ids: [uuid], responded_at: at };
  const failure = failureOf(line);
  const own = { session, uuid, at };
  return {
    ...(agent === undefined
      ? { entries: [entry, ...heldSummaries(memory, own)], memory: rememberLine(own) }
      : { entries: [entry] }),
    ...(response === undefined ? {} : { responses: [response] }),
    ...(failure === undefined ? {} : { failures: [{ ...placeOf(session, agent), ...failure }] }),
  };
}

/** `undefined`: the line has none of its own. */
function contentOf(content: Json | undefined): readonly ContentBlock[] | undefined {
  const text = asText(content);
  const blocks = text === undefined ? asObjects(content) : [{ type: "text", text }];
  return blocks.length === 0 || text === "" ? undefined : blocks;
}

function linksOf(
  line: JsonObject,
  said: JsonObject | undefined,
  content: readonly ContentBlock[],
): readonly string[] {
  const [block] = content;
  if (block === undefined) return [];
  if (line["type"] !== "assistant") return blockLinks(block);
  return answerLinks(answerId(line, said), asNumber(line["apiBlockIndex"]), block);
}

/** The line as it is, but for what stands in the message's parts. */
function withoutContent(line: JsonObject, said: JsonObject | undefined): JsonObject {
  if (said === undefined) return line;
  const { content: _, ...message } = said;
  return { ...line, message };
}

/** Of an answer that was cut the client only guesses what it cost. */
function reportedUsage(line: JsonObject, said: JsonObject | undefined): JsonObject | undefined {
  return line["isAbortedMidStream"] === true ? asObject(said?.["usage"]) : undefined;
}

/** What a subagent is and which call began it: what stands in the file beside its own. */
function agentOf(beside: string | undefined): JsonObject | undefined {
  const told = asObject(parseJson(beside ?? null));
  const agent = known({
    type: asName(told?.["agentType"]),
    description: asName(told?.["description"]),
    tool_use_id: asName(told?.["toolUseId"]),
    depth: asNumber(told?.["spawnDepth"]),
    parent_agent_id: asName(told?.["parentAgentId"]),
  });
  return Object.keys(agent).length === 0 ? undefined : agent;
}

function ownAttributes(members: { readonly [name: string]: JsonObject | undefined }): JsonObject | undefined {
  const own: JsonObject = known(members);
  return Object.keys(own).length === 0 ? undefined : { claude: own };
}

function asFlag(value: Json | undefined): boolean | undefined {
  return typeof value === "boolean" ? value : undefined;
}

function isoTime(text: string | undefined): string | undefined {
  const date = new Date(text ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
