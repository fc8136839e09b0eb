// OpenAI's Responses API, whoever speaks it.
import type { JsonObject } from "../../../contract/plugin.ts";
import {
  type Call,
  outputTokensOf,
  type Piece,
  resultText,
  type Utterance,
  type Viewed,
} from "../conversation.testkit.ts";
import { halves } from "./anthropic.testkit.ts";

export const responseIdOf = (tree: string, { serial }: Pick<Call, "serial">): string =>
  `resp_${tree}_${serial}`;

const PREFIXES = { text: "msg", reminder: "msg", thinking: "rs", call: "fc", result: "fco" } as const;

/** Of a piece of an utterance: the same wherever it comes again. */
export const itemIdOf = (tree: string, { serial }: Utterance, index: number, { kind }: Piece): string =>
  `${PREFIXES[kind]}_${tree}_${serial}_${index}`;

/** What was said as items. `idOf`: how the client names them. */
export function itemsOf(
  said: Viewed | Utterance,
  idOf: (piece: Piece, index: number) => string | undefined,
): readonly JsonObject[] {
  const isCleared = "isCleared" in said && said.isCleared;
  return said.pieces.map((piece, index) => {
    const id = idOf(piece, index);
    return { ...itemOf(piece, said.role, isCleared), ...(id === undefined ? {} : { id }) };
  });
}

function itemOf(piece: Piece, role: Utterance["role"], isCleared: boolean): JsonObject {
  switch (piece.kind) {
    case "call": {
      const args = JSON.stringify({ command: piece.id });
      return { type: "function_call", call_id: piece.id, name: "exec_command", arguments: args };
    }
    case "result":
      return {
        type: "function_call_output",
        call_id: piece.id,
        output: isCleared ? "[cleared]" : resultText(piece.id),
      };
    case "thinking":
      return {
        type: "reasoning",
        summary: [{ type: "summary_text", text: piece.text }],
        encrypted_content: "x",
      };
    default: {
      const type = role === "user" ? "input_text" : "output_text";
      return { type: "message", role, content: [{ type, text: piece.text }] };
    }
  }
}

export function responseBody(tree: string, call: Call): JsonObject {
  const answer = call.answer!;
  const output = itemsOf(answer, (piece, index) => itemIdOf(tree, answer, index, piece));
  const tokens = outputTokensOf(call);
  const usage = { input_tokens: 1, output_tokens: tokens, total_tokens: 1 + tokens };
  return {
    id: responseIdOf(tree, call),
    object: "response",
    status: "completed",
    model: "gpt-6.1-sol",
    output: [...output],
    usage,
  };
}

/** The answer as a stream; of one that was cut what came: reasoning that was finished, or the half of a text. */
export function responseEvents(tree: string, call: Call): readonly JsonObject[] {
  const response = responseBody(tree, call);
  const isCut = call.outcome === "cut";
  const items = response["output"] as readonly JsonObject[];
  return [
    { type: "response.created", response: { id: response["id"]!, status: "in_progress", output: [] } },
    ...items.flatMap((item, index) => itemEvents(item, index, isCut && item["type"] === "message")),
    ...(isCut ? [] : [{ type: "response.completed", response }]),
  ];
}

function itemEvents(item: JsonObject, index: number, isOpen: boolean): readonly JsonObject[] {
  const place = { output_index: index };
  const done = { type: "response.output_item.done", ...place, item };
  if (item["type"] !== "message") return [{ type: "response.output_item.added", ...place, item }, done];
  const [part] = item["content"] as readonly { readonly type: string; readonly text: string }[];
  const inPart = { ...place, item_id: item["id"]!, content_index: 0 };
  return [
    { type: "response.output_item.added", ...place, item: { ...item, content: [] } },
    { type: "response.content_part.added", ...inPart, part: { ...part, text: "" } },
    ...halves(part!.text).map((delta) => ({ type: "response.output_text.delta", ...inPart, delta })),
    ...(isOpen ? [] : [{ type: "response.output_text.done", ...inPart, text: part!.text }, done]),
  ];
}
