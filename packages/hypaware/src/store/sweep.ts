import { chmodSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LIMITS } from "../contract/limits.ts";
import { syncFolder } from "../disk/atomic.ts";
import type { Catalog } from "./catalog.ts";

export interface Swept {
  /** Files that a child wrote and nobody committed. */
  readonly orphans: number;
  /** Files that a merge or a rebuild un-listed. */
  readonly retired: number;
}

/**
 * Deletes the files that are no part of the store: orphans at once, un-listed ones when no reader can have them in its
 * snapshot any more. For who holds the recorder's lock, and never beside a child that writes: its files are orphans until
 * they are committed.
 */
export function sweepSegments(
  catalog: Catalog,
  segmentsDir: string,
  now = Date.now(),
  keepMs: number = LIMITS.retiredFileMs,
): Swept {
  const known = catalog.segments.files();
  const orphans = storedFiles(segmentsDir).filter((file) => !known.has(file));
  for (const file of orphans) remove(join(segmentsDir, file));
  const retired = catalog.segments.retiredBefore(now - keepMs);
  // A commit survives a power cut only once the log is written back; until then the old files may be needed again.
  if (retired.length === 0 || !catalog.makeDurable()) return { orphans: orphans.length, retired: 0 };
  for (const file of retired) remove(join(segmentsDir, file));
  for (const folder of new Set(retired.map((file) => file.split("/")[0]!)))
    syncFolder(join(segmentsDir, folder));
  catalog.transaction(() => {
    for (const file of retired) catalog.segments.forget(file);
  });
  return { orphans: orphans.length, retired: retired.length };
}

/** `<dataset>/<name>` of every file in the segments folder, unfinished ones too. */
export function storedFiles(segmentsDir: string): string[] {
  return foldersOf(segmentsDir).flatMap((dataset) =>
    readdirSync(join(segmentsDir, dataset)).map((name) => `${dataset}/${name}`),
  );
}

function foldersOf(segmentsDir: string): string[] {
  try {
    return readdirSync(segmentsDir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function remove(path: string): void {
  try {
    chmodSync(path, 0o600); // where a read-only file cannot be deleted
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  rmSync(path, { force: true });
}
