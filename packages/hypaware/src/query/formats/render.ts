import type { QueryResult } from "../cell.ts";
import { renderCsv } from "./csv.ts";
import { renderJson, renderJsonl } from "./json.ts";
import { renderMarkdown } from "./markdown.ts";
import { renderTable } from "./table.ts";

export const FORMATS = ["table", "json", "jsonl", "markdown", "csv"] as const;
export type Format = (typeof FORMATS)[number];

const PIECE = 64 * 1024;
const DEFAULT_WIDTH = 120;

type Renderer = (result: QueryResult, width: number) => Generator<string, void>;

const RENDERERS: Readonly<Record<Format, Renderer>> = {
  table: renderTable,
  json: renderJson,
  jsonl: renderJsonl,
  markdown: renderMarkdown,
  csv: renderCsv,
};

/**
 * The result as text, in pieces of about 64 KB. `table` is for eyes: cut to `width` columns (default 120), control characters
 * made visible. `json`, `jsonl` and `csv` are exact.
 */
export function* renderResult(
  result: QueryResult,
  format: Format,
  { width = DEFAULT_WIDTH }: { readonly width?: number } = {},
): Generator<string, void> {
  let piece = "";
  for (const line of RENDERERS[format](result, width)) {
    piece += line;
    if (piece.length < PIECE) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}
