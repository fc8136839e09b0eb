import type { Piece, Utterance } from "./conversation.testkit.ts";
import { resultText } from "./conversation.testkit.ts";
import type { Grain } from "./form.testkit.ts";

/** What a piece's row says, whatever the form. */
export function rowOf(piece: Piece): string {
  switch (piece.kind) {
    case "call":
      return `tool_call ${piece.id}`;
    case "result":
      return `tool_result ${resultText(piece.id)}`;
    case "thinking":
      return `reasoning ${piece.text}`;
    default:
      return `text ${piece.text}`;
  }
}

/** A piece as a message. */
export function pieceGrain(piece: Piece, role: string): Grain {
  const row = rowOf(piece);
  return { role, parts: [row], key: `${role} ${row}` };
}

/** All pieces as one message; with other reasoning it is the same one. */
export function wholeGrain({ pieces }: Utterance, role: string): Grain {
  const said = pieces.filter(({ kind }) => kind !== "thinking");
  const key = (said.length > 0 ? said : pieces).map(rowOf).join(" + ");
  return { role, parts: pieces.map(rowOf), key: `${role} ${key}` };
}
