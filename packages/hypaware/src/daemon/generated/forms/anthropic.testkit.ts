// Anthropic's Messages API, whoever speaks it.
import type { JsonObject } from "../../../contract/plugin.ts";
import type { Answered } from "../../carried.testkit.ts";
import {
  type Call,
  type Thread,
  outputTokensOf,
  type Piece,
  resultText,
  type Utterance,
  type Viewed,
} from "../conversation.testkit.ts";

export const REFUSED: Answered = {
  status: 529,
  body: { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
};

export function blocksOf(
  { pieces, isCleared = false }: Pick<Viewed, "pieces"> & Partial<Viewed>,
  marks: boolean,
): readonly JsonObject[] {
  const blocks = pieces.map((piece) =>
    piece.kind === "result" && isCleared ? { ...blockOf(piece), content: "[cleared]" } : blockOf(piece),
  );
  const last = blocks.at(-1);
  return marks && last !== undefined
    ? [...blocks.slice(0, -1), { ...last, cache_control: { type: "ephemeral" } }]
    : blocks;
}

function blockOf(piece: Piece): JsonObject {
  switch (piece.kind) {
    case "call":
      return { type: "tool_use", id: piece.id, name: "Bash", input: { command: piece.id } };
    case "result":
      return { type: "tool_result", tool_use_id: piece.id, content: resultText(piece.id) };
    case "thinking":
      return { type: "thinking", thinking: piece.text, signature: "signed" };
    default:
      return { type: "text", text: piece.text };
  }
}

const messageOf = (tree: string, call: Call): JsonObject => ({
  id: messageIdOf(tree, call),
  type: "message",
  role: "assistant",
  model: "claude-opus-5-5",
});

export const messageIdOf = (tree: string, { serial }: Call): string => `msg_${tree}_${serial}`;

/** What the provider keeps of a client's conversations: of a list that it has the beginning of, only the rest is sent. */
export class KeptThreads {
  readonly #tree: string;
  /** By answer: whose it is, and the list that ends with it. */
  readonly #answers = new Map<Utterance, { readonly call: Call; readonly list: readonly Utterance[] }>();

  constructor(tree: string) {
    this.#tree = tree;
  }

  answered(call: Call): void {
    if (call.outcome === "ok") this.#answers.set(call.answer!, { call, list: [...call.path, call.answer!] });
  }

  /** `left`: how many utterances at the beginning of its list are left out. */
  ask({ path, thread }: Call): { readonly left: number; readonly thread: JsonObject } {
    const at = path.findLastIndex((said) => this.#isKept(said, path, thread));
    const answer = this.#answers.get(path[at]!);
    if (answer === undefined) return { left: 0, thread: { type: "create" } };
    const id = messageIdOf(this.#tree, answer.call);
    return { left: at + 1, thread: { type: "continue", previous_message_id: id } };
  }

  #isKept(said: Utterance, path: readonly Utterance[], thread: Thread): boolean {
    const kept = this.#answers.get(said);
    return kept?.call.thread === thread && kept.list.every((each, index) => path[index] === each);
  }
}

/** The answer as one body. */
export const messageBody = (tree: string, call: Call): JsonObject => ({
  ...messageOf(tree, call),
  content: blocksOf(call.answer!, false),
  stop_reason: "end_turn",
  usage: { input_tokens: 1, output_tokens: outputTokensOf(call) },
});

/** The answer as a stream; of one that was cut what came. */
export function messageEvents(tree: string, call: Call): readonly JsonObject[] {
  const isCut = call.outcome === "cut";
  const blocks = call.answer!.pieces.flatMap((piece, index) => [
    { type: "content_block_start", index, content_block: emptyBlock(piece) },
    ...deltasOf(piece, isCut).map((delta) => ({ type: "content_block_delta", index, delta })),
    ...(isCut ? [] : [{ type: "content_block_stop", index }]),
  ]);
  const start = { ...messageOf(tree, call), content: [], usage: { input_tokens: 1 } };
  const usage = { output_tokens: outputTokensOf(call) };
  return [
    { type: "message_start", message: start },
    ...blocks,
    ...(isCut
      ? []
      : [{ type: "message_delta", delta: { stop_reason: "end_turn" }, usage }, { type: "message_stop" }]),
  ];
}

function emptyBlock(piece: Piece): JsonObject {
  if (piece.kind === "call") return { ...blockOf(piece), input: {} };
  return piece.kind === "thinking"
    ? { type: "thinking", thinking: "", signature: "" }
    : { type: "text", text: "" };
}

/** In two halves; what is cut has not been signed. */
function deltasOf(piece: Piece, isCut: boolean): readonly JsonObject[] {
  if (piece.kind === "call")
    return halves(JSON.stringify({ command: piece.id })).map((partial_json) => ({
      type: "input_json_delta",
      partial_json,
    }));
  if (piece.kind !== "thinking")
    return halves("text" in piece ? piece.text : "").map((text) => ({ type: "text_delta", text }));
  const thoughts = halves(piece.text).map((thinking) => ({ type: "thinking_delta", thinking }));
  return isCut ? thoughts : [...thoughts, { type: "signature_delta", signature: "signed" }];
}

export function halves(text: string): readonly [string, string] {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)];
}
