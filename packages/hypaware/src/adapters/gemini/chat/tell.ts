import type {
  ContentBlock,
  RecordEntry,
  RecordedMessage,
  RecordedResponse,
} from "../../../contract/plugin.ts";
import type { NamedCall } from "../../../protocols/gemini/call-ids.ts";
import { textsOfBlocks } from "../../../protocols/gemini/request.ts";
import { known } from "../../../protocols/loose.ts";
import { answerLinks, askedHash, callLinks } from "../links.ts";
import { holdsSummary } from "../request-class.ts";
import { type ChatMessage, said } from "./message.ts";
import { type ChatState, withTold } from "./state.ts";

export interface Read {
  readonly state: ChatState;
  readonly entries: readonly RecordEntry[];
  readonly responses: readonly RecordedResponse[];
}

/** `mayGrow`: the message has a line of its own, and may have another one. */
export function tell(state: ChatState, message: ChatMessage, mayGrow: boolean): Read {
  const nothing = { state, entries: [], responses: [] };
  const { list = [], open = [] } = state;
  if (state.session === undefined) return nothing;
  if (!message.isModel) {
    if (list.some(({ name }) => name === message.id)) return nothing;
    return {
      ...nothing,
      state: { ...state, open: [...open.filter(({ id }) => id !== message.id), message] },
    };
  }
  const isLast = list.at(-1)?.name === message.id;
  if (!isLast && list.some(({ name }) => name === message.id)) return nothing;
  // Told again, it takes the place that it had.
  const before = isLast ? { ...state, list: list.slice(0, -1) } : state;
  const asked = isLast ? undefined : question(before, open);
  const answer = answered(asked?.state ?? before, message, mayGrow);
  if (answer === undefined) return nothing;
  const { state: after, entry } = answer;
  return {
    state: { ...after, open: [] },
    entries: asked === undefined ? [entry] : [...asked.entries, entry],
    responses: message.usage === undefined ? [] : [responseOf(state, message, message.usage)],
  };
}

/** What was told before an answer: one message, under the name of the last one. */
function question(
  state: ChatState,
  open: readonly ChatMessage[],
): { readonly state: ChatState; readonly entries: readonly RecordEntry[] } {
  const { calls = [] } = state;
  const { blocks, wireIds } = said(open, calls);
  const last = open.at(-1);
  if (last === undefined || blocks.length === 0) return { state, entries: [] };
  const asked = askedHash(blocks);
  const keys = callLinks({ blocks, wireIds }, (id) => calls.find((call) => call.id === id)?.name);
  const isSummary = textsOfBlocks(blocks).some(holdsSummary);
  const entry = entryOf(state, last, { role: "user", blocks, keys, isSummary });
  const begins = open.slice(0, -1);
  const told = { name: last.id, calls: [], ...(begins.length > 0 ? { begins } : {}) };
  return { state: { ...withTold(state, told), asked }, entries: [entry] };
}

function answered(
  state: ChatState,
  message: ChatMessage,
  mayGrow: boolean,
): { readonly state: ChatState; readonly entry: RecordEntry } | undefined {
  const { blocks, wireIds, calls } = said([message], callsBefore(state));
  if (blocks.length === 0) return undefined;
  const keys = [
    ...callLinks({ blocks, wireIds }, (id) => calls.find((call) => call.id === id)?.name),
    ...answerLinks(blocks, state.asked ?? "", message.usage),
  ];
  const entry = entryOf(state, message, { role: "assistant", blocks, keys, isSummary: false });
  const told = { name: message.id, calls: calls.map(({ id }) => id) };
  return {
    state: { ...withTold(state, told), calls },
    entry: { ...entry, ...(mayGrow ? { may_grow: true } : {}) },
  };
}

/** Only how often each was made counts. */
function callsBefore({ list = [] }: ChatState): readonly NamedCall[] {
  return list.flatMap(({ calls }) => calls.map((id) => ({ id, name: "", wireId: undefined })));
}

interface Content {
  readonly role: "user" | "assistant";
  readonly blocks: readonly ContentBlock[];
  readonly keys: readonly string[];
  /** Stands for a history that was made short. */
  readonly isSummary: boolean;
}

function entryOf(state: ChatState, { id, at, model }: ChatMessage, content: Content): RecordEntry {
  const { role, blocks, keys, isSummary } = content;
  const before = isSummary ? undefined : state.list?.at(-1)?.name;
  const message: RecordedMessage = {
    role,
    content: blocks,
    message_id: id,
    previous_message_id: before === undefined ? [] : [before],
    message_created_at: at,
    provider_uuid: id,
    links: keys,
    joins: keys,
    is_sidechain: state.parent !== undefined,
    ...known({
      provider_type: role === "assistant" ? "model" : undefined,
      parent_uuid: before,
      is_compact_summary: isSummary ? true : undefined,
      logical_parent_uuid: isSummary ? state.last : undefined,
    }),
  };
  return { ...aboutOf(state), is_on_wire: true, message, ...known({ model }) };
}

function aboutOf({ session = "", parent }: ChatState): Omit<RecordEntry, "message" | "is_on_wire"> {
  return {
    conversation_id: session,
    session_id: parent ?? session,
    request_class: parent === undefined ? "main" : "subagent",
    provider: "google",
    conversation_source: "gemini_cli",
    client_name: "gemini",
  };
}

function responseOf(
  state: ChatState,
  { id, at }: ChatMessage,
  usage: RecordedResponse["usage"],
): RecordedResponse {
  const { conversation_id, session_id, request_class, provider } = aboutOf(state);
  return { conversation_id, session_id, request_class, provider, message_ids: [id], responded_at: at, usage };
}
