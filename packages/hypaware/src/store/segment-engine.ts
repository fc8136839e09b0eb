import { randomBytes } from "node:crypto";
import { chmodSync, closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import type { DuckDBConnection } from "@duckdb/node-api";
import { LIMITS } from "../contract/limits.ts";
import { syncFolder } from "../disk/atomic.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import type { WrittenSegment } from "./manifest.ts";

// Loads the engine: for short-lived children and commands, never for the recorder.

/** The engine holds a row group in memory while it writes it; at 3 KB a row this is 60 MB. A multiple of its vectors. */
const GROUP_ROWS = 20_480;
const VECTOR_ROWS = 2048;
/** Of a sealing: a merge reads each group as often as it has pieces there. */
const SEAL_GROUP_ROWS = 2 * VECTOR_ROWS;

/** Of zstd. Sealing is soon done again by a merge, which takes twice the time for a little less bytes. */
const SEAL_LEVEL = 3;
export const MERGE_LEVEL = 9;

/**
 * A column whose values repeat in a fifth of the rows keeps each of them once per row group: texts that come again lie too far
 * apart for the compression to see it. In others a dictionary would only add its numbers.
 */
const DICTIONARY_SHARE = 0.8;

/** Ends in what a sweep knows as unfinished. */
export const UNFINISHED = ".tmp";

export interface SegmentEngineOptions {
  readonly segmentsDir: string;
  /** For what does not fit in memory. */
  readonly tmpDir: string;
  readonly memoryMB: number;
}

/** An engine without tables: one thread, its own scratch folder, a memory limit. */
export async function withSegmentEngine<T>(
  { tmpDir, memoryMB }: SegmentEngineOptions,
  work: (connection: DuckDBConnection, scratch: string) => Promise<T>,
): Promise<T> {
  ensurePrivateFolder(tmpDir);
  // Named as a query's is, so that the next query removes what a killed child left.
  const scratch = join(tmpDir, `query-${process.pid}-${randomBytes(6).toString("hex")}`);
  ensurePrivateFolder(scratch);
  try {
    const instance = await DuckDBInstance.create(":memory:", {
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
      memory_limit: `${memoryMB}MB`,
      threads: "1",
      preserve_insertion_order: "true",
      temp_directory: scratch,
    });
    try {
      const connection = await instance.connect();
      try {
        return await work(connection, scratch);
      } finally {
        connection.closeSync();
      }
    } finally {
      instance.closeSync();
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * Writes what `select` gives to a new file of that dataset, and returns when it is whole, durable and read-only. Throws the
 * engine's or the system's error and leaves at most an unfinished file.
 */
export async function writeSegment(
  connection: DuckDBConnection,
  segmentsDir: string,
  dataset: string,
  select: string,
  {
    groupRows = SEAL_GROUP_ROWS,
    level = SEAL_LEVEL,
  }: { readonly groupRows?: number; readonly level?: number } = {},
): Promise<WrittenSegment> {
  const folder = join(segmentsDir, dataset);
  ensurePrivateFolder(folder);
  const prefix = dataset === "blobs" ? "blobs-" : "";
  const name = `${prefix}${Date.now()}-${randomBytes(6).toString("hex")}.parquet`;
  const path = join(folder, name);
  const unfinished = path + UNFINISHED;
  try {
    await connection.run(
      `COPY (${select}) TO ${quoted(unfinished)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL ${level},
         ROW_GROUP_SIZE ${groupRows}, PARQUET_VERSION V2, DICTIONARY_SIZE_LIMIT ${Math.floor(groupRows * DICTIONARY_SHARE)},
         STRING_DICTIONARY_PAGE_SIZE_LIMIT ${LIMITS.dictionaryBytes})`,
    );
    chmodSync(unfinished, 0o400);
    const file = openSync(unfinished, "r");
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    const counted = await connection.runAndReadAll(`SELECT count(*) FROM ${parquet([unfinished])}`);
    renameSync(unfinished, path);
    syncFolder(folder);
    return {
      file: `${dataset}/${name}`,
      rows: Number(counted.value(0, 0)),
      bytes: statSync(path).size,
    };
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

/** Rows of a group so that it stays small in memory, for rows as wide as those in the files. */
export async function groupRowsFor(connection: DuckDBConnection, paths: readonly string[]): Promise<number> {
  const read = await connection.runAndReadAll(
    `SELECT sum(total_uncompressed_size) / greatest(1, sum(num_values) FILTER (column_id = 0))
     FROM parquet_metadata([${paths.map(quoted).join(", ")}])`,
  );
  const vectors = Math.floor(LIMITS.sealBytes / Math.max(1, Number(read.value(0, 0))) / VECTOR_ROWS);
  return Math.min(GROUP_ROWS, Math.max(1, vectors) * VECTOR_ROWS);
}

/** As a table in FROM. */
export function parquet(paths: readonly string[]): string {
  // A folder named `a=b` is no column.
  return `read_parquet([${paths.map(quoted).join(", ")}], hive_partitioning = false)`;
}

/** A text in SQL. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
