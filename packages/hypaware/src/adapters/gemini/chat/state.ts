import type { JsonObject } from "../../../contract/plugin.ts";
import type { NamedCall } from "../../../protocols/gemini/call-ids.ts";
import type { ChatMessage } from "./message.ts";

/** Of the conversation as the client has it now: an answer, or what was told before one. */
export interface Told {
  readonly name: string;
  /** Of its calls, their ids here. */
  readonly calls: readonly string[];
  /** Messages of the chat that it begins with, before the one that it is named after. */
  readonly begins?: readonly ChatMessage[];
}

/** What the lines of a chat before this one say. */
export interface ChatState {
  readonly session?: string;
  /** Of a subagent: the session that began it. */
  readonly parent?: string;
  /** Oldest first. */
  readonly list?: readonly Told[];
  /** Calls of the last answer. */
  readonly calls?: readonly NamedCall[];
  /** What was told before the last answer, as askedHash has it. */
  readonly asked?: string;
  /** What was told and not answered. The client forgets it when the answer fails. */
  readonly open?: readonly ChatMessage[];
  /** The last message that had an entry, whatever became of it. */
  readonly last?: string;
}

/** Beyond so many the oldest are forgotten: nobody goes back so far, and equal calls are then counted anew. */
const LIST_MAX = 4_096;

export function withTold(state: ChatState, told: Told): ChatState {
  const list = [...(state.list ?? []), told].slice(-LIST_MAX);
  return { ...state, list, last: told.name };
}

/** The conversation before the message of this name; nothing where it is not known. */
export function rewound(state: ChatState, name: string): ChatState {
  const { list = [], open = [] } = state;
  const openAt = open.findIndex(({ id }) => id === name);
  if (openAt !== -1) return { ...state, open: open.slice(0, openAt) };
  const at = list.findIndex((each) => each.name === name);
  return { ...state, list: list.slice(0, Math.max(0, at)), calls: [], open: list[at]?.begins ?? [] };
}

export const memoryOf = (state: ChatState): JsonObject => state as unknown as JsonObject;
