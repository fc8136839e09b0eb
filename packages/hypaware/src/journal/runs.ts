import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { tryLock } from "../disk/lock.ts";
import { readSegmentHeader } from "./block-file.ts";
import { compressedPath, segmentNumber, segmentPath } from "./segment.ts";

/** One gateway's journal. */
export interface JournalRun {
  readonly runId: string;
  readonly dir: string;
  /** Milliseconds since the Unix epoch: of its first segment, else of the folder. */
  readonly createdMs: number;
  /** Ascending. */
  readonly segments: readonly SegmentOnDisk[];
}

export interface SegmentOnDisk {
  readonly segment: number;
  /** What it takes, plain, compressed or, in between, both. */
  readonly bytes: number;
  readonly isCompressed: boolean;
  /** Milliseconds since the Unix epoch: its last write, also after it was compressed. */
  readonly writtenMs: number;
}

/** Held by the writing gateway for the life of its run. Trap of disk/lock.ts: never open this file. */
export function lockPath(runDir: string): string {
  return join(runDir, "lock");
}

/** Does its gateway still run? Ask before reading the end of its last segment: a dead run grows no more. */
export function isRunAlive(runDir: string): boolean {
  if (statSync(lockPath(runDir), { throwIfNoEntry: false }) === undefined) return false;
  const lock = tryLock(lockPath(runDir));
  lock?.release();
  return lock === undefined;
}

/** All runs in the folder, oldest first. A folder that is missing has none. */
export function listRuns(journalDir: string): readonly JournalRun[] {
  const runs: JournalRun[] = [];
  for (const runId of names(journalDir)) {
    const dir = join(journalDir, runId);
    const stat = statSync(dir, { throwIfNoEntry: false });
    if (!stat?.isDirectory()) continue;
    const segments = listSegments(dir).flatMap((segment) => onDisk(dir, segment) ?? []);
    const first = segments[0] && readSegmentHeader(dir, segments[0].segment);
    runs.push({ runId, dir, createdMs: first?.createdMs ?? stat.birthtimeMs, segments });
  }
  return runs.sort((a, b) => a.createdMs - b.createdMs || (a.runId < b.runId ? -1 : 1));
}

function onDisk(runDir: string, segment: number): SegmentOnDisk | undefined {
  const plain = statSync(segmentPath(runDir, segment), { throwIfNoEntry: false });
  const compressed = statSync(compressedPath(runDir, segment), { throwIfNoEntry: false });
  const stat = plain ?? compressed;
  if (stat === undefined) return undefined;
  const bytes = (plain?.size ?? 0) + (compressed?.size ?? 0);
  return { segment, bytes, isCompressed: plain === undefined, writtenMs: stat.mtimeMs };
}

/** Numbers, ascending. */
export function listSegments(runDir: string): readonly number[] {
  const numbers = names(runDir)
    .map(segmentNumber)
    .filter((segment) => segment !== undefined);
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
