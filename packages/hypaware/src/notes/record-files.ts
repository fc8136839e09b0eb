// The files of clients' own records: found below their roots, and read from where the last reading ended. They are only read, and no
// symbolic link below a root is followed. A file or folder is looked at the more often the later it changed, so that years of history
// cost next to nothing: a client appends to the files of the sessions that run now. Files are read in the order in which they came into
// being, since a session that was forked off repeats what the one before it says.

import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { LIMITS } from "../contract/limits.ts";
import type { JsonObject, ProjectorLog } from "../contract/projection.ts";
import type { ClientRecord, RecordEntry, RecordReading } from "../contract/record.ts";
import { openLineFile } from "./line-file.ts";

/** How far a file was read, and what its reader has to remember of it. */
export interface RecordPlace {
  readonly offset: number;
  readonly memory: JsonObject;
}

export interface RecordPlaces {
  /** `undefined`: the file is new. */
  place(fileId: string): RecordPlace | undefined;
  /** Stores what was read together with how far. */
  commit(entries: readonly RecordEntry[], fileId: string, place: RecordPlace): void;
}

const START: RecordPlace = { offset: 0, memory: {} };

interface Look {
  /** Milliseconds since 1970, of the last change that was seen. */
  changedMs: number;
  lookedMs: number;
}

interface Folder extends Look {
  readonly depth: number;
  /** Relative to the root. */
  readonly folders: Set<string>;
}

interface File extends Look {
  readonly record: ClientRecord;
  readonly path: string;
  readonly relativePath: string;
  readonly bornMs: number;
  /** Of its state when it was looked at last, and when it was read to its end. */
  stamp: string;
  readStamp: string;
  /** When reading it failed last. */
  failedMs: number;
}

interface Search {
  readonly record: ClientRecord;
  readonly root: string;
  readonly thorough: boolean;
  readonly until: number;
}

export class RecordFiles {
  readonly #records: readonly ClientRecord[];
  readonly #log: ProjectorLog;
  readonly #now: () => number;
  readonly #folders = new Map<string, Folder>();
  readonly #files = new Map<string, File>();

  constructor(records: readonly ClientRecord[], log: ProjectorLog, now: () => number = Date.now) {
    this.#records = records;
    this.#log = log;
    this.#now = now;
  }

