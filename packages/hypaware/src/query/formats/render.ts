import type { QueryResult } from "../cell.ts";
import { renderJson, renderJsonl } from "./json.ts";
import { renderTable } from "./table.ts";

export const FORMATS = ["table", "json", "jsonl"] as const;
export type Format = (typeof FORMATS)[number];

const PIECE = 64 * 1024;
const DEFAULT_WIDTH = 120;

/**
 * The result as text, in pieces of about 64 KB. `table` is for eyes: cut to `width` columns (default 120), control characters
 * made visible. `json` and `jsonl` are exact.
 */
export function* renderResult(
  result: QueryResult,
  format: Format,
  { width = DEFAULT_WIDTH }: { readonly width?: number } = {},
): Generator<string, void> {
  const lines =
    format === "table"
      ? renderTable(result, width)
      : format === "json"
        ? renderJson(result)
        : renderJsonl(result);
  let piece = "";
  for (const line of lines) {
    piece += line;
    if (piece.length < PIECE) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}
