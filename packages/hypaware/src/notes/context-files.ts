import { unlink } from "node:fs/promises";
import { LIMITS } from "../contract/limits.ts";
import type { SessionContext, SessionContextSource } from "../contract/plugin.ts";
import type { ProjectorLog } from "../contract/projection.ts";
import { openLineFile } from "./line-file.ts";

// Files to which a client's hooks append where its sessions work. `<file>.1` is the one before, put aside by a hook; a hook that
// opened it before that may still write to it, so it is removed only when it has been quiet for a while.

/** A hook that opened the file before it was put aside has written by then. */
const QUIET_MS = 60_000;

export interface ContextPlaces {
  /** How far a file was read; 0 when it is new. */
  offset(fileId: string): number;
  /** Stores what was read together with how far. The next batch is read when it returns. */
  commit(contexts: readonly SessionContext[], fileId: string, offset: number): void;
  /** The file is gone: another may get its id. */
  forget(fileId: string): void;
}

/** Reads what is new in the source's files. A file that cannot be read is a warning, and is tried again the next time. */
export async function readContextFiles(
  source: SessionContextSource,
  places: ContextPlaces,
  log: ProjectorLog,
  now = Date.now(),
): Promise<void> {
  for (const path of [`${source.file}.1`, source.file]) {
    try {
      await readFile(source, path, path !== source.file, places, now);
    } catch (error) {
      log.warn("notes.read_failed", { source: source.name, file: path, error: String(error) });
    }
  }
}

async function readFile(
  source: SessionContextSource,
  path: string,
  isAside: boolean,
  places: ContextPlaces,
  now: number,
): Promise<void> {
  const file = await openLineFile(path, LIMITS.noteLineBytes);
  if (file === undefined) return;
  try {
    // Shorter than it was: it was emptied, or another file has got the id.
    const known = places.offset(file.id);
    let offset = known > file.bytes ? 0 : known;
    if (offset < file.bytes) {
      let contexts: SessionContext[] = [];
      for await (const { text, next } of file.lines(offset)) {
        const context = text === undefined ? undefined : source.parse(text);
        if (context !== undefined) contexts.push(context);
        offset = next;
        if (contexts.length < LIMITS.noteBatch) continue;
        places.commit(contexts, file.id, offset);
        contexts = [];
      }
      if (offset !== known || contexts.length > 0) places.commit(contexts, file.id, offset);
    }
    if (!isAside || offset < file.bytes || now - file.writtenMs < QUIET_MS) return;
    await unlink(path);
    places.forget(file.id);
  } finally {
    await file.close();
  }
}