  /**
   * Reads what is new, for about `budgetMs`; the rest comes with the next call. `thorough`: whatever is there now is found.
   * What cannot be read is a warning, and is tried again later. False: there is more.
   */
  async read(places: RecordPlaces, budgetMs: number, thorough = false): Promise<boolean> {
    const until = performance.now() + budgetMs;
    for (const record of this.#records)
      for (const root of record.roots) await this.#look({ record, root, thorough, until }, "", 0);
    for (const file of this.#files.values())
      if (performance.now() < until && (thorough || this.#isDue(file))) await this.#measure(file);
    const grown = [...this.#files.values()].filter(
      (file) => file.stamp !== file.readStamp && this.#now() - file.failedMs >= LIMITS.recordIdleMs,
    );
    for (const file of grown.sort((a, b) => a.bornMs - b.bornMs || (a.path < b.path ? -1 : 1))) {
      if (performance.now() >= until) return false;
      const isRead = await this.#try(file.path, () => this.#readFile(file, places, until));
      if (!isRead) file.failedMs = this.#now();
    }
    return performance.now() < until;
  }

  /** Something was said in this session: its files have grown, or are about to be. */
  expect(sessionId: string): void {
    let isKnown = false;
    for (const file of this.#files.values()) {
      if (!file.relativePath.includes(sessionId)) continue;
      file.lookedMs = Number.NEGATIVE_INFINITY;
      isKnown = true;
    }
    if (isKnown) return;
    for (const folder of this.#folders.values())
      if (this.#now() - folder.lookedMs >= LIMITS.recordLookMs) folder.lookedMs = Number.NEGATIVE_INFINITY;
  }

  #isDue({ changedMs, lookedMs }: Look): boolean {
    const now = this.#now();
    const every = Math.min(LIMITS.recordIdleMs, Math.max(LIMITS.recordLookMs, (now - changedMs) / 60));
    return now - lookedMs >= every;
  }

  async #look(search: Search, relative: string, depth: number): Promise<void> {
    const path = join(search.root, relative);
    const folder: Folder = this.#folders.get(path) ?? {
      depth,
      folders: new Set(),
      changedMs: Number.NEGATIVE_INFINITY,
      lookedMs: Number.NEGATIVE_INFINITY,
    };
    this.#folders.set(path, folder);
    if (performance.now() >= search.until) return;
    if (search.thorough || this.#isDue(folder)) {
      folder.lookedMs = this.#now();
      await this.#try(path, () => this.#list(search, relative, folder));
    }
    for (const below of folder.folders) await this.#look(search, below, depth + 1);
  }

  async #list({ record, root }: Search, relative: string, folder: Folder): Promise<void> {
    const path = join(root, relative);
    // The root itself may be a link: it is what the person or the client calls its folder.
    const { mtimeMs } = await (relative === "" ? stat(path) : lstat(path));
    // A folder that changes twice within the clock's grain is listed twice.
    if (mtimeMs === folder.changedMs && this.#now() - mtimeMs > LIMITS.recordLookMs) return;
    folder.changedMs = mtimeMs;
    folder.folders.clear();
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const below = relative === "" ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory() && folder.depth < LIMITS.recordDepth) folder.folders.add(below);
      if (entry.isFile() && record.accepts(below)) await this.#found(record, join(root, below), below);
    }
  }

  async #found(record: ClientRecord, path: string, relativePath: string): Promise<void> {
    if (this.#files.has(path)) return;
    const { birthtimeMs: bornMs } = await lstat(path);
    this.#files.set(path, {
      record,
      path,
      relativePath,
      bornMs,
      stamp: "",
      readStamp: "",
      failedMs: Number.NEGATIVE_INFINITY,
      changedMs: 0,
      lookedMs: Number.NEGATIVE_INFINITY,
    });
  }

  async #measure(file: File): Promise<void> {
    file.lookedMs = this.#now();
    await this.#try(file.path, async () => {
      const { ino, size, mtimeMs } = await lstat(file.path);
      file.stamp = `${ino}:${size}:${mtimeMs}`;
      file.changedMs = mtimeMs;
    });
  }

  async #readFile(file: File, places: RecordPlaces, until: number): Promise<void> {
    const lines = await openLineFile(file.path, LIMITS.noteLineBytes);
    if (lines === undefined) return void this.#files.delete(file.path);
    try {
      // Inodes are given again.
      const id = `${lines.id}:${lines.bornMs}`;
      const known = places.place(id) ?? START;
      // Shorter than it was: it was written anew, and what is known of it is known by name.
      let { offset, memory } = known.offset > lines.bytes ? START : known;
      let entries: RecordEntry[] = [];
      for await (const { text, next } of lines.lines(offset)) {
        const reading = text === undefined ? undefined : this.#readingOf(file, text, memory);
        entries.push(...(reading?.entries ?? []));
        memory = reading?.memory ?? memory;
        offset = next;
        const isLate = performance.now() >= until;
        if (entries.length < LIMITS.recordBatch && !isLate) continue;
        places.commit(entries, id, { offset, memory });
        entries = [];
        if (isLate) return;
      }
      if (offset !== known.offset || entries.length > 0) places.commit(entries, id, { offset, memory });
      // What has no newline yet comes with the next growth.
      file.readStamp = file.stamp;
    } finally {
      await lines.close();
    }
  }

  /** A line that its adapter cannot bear says nothing: those behind it do. */
  #readingOf(
    { record, path, relativePath }: File,
    text: string,
    memory: JsonObject,
  ): RecordReading | undefined {
    try {
      return record.read({ text, path: relativePath, memory });
    } catch (error) {
      this.#log.warn("notes.line_failed", { record: record.name, file: path, error: String(error) });
      return undefined;
    }
  }

  async #try(path: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") this.#forget(path);
      else this.#log.warn("notes.read_failed", { file: path, error: String(error) });
      return false;
    }
  }

  #forget(path: string): void {
    this.#files.delete(path);
    this.#folders.get(path)?.folders.clear();
  }
}
