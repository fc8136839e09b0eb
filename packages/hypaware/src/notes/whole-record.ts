// A client's record from beginning to end, as it is now, for those who compare it with something: nothing is remembered of it.

import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { LIMITS } from "../contract/limits.ts";
import type { JsonObject } from "../contract/projection.ts";
import type { ClientRecord, RecordReading } from "../contract/record.ts";
import { openLineFile } from "./line-file.ts";

export interface RecordPath {
  readonly root: string;
  /** Below the root. */
  readonly path: string;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly bornMs: number;
  readonly changedMs: number;
}

/** What one line says, and where it stands. */
export interface ReadLine {
  readonly reading: RecordReading;
  /** From 1. */
  readonly line: number;
}

/** The files of a record in the order in which they came into being. What cannot be listed is passed over, no symbolic link below a root followed. */
export async function recordPaths(record: ClientRecord): Promise<readonly RecordPath[]> {
  const found: RecordPath[] = [];
  for (const root of record.roots) await collect(record, root, "", 0, found);
  return found.sort((a, b) => a.bornMs - b.bornMs || (a.path < b.path ? -1 : 1));
}

async function collect(
  record: ClientRecord,
  root: string,
  folder: string,
  depth: number,
  found: RecordPath[],
): Promise<void> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory() && depth < LIMITS.recordDepth)
      await collect(record, root, path, depth + 1, found);
    if (!entry.isFile() || !record.accepts(path)) continue;
    const stats = await lstat(join(root, path)).catch(() => undefined);
    if (stats === undefined) continue;
    const { size: bytes, mtimeMs: changedMs } = stats;
    const bornMs = record.bornAt?.(path) ?? stats.birthtimeMs;
    found.push({ root, path, bytes, bornMs, changedMs });
  }
}

/** Lines that say something. One that its adapter cannot bear says nothing, as when it is recorded. Rejects with the system's errors. */
export async function* readRecordFile(
  record: ClientRecord,
  { root, path }: RecordPath,
): AsyncGenerator<ReadLine> {
  const file = await openLineFile(join(root, path), LIMITS.noteLineBytes);
  if (file === undefined) return;
  try {
    let memory: JsonObject = {};
    let line = 0;
    for await (const { text } of file.lines(0)) {
      line += 1;
      const reading = text === undefined ? undefined : readingOf(record, text, path, memory);
      if (reading === undefined) continue;
      memory = reading.memory ?? memory;
      yield { reading, line };
    }
  } finally {
    await file.close();
  }
}

function readingOf(
  record: ClientRecord,
  text: string,
  path: string,
  memory: JsonObject,
): RecordReading | undefined {
  try {
    return record.read({ text, path, memory });
  } catch {
    return undefined;
  }
}
