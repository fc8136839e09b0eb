import { join } from "node:path";
import type { MergeManifest } from "./manifest.ts";
import { planMerges } from "./merge-plan.ts";
import type { MergePlan } from "./merge-plan.ts";
import { groupRowsFor, MERGE_LEVEL, parquet, withSegmentEngine, writeSegment } from "./segment-engine.ts";
import type { SegmentEngineOptions } from "./segment-engine.ts";
import { toRanges } from "./seq-ranges.ts";
import { SEGMENT_ORDER } from "./settled.ts";
import { Snapshot } from "./snapshot.ts";

export interface MergeOptions extends SegmentEngineOptions {
  readonly catalogPath: string;
  /** Everything that can be one file becomes one. */
  readonly all: boolean;
}

/** Writes the segments that `planMerges` names, without their dead rows; like `sealStore`, it changes nothing by itself. */
export async function mergeStore(
  options: MergeOptions,
  onManifest: (manifest: MergeManifest) => void,
): Promise<void> {
  const snapshot = Snapshot.open(options.catalogPath);
  try {
    const plans = planMerges(snapshot.segments, options.all);
    if (plans.length === 0) return;
    await withSegmentEngine(options, async (connection) => {
      for (const plan of plans) {
        const { dataset } = plan[0]!;
        const dropped = deadRows(snapshot, plan);
        const rows = plan.reduce((sum, segment) => sum + segment.rows, 0);
        const paths = plan.map(({ file }) => join(options.segmentsDir, file));
        const from = parquet(paths);
        const segment =
          dropped.length === rows
            ? null
            : await writeSegment(
                connection,
                options.segmentsDir,
                dataset,
                dataset === "blobs"
                  ? `SELECT * FROM ${from} ORDER BY sha256`
                  : `SELECT * FROM ${from} AS s ANTI JOIN (SELECT unnest([${dropped.join(", ")}]::BIGINT[]) AS seq) AS t
                       ON t.seq = s._seq ORDER BY ${SEGMENT_ORDER[dataset]}`,
                { groupRows: await groupRowsFor(connection, paths), level: MERGE_LEVEL },
              );
        if ((segment?.rows ?? 0) !== rows - dropped.length)
          throw new Error(`merging ${dataset}: ${segment?.rows} rows of ${rows}, ${dropped.length} dead`);
        onManifest({
          kind: "merge",
          generation: snapshot.generation,
          dataset,
          segment,
          replaces: plan.map(({ file }) => file),
          dropped: toRanges(dropped),
        });
      }
    });
  } finally {
    snapshot.close();
  }
}

function deadRows(snapshot: Snapshot, plan: MergePlan): number[] {
  return snapshot.database
    .all<{ seq: number }>(
      `SELECT seq FROM tombstones WHERE batch IN
         (SELECT id FROM batches WHERE segment IN (SELECT value FROM json_each(?))) ORDER BY seq`,
      JSON.stringify(plan.map(({ id }) => id)),
    )
    .map(({ seq }) => seq);
}
