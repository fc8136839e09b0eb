import type { JournalPosition } from "../contract/frame.ts";
import type { JournalRun } from "./runs.ts";

/** How far the exchanges of a run are projected. */
export interface RunProgress {
  /** The oldest exchange that is not begins here. */
  readonly low: JournalPosition;
  /** The run is over and all of it is projected. */
  readonly finished: boolean;
}

export interface RunState extends JournalRun {
  readonly progress: RunProgress | undefined;
  /** Its gateway still writes the last segment. */
  readonly alive: boolean;
}

export interface Quota {
  readonly quotaBytes: number;
  readonly maxAgeMs: number;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

export interface SegmentOfRun {
  readonly dir: string;
  readonly segment: number;
  readonly bytes: number;
}

/**
 * Segments that nobody writes and that no projection will read again, but to do all again. Whole segments can go: the base of
 * a difference never lies in another one.
 */
export function settledSegments({ segments, progress, alive }: RunState): JournalRun["segments"] {
  if (!progress) return [];
  if (progress.finished && !alive) return segments;
  // A following one is there, so this one does not grow.
  const last = segments.at(-1)?.segment;
  return segments.filter(({ segment }) => segment < progress.low.segment && segment !== last);
}

/** Settled segments that are over the quota or too old, oldest first. */
export function segmentsToRemove(
  runs: readonly RunState[],
  { quotaBytes, maxAgeMs, now }: Quota,
): SegmentOfRun[] {
  let bytes = runs.flatMap(({ segments }) => segments).reduce((sum, { bytes: size }) => sum + size, 0);
  // Stable: those of equal time stay in the order of runs and segments.
  const oldestFirst = runs.flatMap(inOrder).sort((a, b) => a.writtenMs - b.writtenMs);
  const removed: SegmentOfRun[] = [];
  for (const segment of oldestFirst) {
    if (bytes <= quotaBytes && now - segment.writtenMs <= maxAgeMs) break;
    removed.push(segment);
    bytes -= segment.bytes;
  }
  return removed;
}

/** A run's segments go from its beginning on, also when the clock was put back: a hole in a run is damage to its readers. */
function inOrder(run: RunState): (SegmentOfRun & { readonly writtenMs: number })[] {
  let writtenMs = 0;
  return settledSegments(run).map((segment) => {
    writtenMs = Math.max(writtenMs, segment.writtenMs);
    return { ...segment, dir: run.dir, writtenMs };
  });
}
