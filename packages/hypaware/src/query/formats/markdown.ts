import type { QueryResult } from "../cell.ts";
import { cellText, visible } from "./cell-text.ts";

/** A GitHub table. Nothing is cut; a line end in a cell becomes `<br>`, because a row is one line. */
export function* renderMarkdown({ columns, rows }: QueryResult): Generator<string, void> {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;
  yield line(columns.map(({ name }) => escaped(name))) + line(columns.map(() => "---"));
  for (const row of rows) yield line(row.map((cell) => escaped(cellText(cell))));
}

function escaped(text: string): string {
  const lines = text.replaceAll("\\", "\\\\").replaceAll("|", "\\|").split(/\r?\n/);
  return lines.map(visible).join("<br>");
}
