import { availableParallelism } from "node:os";
import { DuckDBInstance } from "@duckdb/node-api";
import { LIMITS } from "../contract/limits.ts";
import { quoted } from "../store/segment-engine.ts";
import type { Snapshot } from "../store/snapshot.ts";
import type { QueryResult } from "./cell.ts";
import { prepareSelect } from "./statement.ts";
import { makeTables, segmentPaths } from "./tables.ts";
import { readWhole } from "./whole-result.ts";

// Imported by run.ts only when a query needs it: loading the engine costs more than most queries.
//
// The order below is the protection: first the segments are named that may be read, then tables and views are made, then the door to files is shut (which no later statement can
// open), then all settings are locked, and only then does the engine see the person's SQL.

export interface EngineOptions {
  readonly segmentsDir: string;
  readonly scratchFolder: string;
  readonly memoryMB: number;
  /** IANA name. */
  readonly timeZone: string;
}

/** Runs one SELECT over one snapshot, in an in-memory database that lives as long as the query. */
export async function runSelect(
  snapshot: Snapshot,
  sql: string,
  options: EngineOptions,
): Promise<QueryResult> {
  const instance = await DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
    memory_limit: `${options.memoryMB}MB`,
    threads: String(Math.min(LIMITS.queryThreads, availableParallelism())),
    temp_directory: options.scratchFolder,
    max_temp_directory_size: `${LIMITS.queryScratchMB}MB`,
  });
  let scanError: unknown;
  try {
    const connection = await instance.connect();
    try {
      const paths = segmentPaths(snapshot, options.segmentsDir);
      await connection.run(`SET allowed_paths = [${paths.map(quoted).join(", ")}]`);
      await makeTables(connection, snapshot, options.segmentsDir, (error) => (scanError ??= error));
      await connection.run(`SET TimeZone = ${quoted(options.timeZone)}`);
      await connection.run("SET enable_external_access = false");
      await connection.run("SET lock_configuration = true");
      return await readWhole(connection, sql, await prepareSelect(connection, sql));
    } finally {
      connection.closeSync();
    }
  } catch (error) {
    throw scanError ?? error;
  } finally {
    instance.closeSync();
  }
}
