import { dirname, join } from "node:path";
import { HypError } from "../contract/errors.ts";
import { LIMITS } from "../contract/limits.ts";
import { storeError } from "../store/database.ts";
import { Snapshot } from "../store/snapshot.ts";
import type { QueryResult } from "./cell.ts";
import { queryFailed } from "./failure.ts";
import { plainCount } from "./plain-count.ts";
import { withScratchFolder } from "./scratch.ts";

export interface QueryOptions {
  readonly catalogPath: string;
  /** Default: `segments` beside the catalog. */
  readonly segmentsDir?: string;
  /** Made when missing; the query's own folder in it goes with the query. */
  readonly tmpDir: string;
  readonly sql: string;
  /** Default `LIMITS.queryMemoryMB`. */
  readonly memoryMB?: number;
  /** IANA name, for days and for times with a zone. Default: this machine's. */
  readonly timeZone?: string;
}

/**
 * Answers one SELECT from one committed state of the store; needs no daemon and waits for none. The result is whole or it
 * throws: HypError `query_not_select`, `query_failed`, `store_newer` or `store_damaged`.
 */
export async function runQuery(options: QueryOptions): Promise<QueryResult> {
  try {
    return await answer(options);
  } catch (error) {
    // Purged or merged away while we read: the store has a newer state, and in that it is whole.
    if (!isLostFile(error)) throw error;
    return answer(options);
  }
}

async function answer(options: QueryOptions): Promise<QueryResult> {
  const snapshot = Snapshot.open(options.catalogPath);
  try {
    const count = plainCount(options.sql);
    if (count !== undefined)
      return {
        columns: [{ name: count.name, type: "BIGINT" }],
        rows: [[BigInt(snapshot.count(count.dataset))]],
      };
    const { runSelect } = await import("./engine.ts");
    return await withScratchFolder(options.tmpDir, (scratchFolder) =>
      runSelect(snapshot, options.sql, {
        scratchFolder,
        segmentsDir: options.segmentsDir ?? join(dirname(options.catalogPath), "segments"),
        memoryMB: options.memoryMB ?? LIMITS.queryMemoryMB,
        timeZone: options.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
      }),
    );
  } catch (error) {
    throw queryFailed(storeError(options.catalogPath, error));
  } finally {
    snapshot.close();
  }
}

const LOST_FILE = /^IO Error: .*(No such file|No files found|Cannot open file)/;

function isLostFile(error: unknown): boolean {
  return error instanceof HypError && error.code === "query_failed" && LOST_FILE.test(error.message);
}
