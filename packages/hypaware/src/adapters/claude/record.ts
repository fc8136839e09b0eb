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
  RecordedAttempt,
  RecordedFailure,
  RecordedResponse,
  RecordedTotal,
  UntoldMessage,
} from "../../contract/plugin.ts";
import { UsageTally } from "../../protocols/anthropic/usage.ts";
import { asName, asNumber, asObject, asObjects, asText, known, parseJson } from "../../protocols/loose.ts";
import { parseLine } from "./line.ts";
import { answerLinks, blockLinks, isFramedNotification } from "./links.ts";
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

/** Where an agent's lines are: the main one has none. */
function placeOf(
  session: string,
  agent: string | undefined,
): { readonly conversation_id: string; readonly session_id: string } {
  return { conversation_id: agent === undefined ? session : `${session}/${agent}`, session_id: session };
}

/** Written before each request for an answer is sent (since 2.1.330); the first of a process has no `base`. */
function attemptsOf(line: JsonObject): readonly RecordedAttempt[] {
  const [id, session] = [asName(line["id"]), asName(line["sessionId"])];
  if (id === undefined || session === undefined) return [];
  return [
    {
      ...placeOf(session, asName(line["agentId"])),
      attempt_id: id,
      ...known({ follows: asName(line["base"]), request_digest: asName(line["requestDigest"]) }),
    },
  ];
}

/** Of a line that the client writes before it tries again, or in place of an answer. */
function failureOf(line: JsonObject): Omit<RecordedFailure, "conversation_id" | "session_id"> | undefined {
  if (line["isApiErrorMessage"] === true)
    return known({ status_code: asNumber(line["apiErrorStatus"]), request_id: asName(line["requestId"]) });
  if (line["subtype"] !== "api_error") return undefined;
  const error = asObject(line["error"]);
  return known({ status_code: asNumber(error?.["status"]), request_id: asName(error?.["requestId"]) });
}

/** What the line says of the answer that it is a block of: the same on each of them. Messages that the client made itself have none. */
function responseOf(
  line: JsonObject,
  said: JsonObject,
):
  | Pick<
      RecordedResponse,
      "response_id" | "request_id" | "attempt_id" | "model" | "stop_reason" | "usage" | "is_estimate"
    >
  | undefined {
  const model = asName(said["model"]);
  const tally = new UsageTally();
  tally.add(asObject(said["usage"]));
  if (line["type"] !== "assistant" || model === "<synthetic>" || tally.usage === undefined) return undefined;
  const isCut = line["isAbortedMidStream"] === true;
  // Written before the answer's end: the count of its output is the one that it began with.
  const isEarly = !isCut && said["stop_reason"] === null;
  const { output_tokens: _, ...input } = tally.usage;
  return {
    usage: isEarly ? input : tally.usage,
    ...known({
      response_id: answerId(line, said),
      request_id: asName(line["requestId"]),
      attempt_id: asName(line["requestRef"]),
      model,
      stop_reason: asName(said["stop_reason"]),
    }),
    ...(isCut ? { is_estimate: true } : {}),
  };
}

/** Written when the client ends. */
function totalsOf(line: JsonObject): readonly RecordedTotal[] {
  const session = asName(line["sessionId"]);
  const [started, lasted] = [asNumber(line["startTime"]), asNumber(line["totalDuration"])];
  const at = new Date((started ?? Number.NaN) + (lasted ?? Number.NaN));
  if (session === undefined || Number.isNaN(at.getTime())) return [];
  return Object.entries(asObject(line["modelUsage"]) ?? {}).map(([model, told]) => {
    const counts = asObject(told);
    const usage = known({
      input_tokens: asNumber(counts?.["inputTokens"]),
      cache_read_tokens: asNumber(counts?.["cacheReadInputTokens"]),
      cache_write_tokens: asNumber(counts?.["cacheCreationInputTokens"]),
      output_tokens: asNumber(counts?.["outputTokens"]),
    });
    return { session_id: session, model, usage, counted_at: at.toISOString() };
  });
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

function answerId(line: JsonObject, said: JsonObject | undefined): string | undefined {
  return asName(said?.["id"]) ?? asName(line["messageId"]);
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
