// A client's record from beginning to end, as it is now, for those who compare it with something: nothing is remembered of it.

import { lstat, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { LIMITS } from "../contract/limits.ts";
import type { JsonObject } from "../contract/projection.ts";
import type {
  AnyClientRecord,
  ClientDatabase,
  ClientRecord,
  RecordLine,
  RecordReading,
} from "../contract/record.ts";
import { OpenDatabase } from "./client-database.ts";
import { openLineFile } from "./line-file.ts";
import { bornMsOf } from "./record-order.ts";
import { textBeside } from "./text-beside.ts";

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
  /** From 1; of a database the number of the row. */
  readonly line: number;
  /** Nothing of it was read. */
  readonly isTooLong?: true;
}

/** The files of a record in the order in which they came into being; a database is one. What cannot be listed is passed over, no symbolic link below a root followed. */
export async function recordPaths(record: AnyClientRecord): Promise<readonly RecordPath[]> {
  const found: RecordPath[] = [];
  if ("database" in record) {
    const [root, path] = [dirname(record.database), basename(record.database)];
    const stats = await stat(record.database).catch(() => undefined);
    if (stats === undefined) return [];
    // What was written last may stand in its log.
    const log = await stat(`${record.database}-wal`).catch(() => undefined);
    const changedMs = Math.max(stats.mtimeMs, log?.mtimeMs ?? 0);
    return [{ root, path, bytes: stats.size, bornMs: stats.birthtimeMs, changedMs }];
  }
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
    const bornMs = bornMsOf(record, path, stats);
    found.push({ root, path, bytes, bornMs, changedMs });
  }
}

/** Lines that say something. One that its adapter cannot bear says nothing, as when it is recorded. Rejects with the system's errors. */
export async function* readRecordFile(
  record: AnyClientRecord,
  { root, path }: RecordPath,
): AsyncGenerator<ReadLine> {
  if ("database" in record) return yield* readDatabase(record);
  const file = await openLineFile(join(root, path), LIMITS.noteLineBytes);
  if (file === undefined) return;
  try {
    const beside = await textBeside(record, join(root, path), path);
    const place = { path, ...(beside !== undefined && { beside }) };
    let memory: JsonObject = {};
    let line = 0;
    for await (const { text } of file.lines(0)) {
      line += 1;
      if (text === undefined) yield { reading: {}, line, isTooLong: true };
      const reading = text === undefined ? undefined : readingOf(record, { ...place, text, memory });
      if (reading === undefined) continue;
      memory = reading.memory ?? memory;
      yield { reading, line };
    }
  } finally {
    await file.close();
  }
}

/** The rows of all sessions, of each until one that is not whole yet. */
function* readDatabase(database: ClientDatabase): Generator<ReadLine> {
  const open = new OpenDatabase(database);
  try {
    let line = 0;
    for (const { id } of open.sessions(0))
      for (const { finished, reading } of open.rows(id, { after: "", memory: {} }))
        if (finished) yield { reading, line: (line += 1) };
  } finally {
    open.close();
  }
}

function readingOf(record: ClientRecord, line: RecordLine): RecordReading | undefined {
  try {
    return record.read(line);
  } catch {
    return undefined;
  }
}
