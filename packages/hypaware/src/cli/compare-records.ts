import type { App } from "../app.ts";
import type { AnyClientRecord } from "../contract/record.ts";
import { withToldRoots } from "../notes/record-roots.ts";
import { stopReasons } from "../protocols/stop-reasons.ts";
import { openCatalog } from "../store/catalog.ts";
import type { Projectors } from "../verify/agreement.ts";
import type { UnrecordedReport } from "../verify/unrecorded.ts";
import type { RecordReport, Verification } from "../verify/verify.ts";

export interface Comparison extends Pick<Verification, "session" | "latest" | "onProgress"> {
  /** What no client's record tells of is looked at, too. */
  readonly isWhole?: boolean;
}

export type AnyReport = RecordReport | UnrecordedReport;

export interface Compared {
  readonly records: readonly RecordReport[];
  readonly unrecorded?: UnrecordedReport;
}

/** What clients wrote down against what the store has now. */
export async function compareRecords(
  app: App,
  clientRecords: readonly AnyClientRecord[],
  { isWhole, ...comparison }: Comparison,
): Promise<Compared> {
  const { paths } = app;
  const { runQuery } = await import("../query/run.ts");
  const { unequalTexts } = await import("../verify/sent-texts.ts");
  const { verifyUnrecorded } = await import("../verify/unrecorded.ts");
  const { verifyRecord } = await import("../verify/verify.ts");
  const ask = (sql: string): ReturnType<typeof runQuery> =>
    runQuery({ catalogPath: paths.catalog, tmpDir: paths.tmp, sql, timeZone: "UTC" });
  const catalog = openCatalog(paths.catalog, { readOnly: true });
  try {
    const texts = comparison.latest === undefined ? await unequalTexts(ask) : new Set<string>();
    const store = { ...comparison, ask, catalog, projectors: projectorsOf(app), texts };
    const records: RecordReport[] = [];
    const recorded = new Set<string>();
    const told = catalog.recordRoots.all();
    for (const each of clientRecords) {
      const record = withToldRoots(each, told);
      const { recorded: own, ...report } = await verifyRecord({ ...store, record });
      records.push(report);
      for (const id of own) recorded.add(id);
    }
    if (isWhole !== true) return { records };
    return { records, unrecorded: await verifyUnrecorded({ ...store, root: paths.store, recorded }) };
  } finally {
    catalog.close();
  }
}

function projectorsOf({ registry, shipped }: App): Projectors {
  const names = new Set(
    registry
      .projectors()
      .filter((projector) => shipped.includes(registry.pluginOf(projector) ?? ""))
      .map(({ name }) => name),
  );
  return { ships: (projector) => names.has(projector), stopReasons };
}

export function isWrong({ sessions, unreadable }: AnyReport): boolean {
  return unreadable.length > 0 || sessions.some(({ differences }) => differences.length > 0);
}
