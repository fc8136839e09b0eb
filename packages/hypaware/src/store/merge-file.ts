import { rmSync } from "node:fs";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { DatasetName } from "../contract/dataset.ts";
import type { WrittenSegment } from "./manifest.ts";
import { groupRowsFor, MERGE_LEVEL, parquet, quoted, writeSegment } from "./segment-engine.ts";
import { SEGMENT_ORDER } from "./settled.ts";

// The engine sorts whole rows in memory, and the texts of a large merge do not fit there. So only the keys are sorted, the
// rows go to pieces of a quarter of a row group each, every piece is sorted and written apart, and the pieces are copied one after the
// other. What is held at a time is one piece, however large the merge.

/** The engine sorts a piece and then holds a row group: smaller pieces take a third of its memory away, and no time. */
const PIECES_IN_GROUP = 4;

export interface MergeFile {
  readonly dataset: DatasetName | "blobs";
  readonly paths: readonly string[];
  /** `_seq` of the rows to leave out. */
  readonly dropped: readonly number[];
  /** Rows of a row group. Default: as many as fit in memory. */
  readonly groupRows?: number;
}

/** One sorted file with the living rows of several. */
export async function writeMerged(
  connection: DuckDBConnection,
  segmentsDir: string,
  scratch: string,
  { dataset, paths, dropped, groupRows: asked }: MergeFile,
): Promise<WrittenSegment> {
  const order = SEGMENT_ORDER[dataset];
  const [leading] = order.split(",");
  const key = dataset === "blobs" ? "sha256" : "_seq";
  const groupRows = asked ?? (await groupRowsFor(connection, paths));
  const pieceRows = Math.ceil(groupRows / PIECES_IN_GROUP);
  const dead = `SELECT unnest([${dropped.join(", ")}]::BIGINT[])`;
  const alive = dataset === "blobs" ? "true" : `_seq NOT IN (${dead})`;
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE pieces AS
     SELECT ${key} AS key, ${leading} AS first_key, (row_number() OVER (ORDER BY ${order}) - 1) // ${pieceRows} AS piece
     FROM ${parquet(paths)} WHERE ${alive}`,
  );
  const counted = await connection.runAndReadAll("SELECT coalesce(max(piece) + 1, 0) FROM pieces");
  const pieces = Array.from({ length: Number(counted.value(0, 0)) }, (_, n) =>
    join(scratch, `piece-${n}.parquet`),
  );
  for (const [n, path] of pieces.entries()) {
    const range = await connection.runAndReadAll(
      `SELECT CASE WHEN count(*) = count(first_key) THEN min(first_key)::VARCHAR END, max(first_key)::VARCHAR
       FROM pieces WHERE piece = ${n}`,
    );
    const [least, most] = range.getRows()[0] as [string | null, string | null];
    // The range lets the engine pass over the row groups that have none of these rows. null: some have no such key, and asking
    // for those, too, would make it read all.
    const near = least === null ? "true" : `${leading} BETWEEN ${quoted(least)} AND ${quoted(most!)}`;
    await connection.run(
      `COPY (SELECT s.* FROM ${parquet(paths)} AS s SEMI JOIN (SELECT key FROM pieces WHERE piece = ${n}) AS p
               ON p.key = s.${key} WHERE ${near} ORDER BY ${order})
       TO ${quoted(path)} (FORMAT parquet, COMPRESSION lz4, ROW_GROUP_SIZE ${pieceRows})`,
    );
  }
  const written = await writeSegment(connection, segmentsDir, dataset, `SELECT * FROM ${parquet(pieces)}`, {
    groupRows,
    level: MERGE_LEVEL,
  });
  for (const path of pieces) rmSync(path);
  return written;
}
