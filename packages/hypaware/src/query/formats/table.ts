import type { QueryResult } from "../cell.ts";
import { cellText } from "./cell-text.ts";
import { fit, oneLine, widthOf } from "./text-width.ts";

/** No cell is wider, whatever the terminal: `json` shows values whole. */
const MAX_CELL = 200;
const MIN_CELL = 8;
const GAP = "  ";
const NUMERIC = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|UINTEGER|DOUBLE|FLOAT|DECIMAL.*)$/;

/** Aligned columns of at most `width` characters together; where so many have no room beside each other, a block of lines for each row. */
export function* renderTable({ columns, rows }: QueryResult, width: number): Generator<string, void> {
  const header = columns.map(({ name }) => oneLine(name, MAX_CELL));
  const lines = rows.map((row) => row.map((cell) => oneLine(cellText(cell), MAX_CELL)));
  const widths = header.map((name, i) =>
    lines.reduce((max, line) => Math.max(max, widthOf(line[i]!)), widthOf(name)),
  );
  const room = width - GAP.length * (columns.length - 1);
  if (!shrink(widths, room)) {
    yield* renderBlocks(header, lines, width);
    return;
  }

  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => pad(fit(cell, widths[i]!), widths[i]!, NUMERIC.test(columns[i]!.type)))
      .join(GAP)
      .trimEnd();
  yield `${line(header)}\n${widths.map((each) => "-".repeat(each)).join(GAP)}\n`;
  for (const cells of lines) yield `${line(cells)}\n`;
  yield count(rows.length);
}

/** A line for each cell: its column's name, then what fits beside it. */
function* renderBlocks(
  header: readonly string[],
  lines: readonly (readonly string[])[],
  width: number,
): Generator<string, void> {
  const room = Math.max(MIN_CELL, width - MIN_CELL - GAP.length);
  const nameWidth = Math.min(room, Math.max(...header.map(widthOf)));
  const cellWidth = Math.max(MIN_CELL, width - nameWidth - GAP.length);
  for (const [n, cells] of lines.entries()) {
    const named = header.map((name, i) =>
      `${pad(fit(name, nameWidth), nameWidth, false)}${GAP}${fit(cells[i]!, cellWidth)}`.trimEnd(),
    );
    yield `${`-- ${n + 1} `.padEnd(width, "-")}\n${named.join("\n")}\n`;
  }
  yield count(lines.length);
}

const count = (rows: number): string => `(${rows} ${rows === 1 ? "row" : "rows"})\n`;

/** Takes from the widest until the rest fits; false: it cannot. */
function shrink(widths: number[], room: number): boolean {
  for (let over = widths.reduce((sum, each) => sum + each, 0) - room; over > 0; over -= 1) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest]! <= MIN_CELL) return false;
    widths[widest]! -= 1;
  }
  return true;
}

function pad(text: string, width: number, right: boolean): string {
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  return right ? space + text : text + space;
}
