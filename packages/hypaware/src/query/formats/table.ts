import type { QueryResult } from "../cell.ts";
import { cellText, visible } from "./cell-text.ts";

/** No cell is wider, whatever the terminal: `json` shows values whole. */
const MAX_CELL = 200;
const MIN_CELL = 8;
const GAP = "  ";
const NUMERIC = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|UINTEGER|DOUBLE|FLOAT|DECIMAL.*)$/;
const PLAIN = /^[\x20-\x7e]*$/;
const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60]/u;
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Aligned columns of at most `width` characters together, if the columns leave each other room. */
export function* renderTable({ columns, rows }: QueryResult, width: number): Generator<string, void> {
  const header = columns.map(({ name }) => fit(safe(name), MAX_CELL));
  const lines = rows.map((row) => row.map((cell) => fit(safe(cellText(cell)), MAX_CELL)));
  const widths = header.map((name, i) =>
    lines.reduce((max, line) => Math.max(max, widthOf(line[i]!)), widthOf(name)),
  );
  shrink(widths, width - GAP.length * (columns.length - 1));

  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => pad(fit(cell, widths[i]!), widths[i]!, NUMERIC.test(columns[i]!.type)))
      .join(GAP)
      .trimEnd();
  yield `${line(header)}\n${widths.map((each) => "-".repeat(each)).join(GAP)}\n`;
  for (const cells of lines) yield `${line(cells)}\n`;
  yield `(${rows.length} ${rows.length === 1 ? "row" : "rows"})\n`;
}

/** Visible text only, cut to what could be shown at all. */
function safe(text: string): string {
  return visible(text.slice(0, MAX_CELL * 8).replace(/\r?\n/g, "⏎"));
}

/** Takes from the widest until the rest fits. */
function shrink(widths: number[], room: number): void {
  for (let over = widths.reduce((sum, each) => sum + each, 0) - room; over > 0; over -= 1) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest]! <= MIN_CELL) return;
    widths[widest]! -= 1;
  }
}

function fit(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let used = 1;
  for (const { segment } of graphemes.segment(text)) {
    used += widthOf(segment);
    if (used > width) break;
    kept += segment;
  }
  return `${kept}…`;
}

function pad(text: string, width: number, right: boolean): string {
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  return right ? space + text : text + space;
}

function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}
