import { join } from "node:path";
import { LIMITS } from "../contract/limits.ts";
import type { MergeManifest } from "./manifest.ts";
import { planMerges } from "./merge-plan.ts";
import type { MergePlan } from "./merge-plan.ts";
import { writeMerged } from "./merge-file.ts";
import { withSegmentEngine } from "./segment-engine.ts";
import type { SegmentEngineOptions } from "./segment-engine.ts";
import { toRanges } from "./seq-ranges.ts";
import { Snapshot } from "./snapshot.ts";

export interface MergeOptions extends SegmentEngineOptions {
  readonly catalogPath: string;
  /** Everything that can be one file becomes one. */
  readonly all: boolean;
}

/**
 * Writes the segments that `planMerges` names, without their dead rows; like `sealStore`, it changes nothing by itself. Of a
 * large store not all at once: who calls has to call again until there is nothing to do.
 */
export async function mergeStore(
  options: MergeOptions,
  onManifest: (manifest: MergeManifest) => void,
): Promise<void> {
  const snapshot = Snapshot.open(options.catalogPath);
  try {
    const plans = planMerges(snapshot.segments, options.all);
    if (plans.length === 0) return;
    const begun = performance.now();
    await withSegmentEngine(options, async (connection, scratch) => {
      for (const plan of plans) {
        if (performance.now() - begun > LIMITS.mergeBeginMs) return;
        const { dataset } = plan[0]!;
        const dropped = deadRows(snapshot, plan);
        const rows = plan.reduce((sum, segment) => sum + segment.rows, 0);
        const paths = plan.map(({ file }) => join(options.segmentsDir, file));
        const segment =
          dropped.length === rows
            ? null
            : await writeMerged(connection, options.segmentsDir, scratch, { dataset, paths, dropped });
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
