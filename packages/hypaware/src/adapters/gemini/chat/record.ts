// Gemini CLI's chats: `<tmp>/<project>/chats/session-<time>-<session>.jsonl`, and below it `<session>/<id>.jsonl` of a subagent. A line is
//   {sessionId, projectHash, …}       whose chat it is; again each time the session is taken up
//   {id, timestamp, type, content, …} a message; told again under its id when its tokens or its calls are known
//   {$set: {messages}}                what the conversation consists of now: taken up, shortened, or without a prompt that failed
//   {$rewindTo}                       all from this message on is gone
// The order of the messages is the chain. What a person or a tool says is told with the answer to it: a prompt that got none is taken back.
import { homedir } from "node:os";
import { join } from "node:path";
import type {
  ClientRecord,
  JsonObject,
  PluginContext,
  RecordLine,
  RecordReading,
} from "../../../contract/plugin.ts";
import { asName, asObject, asObjects, known, parseJson } from "../../../protocols/loose.ts";
import { cleaned } from "../links.ts";
import { chatMessage } from "./message.ts";
import { type ChatState, memoryOf, rewound } from "./state.ts";
import { type Read, tell } from "./tell.ts";

const CHAT = /^[^/]+\/chats\/(?:([^/]+)\/)?[^/]+\.jsonl$/;

export function geminiChats(env: PluginContext["env"]): ClientRecord {
  const home = env["GEMINI_CLI_HOME"] || env["HOME"] || homedir();
  return {
    name: "gemini-chats",
    client: "gemini",
    roots: [join(home, ".gemini", "tmp")],
    accepts: (path) => CHAT.test(path),
    read: readChatLine,
    isSentAs: (told, sent) => plain(told) === plain(sent),
  };
}

/** What the client makes of a text and of a thought: it cuts the thought into its subject and the rest. */
function plain(text: string): string {
  return cleaned(text).replace(/\s+/g, " ");
}

export function readChatLine({ text, path, memory }: RecordLine): RecordReading | undefined {
  const parent = CHAT.exec(path)?.[1];
  const line = asObject(parseJson(text));
  if (line === undefined) return undefined;
  const before: ChatState = { ...memory, ...known({ parent }) };
  const { state, entries, responses } = readLine(line, before);
  return {
    memory: memoryOf(state),
    ...(entries.length > 0 ? { entries } : {}),
    ...(responses.length > 0 ? { responses } : {}),
  };
}

function readLine(line: JsonObject, state: ChatState): Read {
  const set = asObject(line["$set"]) ?? (asName(line["projectHash"]) === undefined ? undefined : line);
  if (set !== undefined) {
    const now = { ...state, ...known({ session: asName(set["sessionId"]) }) };
    return Array.isArray(set["messages"]) ? toldAnew(asObjects(set["messages"]), now) : nothing(now);
  }
  const rewindTo = asName(line["$rewindTo"]);
  if (rewindTo !== undefined) return nothing(rewound(state, rewindTo));
  const message = chatMessage(line);
  return message === undefined ? nothing(state) : tell(state, message, true);
}

const nothing = (state: ChatState): Read => ({ state, entries: [], responses: [] });

/** What was told before is known by its name; the list says in which order it stands now. */
function toldAnew(messages: readonly JsonObject[], state: ChatState): Read {
  let at: ChatState = { ...state, list: [], calls: [], open: [] };
  const entries: Read["entries"][number][] = [];
  for (const each of messages) {
    const message = chatMessage(each);
    if (message === undefined) continue;
    const read = tell(at, message, false);
    entries.push(...read.entries);
    at = read.state;
  }
  return { state: at, entries, responses: [] };
}
