import type { FrameSink } from "../../contract/frame.ts";
import type { Call, Thread, Utterance } from "./conversation.testkit.ts";
import type { Vertex } from "./graph.testkit.ts";
import type { Step } from "./script.testkit.ts";

/** A message as it is stored in the end. */
export interface Grain {
  readonly role: string;
  /** What each of its rows says. */
  readonly parts: readonly string[];
  /** Equal for two sightings of the same message at one place. */
  readonly key: string;
}

/** One of the ways in which clients speak to providers, each through its own protocol and adapter. */
export interface Form {
  readonly name: string;
  /** Beyond saying and rewinding. */
  readonly acts: ReadonlySet<Step["act"]>;
  readonly thinks: boolean;
  readonly reminds: boolean;
  /** The wire names the conversation. Otherwise each begins with words of its own: nobody can tell apart two that say the same. */
  readonly isNamed: boolean;
  /** A fork's copies are the messages that it copies, and not its own. */
  readonly sharesCopies: boolean;
  /** What a client keeps of an answer that broke off: what was finished, or what was said. */
  readonly keeps: "thinking" | "text";
  /** After a compaction the new list follows the kept one; otherwise the summary is a new beginning. */
  readonly isSummaryInLine: boolean;
  /** The first call of a fork is answered: only behind an answer the client's own record shows what was copied. */
  readonly isForkAnswered?: boolean;
  grains(utterance: Utterance): readonly Grain[];
  /** Client of one tree. `tree` names it. */
  client(tree: string): FormClient;
  /** What the client itself writes down of its calls. */
  written?(tree: string, calls: readonly Call[]): Written;
}

export interface WrittenLine {
  /** Of the file below the person's home. */
  readonly path: string;
  readonly text: string;
}

export interface Written {
  /** In the order in which the client writes them. */
  readonly lines: readonly WrittenLine[];
  /** The messages that they are, under their own names. */
  readonly vertices: readonly Vertex[];
  /** By utterance: the name of each of its pieces, where it has one. */
  readonly told: ReadonlyMap<number, readonly (string | undefined)[]>;
}

export interface FormClient {
  /** Id of a thread's conversation; undefined where the wire names none. */
  conversation(thread: Thread): string | undefined;
  /** The request goes out. */
  ask(sink: FrameSink, call: Call): void;
  /** The answer has come. */
  answer(sink: FrameSink, call: Call): void;
  /** The gateway is another one: its connections are gone. */
  disconnected?(): void;
}
