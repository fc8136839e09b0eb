import { readdirSync, rmdirSync, rmSync } from "node:fs";
import { basename, dirname } from "node:path";
import { LIMITS } from "../contract/limits.ts";
import { syncFolder } from "../disk/atomic.ts";
import { compressSegment } from "./compress.ts";
import { segmentsToRemove, settledSegments } from "./retention.ts";
import type { Quota, RunProgress, RunState } from "./retention.ts";
import { isRunAlive, listRuns, lockPath } from "./runs.ts";
import { compressedPath, segmentPath } from "./segment.ts";

export interface MaintainOptions extends Partial<Quota> {
  readonly journalDir: string;
  /** By run id. A run without one was not read yet and is left alone. */
  readonly cursors: ReadonlyMap<string, RunProgress>;
}

export interface Maintained {
  /** Segments. */
  readonly compressed: number;
  readonly removed: number;
  /** That all journals take afterwards. */
  readonly bytes: number;
}

/**
 * Makes the raw history small and keeps it within its quota: removes what is over it, compresses what is settled, and removes
 * the folders of finished runs that hold nothing more. Only for the owner of the store's lock, between two projections:
 * positions stay valid, but a segment that is removed cannot be projected again. The catalog's cursors stay as they are. Rejects
 * with the system's error; nothing is lost, call again.
 */
export async function maintainJournal(options: MaintainOptions): Promise<Maintained> {
  const { quotaBytes = LIMITS.rawQuotaBytes, maxAgeMs = LIMITS.rawMaxAgeMs, now = Date.now() } = options;
  const quota = { quotaBytes, maxAgeMs, now };
  // What is too old is not compressed first; what is over the quota may not be once all is compressed.
  let removed = removeSegments(states(options), { ...quota, quotaBytes: Infinity });
  let compressed = 0;
  try {
    for (const run of states(options)) {
      for (const { segment, isCompressed } of settledSegments(run)) {
        if (isCompressed) continue;
        await compressSegment(run.dir, segment);
        compressed++;
      }
    }
  } finally {
    // Also on a full disk, where nothing can be compressed.
    removed += removeSegments(states(options), quota);
  }
  for (const run of states(options)) if (run.progress?.finished && !run.alive) removeIfEmpty(run.dir);
  const left = listRuns(options.journalDir).flatMap(({ segments }) => segments);
  return { compressed, removed, bytes: left.reduce((sum, { bytes }) => sum + bytes, 0) };
}

function states({ journalDir, cursors }: MaintainOptions): readonly RunState[] {
  return listRuns(journalDir).map((run) => ({
    ...run,
    progress: cursors.get(run.runId),
    alive: isRunAlive(run.dir),
  }));
}

function removeSegments(runs: readonly RunState[], quota: Quota): number {
  const removed = segmentsToRemove(runs, quota);
  for (const { dir, segment } of removed) {
    rmSync(`${compressedPath(dir, segment)}.tmp`, { force: true });
    rmSync(compressedPath(dir, segment), { force: true });
    rmSync(segmentPath(dir, segment), { force: true });
  }
  for (const dir of new Set(removed.map(({ dir }) => dir))) syncFolder(dir);
  return removed.length;
}

/** A run's id is never used again, so that nobody can want its lock any more. */
function removeIfEmpty(runDir: string): void {
  const lock = lockPath(runDir);
  if (readdirSync(runDir).some((name) => name !== basename(lock))) return;
  rmSync(lock, { force: true });
  rmdirSync(runDir);
  syncFolder(dirname(runDir));
}
