import type { Cell, QueryResult } from "../cell.ts";
import { cellText } from "./cell-text.ts";

/** RFC 4180 with a header line. Exact: no value is an empty field, an empty text is `""`. */
export function* renderCsv({ columns, rows }: QueryResult): Generator<string, void> {
  yield `${columns.map(({ name }) => quoted(name)).join(",")}\r\n`;
  for (const row of rows) yield `${row.map(field).join(",")}\r\n`;
}

function field(cell: Cell): string {
  return cell === null ? "" : quoted(cellText(cell));
}

function quoted(text: string): string {
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
