import { createHash } from "node:crypto";
import type { Call, Utterance } from "./conversation.testkit.ts";

const hex = (text: string): string => Buffer.from(text).toString("hex");

/** Of a call in the tree of this name. */
export function exchangeIdOf(tree: string, { serial }: Pick<Call, "serial">): string {
  return hex(`${tree}.${serial}`).padEnd(32, "0");
}

export function uuidOf(tree: string, number: number): string {
  const digits = createHash("sha256").update(tree).digest("hex");
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(12, 15)}-8000-${String(number).padStart(12, "0")}`;
}

export const startOf = ({ serial }: Pick<Call, "serial">): number =>
  Date.parse("2026-03-01T12:00:00Z") + serial * 1_000;

/** With the words that a client puts before what stands for a history, and before what asks for it. */
export function worded<T extends Utterance>(
  utterance: T,
  says: Readonly<Record<NonNullable<Utterance["stands"]>, string>>,
): T {
  const { stands } = utterance;
  if (stands === undefined) return utterance;
  const pieces = utterance.pieces.map((piece) =>
    piece.kind === "text" ? { ...piece, text: `${says[stands]} ${piece.text}` } : piece,
  );
  return { ...utterance, pieces };
}
