import { blocksOf, textOf } from "./wire-request.ts";
import type { WireMessage } from "./wire-request.ts";

// The prompt scripts the fake model: the newest user message with a line `SAY:<verb> <args>` decides. A line must begin
// with it, so that a prompt for a subagent (`SAY:agent SAY:bash echo hi`) is the argument of its caller's directive.
//
//   SAY:text WORDS           answer WORDS
//   SAY:think WORDS          thinking, then WORDS (thinking also comes whenever the request enables it)
//   SAY:bash COMMAND         one Bash call, then an answer
//   SAY:parallel COMMAND     two Bash calls in one answer, then an answer
//   SAY:chain COMMAND        a Bash call, a second one, then an answer
//   SAY:agent PROMPT         one subagent with PROMPT, then an answer
//   SAY:long DELTAS [BYTES]  an answer of so many text deltas of so many bytes (default 8)
//   SAY:slow MS [DELTAS]     an answer spread over MS milliseconds (default: a delta every 50 ms)
//   SAY:status CODE [TIMES]  the first TIMES (default 1) requests with this line fail with CODE, then an answer
//   SAY:cut [TIMES]          … break off in the middle of the stream, then an answer
//   SAY:sseerror [TIMES]     … end in an error event, then an answer
//   SAY:maxtokens            an answer that stops for its length

export const VERBS = [
  "text",
  "think",
  "bash",
  "parallel",
  "chain",
  "agent",
  "long",
  "slow",
  "status",
  "cut",
  "sseerror",
  "maxtokens",
] as const;
export type Verb = (typeof VERBS)[number];

export interface Directive {
  readonly verb: Verb;
  readonly args: string;
  /** Tool results that came since: how far a tool loop is. */
  readonly toolResults: number;
}

const LINE = /^SAY:([a-z]+)(?: +(.*))?$/gm;

/** The directive in force, or undefined when no user message has one. */
export function directiveOf(messages: readonly WireMessage[]): Directive | undefined {
  for (const [index, message] of messages.entries().toArray().reverse()) {
    if (message.role !== "user") continue;
    const line = [...textOf(message).matchAll(LINE)].at(-1);
    const verb = VERBS.find((known) => known === line?.[1]);
    if (line === undefined || verb === undefined) continue;
    const toolResults = messages
      .slice(index)
      .flatMap((later) => blocksOf(later))
      .filter((block) => block.type === "tool_result").length;
    return { verb, args: (line[2] ?? "").trim(), toolResults };
  }
  return undefined;
}

/** The n-th word of the arguments as a number, else `fallback`. */
export function numberArg(args: string, n: number, fallback: number): number {
  const value = Number.parseInt(args.split(/\s+/)[n] ?? "", 10);
  return Number.isNaN(value) ? fallback : value;
}
