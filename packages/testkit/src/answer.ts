import { directiveOf, numberArg } from "./directive.ts";
import type { Directive } from "./directive.ts";
import type { Generation } from "./generation.ts";
import { textOf } from "./wire-request.ts";
import type { JsonSchema, WireBlock, WireRequest } from "./wire-request.ts";

/** What the fake model says, before it is put on the wire. */
export type Answer =
  | {
      readonly kind: "message";
      readonly content: readonly WireBlock[];
      readonly stopReason: "end_turn" | "tool_use" | "max_tokens";
      /** Pieces in which the text goes out; absent = short pieces. */
      readonly deltas?: readonly string[];
      /** Pause after each text delta. */
      readonly pauseMs: number;
      /** What happens after the first text delta instead of the rest. Only a streamed answer can break. */
      readonly breaks: "cut" | "error" | "never";
    }
  | { readonly kind: "failure"; readonly status: number };

type MessageAnswer = Extract<Answer, { kind: "message" }>;

/** How often a failing directive was served already: by the directive's own text. */
export type Attempts = Map<string, number>;

const SLOW_STEP_MS = 50;

/** How clients ask for a summary of what was said. */
const SUMMARY = /^(?:CRITICAL: Respond with TEXT ONLY|Here is the conversation so far:)/;

/** Decides the answer. Its text depends on the request only, never on `generation`, so that runs can be compared. */
export function answerTo(request: WireRequest, generation: Generation, attempts: Attempts): Answer {
  const messages = request.messages ?? [];
  const schema = request.output_config?.format?.schema;
  if (schema !== undefined) return text(JSON.stringify(sampleOf(schema)));
  const last = messages.at(-1);
  if (last !== undefined && SUMMARY.test(textOf(last))) {
    return text("<analysis>\nShort.\n</analysis>\n\n<summary>\nA summary of what was said.\n</summary>");
  }
  const [first] = messages;
  if (first !== undefined && textOf(first).startsWith("Generate a title for")) return text("A title");
  const directive = directiveOf(messages);
  if (directive === undefined) return text("Nothing was asked for.");
  const answer = scripted(directive, request, generation, attempts);
  const thinks = directive.verb === "think" || ["enabled", "adaptive"].includes(request.thinking?.type ?? "");
  if (answer.kind === "failure" || !thinks) return answer;
  const thinking = {
    type: "thinking",
    thinking: `Thinking about ${directive.verb}.`,
    signature: generation.signature,
  };
  return { ...answer, content: [thinking, ...answer.content] };
}

function scripted(
  { verb, args, toolResults }: Directive,
  request: WireRequest,
  generation: Generation,
  attempts: Attempts,
): Answer {
  const call = (name: string, inputs: readonly object[], words: string): MessageAnswer => ({
    ...text(words),
    stopReason: "tool_use",
    content: [
      { type: "text", text: words },
      ...inputs.map((input, i) => ({ type: "tool_use", id: generation.toolUseId(i), name, input })),
    ],
  });
  const offered = (...names: readonly string[]): string =>
    request.tools?.find((tool) => names.includes(tool.name.toLowerCase()))?.name ?? "";
  const bash = (...commands: readonly string[]): MessageAnswer =>
    call(
      offered("bash") || "Bash",
      commands.map((command) => ({ command, description: "Run a command" })),
      "I will run it.",
    );
  const failsStill = (times: number): boolean => {
    const key = `${verb} ${args}`;
    const served = attempts.get(key) ?? 0;
    attempts.set(key, served + 1);
    return served < times;
  };
  switch (verb) {
    case "text":
    case "think":
      return text(args);
    case "bash":
      return toolResults === 0 ? bash(args) : text("It ran.");
    case "parallel":
      return toolResults === 0 ? bash(`${args} 1`, `${args} 2`) : text("Both ran.");
    case "chain":
      return toolResults < 2 ? bash(`${args} ${toolResults + 1}`) : text("The chain ran.");
    case "agent": {
      if (toolResults > 0) return text("The helper was asked.");
      const name = offered("agent", "task") || "Agent";
      const kind = name === "task" ? "general" : "general-purpose";
      const input = { description: "Ask a helper", prompt: args, subagent_type: kind };
      return call(name, [input], "I will ask a helper.");
    }
    case "long": {
      const size = numberArg(args, 1, 8);
      return pieces(
        Array.from({ length: numberArg(args, 0, 20) }, (_, i) => `${i} `.padEnd(size, "x")),
        0,
      );
    }
    case "slow": {
      const ms = numberArg(args, 0, 2000);
      const count = numberArg(args, 1, Math.max(1, Math.ceil(ms / SLOW_STEP_MS)));
      return pieces(
        Array.from({ length: count }, (_, i) => `drop${i} `),
        ms / count,
      );
    }
    case "status":
      return failsStill(numberArg(args, 1, 1))
        ? { kind: "failure", status: numberArg(args, 0, 500) }
        : text("It works again.");
    case "cut":
      return {
        ...text("An answer of several words."),
        breaks: failsStill(numberArg(args, 0, 1)) ? "cut" : "never",
      };
    case "sseerror":
      return {
        ...text("An answer of several words."),
        breaks: failsStill(numberArg(args, 0, 1)) ? "error" : "never",
      };
    case "maxtokens":
      return { ...text("An answer that was longer"), stopReason: "max_tokens" };
  }
}

function text(words: string): MessageAnswer {
  return {
    kind: "message",
    content: [{ type: "text", text: words }],
    stopReason: "end_turn",
    pauseMs: 0,
    breaks: "never",
  };
}

function pieces(deltas: readonly string[], pauseMs: number): MessageAnswer {
  return { ...text(deltas.join("")), deltas, pauseMs };
}

/** A value that fits the schema. */
function sampleOf(schema: JsonSchema): unknown {
  if (schema.enum !== undefined) return schema.enum[0];
  switch (schema.type) {
    case "object":
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([key, value]) => [key, sampleOf(value)]),
      );
    case "array":
      return schema.items === undefined ? [] : [sampleOf(schema.items)];
    case "number":
    case "integer":
      return 1;
    case "boolean":
      return true;
    default:
      return "A title";
  }
}
