// Where a store's bytes are: by table and index of the catalog, by file and column of the segments.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DuckDBInstance } from "@duckdb/node-api";
import { parquet, quoted } from "../packages/hypaware/src/store/segment-engine.ts";

/** Lines of text, bytes per message row. */
export async function bytesReport(
  catalogPath: string,
  segmentsDir: string,
  files: readonly string[],
  rows: number,
): Promise<string[]> {
  const perRow = (bytes: number): string => (bytes / rows).toFixed(1).padStart(7);
  const catalog = new DatabaseSync(catalogPath, { readOnly: true });
  const tables = catalog
    .prepare(
      "SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name HAVING bytes > ? ORDER BY bytes DESC",
    )
    .all(rows / 10) as { name: string; bytes: number }[];
  const free = catalog
    .prepare("SELECT freelist_count * page_size AS bytes FROM pragma_freelist_count, pragma_page_size")
    .get() as { bytes: number };
  catalog.close();
  const lines = [...tables, { name: "(free pages)", bytes: free.bytes }].map(
    ({ name, bytes }) => `${perRow(bytes)} catalog ${name}`,
  );
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  for (const dataset of new Set(files.map((file) => file.split("/")[0]!))) {
    const own = files.filter((file) => file.startsWith(`${dataset}/`)).map((file) => join(segmentsDir, file));
    const read = await connection.runAndReadAll(
      `SELECT path_in_schema, sum(total_compressed_size)::DOUBLE, sum(total_uncompressed_size)::DOUBLE,
         string_agg(DISTINCT encodings, ' '), count(DISTINCT (file_name, row_group_id))::DOUBLE
       FROM parquet_metadata([${own.map(quoted).join(", ")}]) GROUP BY 1
       HAVING sum(total_compressed_size) > ${rows / 10} ORDER BY 2 DESC`,
    );
    const counted = await connection.runAndReadAll(`SELECT count(*)::DOUBLE FROM ${parquet(own)}`);
    lines.push(`        ${dataset}: ${own.length} files, ${Number(counted.value(0, 0))} rows`);
    for (const [name, bytes, plain, encodings, groups] of read.getRows() as [
      string,
      number,
      number,
      string,
      number,
    ][])
      lines.push(`${perRow(bytes)} of ${perRow(plain)} ${name} (${encodings}, ${groups} groups)`);
  }
  connection.closeSync();
  instance.closeSync();
  return lines;
}
