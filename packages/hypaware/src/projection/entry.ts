import type { IntakeMessage } from "./intake.ts";
import { answers, matchKey } from "./match-key.ts";
import type { Step } from "./resync.ts";

/** A message with what recognition needs to know of it. */
export interface Entry extends Step {
  readonly message: IntakeMessage;
  /** Of reasoning only: the key that tells samples apart (match-key.ts). */
  readonly exact: string | undefined;
  /** The client replaced the past before it by this text. */
  readonly summary: boolean;
  /** Native id, authoritative. */
  readonly nativeId: string | undefined;
}

export interface Entries {
  /** What the request carried, oldest first. */
  readonly history: readonly Entry[];
  /** What the response brought. */
  readonly answer: readonly Entry[];
}

/** Splits by `is_answer`; where no message says so, the answer is the run of assistant messages at the end. */
export function toEntries(messages: readonly IntakeMessage[]): Entries {
  const entries = messages.map(toEntry);
  if (messages.some((message) => message.is_answer !== undefined)) {
    return {
      history: entries.filter((entry) => entry.message.is_answer !== true),
      answer: entries.filter((entry) => entry.message.is_answer === true),
    };
  }
  const end = entries.findLastIndex((entry) => !entry.answer) + 1;
  return { history: entries.slice(0, end), answer: entries.slice(end) };
}

/** Of frozen messages, which never change. */
const entryOf = new WeakMap<IntakeMessage, Entry>();

function toEntry(message: IntakeMessage): Entry {
  const known = entryOf.get(message);
  if (known !== undefined) return known;
  const entry = newEntry(message);
  if (Object.isFrozen(message)) entryOf.set(message, entry);
  return entry;
}

function newEntry(message: IntakeMessage): Entry {
  const { key, exact } = matchKey(message.role, message.blocks);
  return {
    message,
    key,
    exact,
    reasoning: exact !== undefined,
    answer: answers(message.role),
    summary: message.is_compact_summary === true,
    nativeId: message.message_id === "" ? undefined : message.message_id,
  };
}
