import { DATASETS } from "../contract/dataset.ts";
import type { Column, ColumnType, DatasetName } from "../contract/dataset.ts";

// How a dataset lies in SQLite: one table per dataset, one column per column, `_seq` as the row id, so that a scan is in
// the order of change. JSON is text, a timestamp is milliseconds since the epoch, a boolean 0 or 1. Wide columns stand
// last: SQLite reads a row from its front, and what overflows the page is not touched by a query that does not ask for it.

/** Columns whose values repeat over many rows: the row holds the number of a blob. */
export const BLOB_COLUMNS: ReadonlySet<string> = new Set(["system_text", "tools"]);
const WIDE_COLUMNS: ReadonlySet<string> = new Set(["thinking_signature", "content_text", "error"]);

/** What tells one row of a dataset from another. */
export const KEYS = {
  ai_gateway_messages: "part_id",
  ai_gateway_exchanges: "exchange_id",
} as const satisfies Record<DatasetName, string>;

const STORAGE: Record<ColumnType, string> = {
  STRING: "TEXT",
  INT32: "INTEGER",
  INT64: "INTEGER",
  DOUBLE: "REAL",
  BOOLEAN: "INTEGER",
  TIMESTAMP: "INTEGER",
  JSON: "TEXT",
};

/** A column's name in a segment, where a shared text stands as the hex SHA-256 of it. */
export function sealedName(column: string): string {
  return BLOB_COLUMNS.has(column) ? `${column}_sha256` : column;
}

/** A `part_id` that is made of other columns, as nearly all are, is not written again to a segment. */
const PART_ID = "message_id || '#' || part_index";

/** The expression whose value a segment has under the column's `sealedName`. */
export function toSealed(column: string): string {
  const name = `"${sealedName(column)}"`;
  return column === "part_id" ? `CASE WHEN part_id <> ${PART_ID} THEN part_id END AS part_id` : name;
}

/** The expression over a segment's columns that gives what was sealed, under its `sealedName`. */
export function fromSealed(column: string): string {
  const name = `"${sealedName(column)}"`;
  return column === "part_id" ? `coalesce(part_id, ${PART_ID}) AS part_id` : name;
}

/** In physical order. */
export function storedColumns(dataset: DatasetName): readonly Column[] {
  const columns: readonly Column[] = DATASETS[dataset];
  return [...columns.filter((column) => !isWide(column)), ...columns.filter(isWide)];
}

function isWide({ name, type }: Column): boolean {
  return !BLOB_COLUMNS.has(name) && (type === "JSON" || WIDE_COLUMNS.has(name));
}

/** `"name" TYPE NOT NULL, …` for CREATE TABLE. */
export function columnDefinitions(dataset: DatasetName): string {
  return storedColumns(dataset)
    .map(({ name, type, nullable }) => {
      const storage = BLOB_COLUMNS.has(name) ? "INTEGER" : STORAGE[type];
      return `"${name}" ${storage}${nullable ? "" : " NOT NULL"}`;
    })
    .join(", ");
}
