import { directiveOf, numberArg } from "../directive.ts";
import type { WireMessage } from "../wire-request.ts";

/** As much of a Responses item, a Chat message or a tool as the fake model looks at. */
export interface Item {
  readonly type?: string;
  readonly role?: string;
  readonly content?: unknown;
  readonly [key: string]: unknown;
}

/** What the model says, before it is put on the wire. */
export type Saying =
  | { readonly kind: "text"; readonly text: string }
  /** A tool that takes text instead of JSON. */
  | { readonly kind: "custom"; readonly name: string; readonly input: string }
  | { readonly kind: "call"; readonly name: string; readonly namespace?: string; readonly input: object };

export type Reply =
  | { readonly kind: "sayings"; readonly sayings: readonly Saying[]; readonly delivery?: Delivery }
  | { readonly kind: "failure"; readonly status: number };

/** Of a streamed answer: in its middle it waits so long, and breaks off there. */
export interface Delivery {
  readonly waitMs: number;
  readonly isCut: boolean;
}

const COMPACTION = "CONTEXT CHECKPOINT COMPACTION";

/** The same script as the other fake's (directive.ts); of its verbs those that need no wire of their own. */
export function replyTo(
  items: readonly Item[],
  tools: ReadonlySet<string>,
  attempts: Map<string, number>,
): Reply {
  const messages = items.map(messageOf);
  const last = messages.at(-1);
  if (last !== undefined && wordsOf(last).includes(COMPACTION)) return say("A summary of what was said.");
  const directive = directiveOf(messages);
  if (directive === undefined) return say("Nothing was asked for.");
  const { verb, args, toolResults } = directive;
  switch (verb) {
    case "bash":
      return toolResults === 0 ? calls("I will run it.", [shell(args, tools)]) : say("It ran.");
    case "parallel": {
      const both = [shell(`${args} 1`, tools), shell(`${args} 2`, tools)];
      return toolResults === 0 ? calls("I will run both.", both) : say("Both ran.");
    }
    case "chain":
      return toolResults < 2
        ? calls("I will run it.", [shell(`${args} ${toolResults + 1}`, tools)])
        : say("The chain ran.");
    case "agent":
      if (toolResults === 0) return calls("I will ask a helper.", [agent("spawn_agent", spawned(args))]);
      return toolResults === 1
        ? calls("I wait.", [agent("wait_agent", { timeout_ms: 10_000 })])
        : say("The helper was asked.");
    case "status":
      return served(`${verb} ${args}`, attempts) < numberArg(args, 1, 1)
        ? { kind: "failure", status: numberArg(args, 0, 500) }
        : say("It works again.");
    case "cut":
      return served(`${verb} ${args}`, attempts) < numberArg(args, 0, 1)
        ? { ...say("It breaks off."), delivery: { waitMs: 50, isCut: true } }
        : say("It came to its end.");
    case "slow":
      return { ...say("It takes its time."), delivery: { waitMs: numberArg(args, 0, 1_000), isCut: false } };
    default:
      return say(args === "" ? "Nothing." : args);
  }
}

/** How often the same was asked before. */
function served(key: string, attempts: Map<string, number>): number {
  const before = attempts.get(key) ?? 0;
  attempts.set(key, before + 1);
  return before;
}

const say = (text: string): Extract<Reply, { kind: "sayings" }> => calls(text, []);

const calls = (text: string, made: readonly Saying[]): Extract<Reply, { kind: "sayings" }> => ({
  kind: "sayings",
  sayings: [{ kind: "text", text }, ...made],
});

/** Newest models write a program that calls the tools. */
function shell(command: string, tools: ReadonlySet<string>): Saying {
  if (tools.has("bash"))
    return { kind: "call", name: "bash", input: { command, description: "Run a command" } };
  if (!tools.has("exec")) return { kind: "call", name: "exec_command", input: { cmd: command } };
  const program = `const r = await tools.exec_command({cmd: ${JSON.stringify(command)}}); text(r.output);`;
  return { kind: "custom", name: "exec", input: program };
}

const agent = (name: string, input: object): Saying => ({
  kind: "call",
  name,
  namespace: "collaboration",
  input,
});

const spawned = (prompt: string): object => ({ task_name: "helper_1", message: prompt, fork_turns: "none" });

function messageOf(item: Item): WireMessage {
  const isResult = item.type?.endsWith("_output") === true || item.role === "tool";
  if (isResult) return { role: "user", content: [{ type: "tool_result" }] };
  // What a helper is told comes as a message of its caller.
  const role = item.type === "agent_message" ? "user" : (item.role ?? "assistant");
  return { role, content: [{ type: "text", text: textsOf(item.content).join("\n") }] };
}

function textsOf(content: unknown): readonly string[] {
  if (typeof content === "string") return [content];
  if (!Array.isArray(content)) return [];
  return content.map(
    (part: { text?: string; encrypted_content?: string }) => part.text ?? part.encrypted_content ?? "",
  );
}

const wordsOf = ({ content }: WireMessage): string => JSON.stringify(content);
