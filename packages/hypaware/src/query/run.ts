import { LIMITS } from "../contract/limits.ts";
import { storeError } from "../store/database.ts";
import { Snapshot } from "../store/snapshot.ts";
import type { QueryResult } from "./cell.ts";
import { queryFailed } from "./failure.ts";
import { plainCount } from "./plain-count.ts";
import { withScratchFolder } from "./scratch.ts";

export interface QueryOptions {
  readonly catalogPath: string;
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
