import type { App } from "../app.ts";
import type { AnyClientRecord } from "../contract/record.ts";
import { withToldRoots } from "../notes/record-roots.ts";
import { openCatalog } from "../store/catalog.ts";
import type { RecordReport, Verification } from "../verify/verify.ts";

export type Comparison = Omit<Verification, "record" | "ask" | "catalog">;

/** What clients wrote down against what the store has now. */
export async function compareRecords(
  { paths }: App,
  records: readonly AnyClientRecord[],
  comparison: Comparison,
): Promise<readonly RecordReport[]> {
  const { runQuery } = await import("../query/run.ts");
  const { verifyRecord } = await import("../verify/verify.ts");
  const ask = (sql: string): ReturnType<typeof runQuery> =>
    runQuery({ catalogPath: paths.catalog, tmpDir: paths.tmp, sql, timeZone: "UTC" });
  const catalog = openCatalog(paths.catalog, { readOnly: true });
  try {
    const reports: RecordReport[] = [];
    const told = catalog.recordRoots.all();
    for (const each of records) {
      const record = withToldRoots(each, told);
      reports.push(await verifyRecord({ ...comparison, record, ask, catalog }));
    }
    return reports;
  } finally {
    catalog.close();
  }
}

export function isWrong({ sessions, unreadable }: RecordReport): boolean {
  return unreadable.length > 0 || sessions.some(({ differences }) => differences.length > 0);
}
