import { type Cell, type QueryResult, cellToJson } from "../cell.ts";
import { cellText } from "./cell-text.ts";

/** What a caller with a small context can take. */
export interface Budget {
  /** Characters of one cell's text. */
  readonly maxCell?: number | undefined;
  /** Of all rows together, as JSON in UTF-8. */
  readonly maxBytes?: number | undefined;
}

export interface WithinBudget {
  readonly result: QueryResult;
  readonly cutCells: number;
  /** The last ones. */
  readonly omittedRows: number;
}

/** The same result cut to fit, and how much was cut: a longer cell ends with what it lacks, rows are left out whole. */
export function withinBudget({ columns, rows }: QueryResult, { maxCell, maxBytes }: Budget): WithinBudget {
  let cutCells = 0;
  let bytes = 0;
  const kept: (readonly Cell[])[] = [];
  for (const row of rows) {
    let cut = 0;
    const cells = maxCell === undefined ? row : row.map((cell) => cutCell(cell, maxCell, () => (cut += 1)));
    if (maxBytes !== undefined) {
      for (const cell of cells) bytes += Buffer.byteLength(cellToJson(cell)) + 1;
      if (bytes > maxBytes) break;
    }
    cutCells += cut;
    kept.push(cells);
  }
  return { result: { columns, rows: kept }, cutCells, omittedRows: rows.length - kept.length };
}

function cutCell(cell: Cell, maxCell: number, onCut: () => void): Cell {
  if (cell === null || typeof cell === "boolean" || typeof cell === "number" || typeof cell === "bigint")
    return cell;
  const text = cellText(cell);
  if (text.length <= maxCell) return cell;
  onCut();
  // Not in the middle of a surrogate pair.
  const end = /[\ud800-\udbff]/.test(text.charAt(maxCell - 1)) ? maxCell - 1 : maxCell;
  return `${text.slice(0, end)}… (+${text.length - end} characters)`;
}
