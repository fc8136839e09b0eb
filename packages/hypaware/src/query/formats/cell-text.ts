import { type Cell, cellToJson, escapeUnits } from "../cell.ts";

const PLAIN = /^[\x20-\x7e]*$/;
// Commands to the terminal, invisible and direction-changing characters; the joiners that emoji and scripts need stay.
const UNSAFE = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A cell for people: text as it is, no value as NULL, everything else as JSON. */
export function cellText(cell: Cell): string {
  if (typeof cell === "string") return cell;
  return cell === null ? "NULL" : typeof cell === "bigint" ? String(cell) : cellToJson(cell);
}

/** The same text without a character that a terminal would obey or that would hide: those are shown as \\u escapes. */
export function visible(text: string): string {
  return PLAIN.test(text) ? text : text.replace(UNSAFE, escapeUnits);
}
