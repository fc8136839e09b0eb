// The files of clients' own records: found below their roots, and read from where the last reading ended. They are only read, and no
// symbolic link below a root is followed. A file or folder is looked at the more often the later it changed, so that years of history
// cost next to nothing: a client appends to the files of the sessions that run now. Files are read in the order in which they came into
// being, since a session that was forked off repeats what the one before it says.

import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { LIMITS } from "../contract/limits.ts";
import type { ProjectorLog } from "../contract/projection.ts";
import type { AnyClientRecord, ClientRecord } from "../contract/record.ts";
import { bornMsOf } from "./record-order.ts";
import { type RecordFile, type RecordPlaces, RecordReader } from "./record-reader.ts";

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

interface File extends Look, RecordFile {
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
  #records: readonly ClientRecord[];
  readonly #log: ProjectorLog;
  readonly #now: () => number;
  readonly #folders = new Map<string, Folder>();
  readonly #files = new Map<string, File>();
  /** The file that the last reading ended in, where it is kept open. */
  #midway: { readonly file: File; readonly stamp: string; readonly reader: RecordReader } | undefined;
  readonly #changedSince: number;
  #isBehind = false;

  /** Files that did not change since `changedSince`, milliseconds since 1970, are left alone. */
  constructor(
    records: readonly AnyClientRecord[],
    log: ProjectorLog,
    now: () => number = Date.now,
    changedSince = 0,
  ) {
    this.#records = filesOf(records);
    this.#log = log;
    this.#now = now;
    this.#changedSince = changedSince;
  }

  /** These from now on: the same as before, with other roots. */
  follow(records: readonly AnyClientRecord[]): void {
    this.#records = filesOf(records);
  }

  /**
   * Reads what is new, for about `budgetMs`; the rest comes with the next call. `thorough`: whatever is there now is found.
   * What cannot be read is a warning, and is tried again later.
   */
  async read(places: RecordPlaces, budgetMs: number, thorough = false): Promise<void> {
    const until = performance.now() + budgetMs;
    this.#isBehind = true;
    for (const record of this.#records)
      for (const root of record.roots) await this.#look({ record, root, thorough, until }, "", 0);
    for (const file of this.#files.values())
      if (performance.now() < until && (thorough || this.#isDue(file))) await this.#measure(file);
    const grown = this.#wanted().filter(
      (file) => file.stamp !== file.readStamp && this.#now() - file.failedMs >= LIMITS.recordIdleMs,
    );
    for (const file of grown.sort((a, b) => a.bornMs - b.bornMs || (a.path < b.path ? -1 : 1))) {
      if (performance.now() >= until) return;
      const isRead = await this.#try(file.path, () => this.#readFile(file, places, until));
      if (!isRead) file.failedMs = this.#now();
    }
    this.#isBehind = performance.now() >= until;
  }

  #wanted(): File[] {
    return [...this.#files.values()].filter((file) => file.changedMs >= this.#changedSince);
  }

  /** Files that were found so far, and those of them that were read to their ends. */
  progress(): { readonly files: number; readonly read: number } {
    const wanted = this.#wanted();
    return { files: wanted.length, read: wanted.filter((file) => file.stamp === file.readStamp).length };
  }

  /** The last reading ended before everything was read. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  async close(): Promise<void> {
    await this.#midway?.reader.close();
    this.#midway = undefined;
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
    const bornMs = bornMsOf(record, relativePath, await lstat(path));
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
    const midway = this.#midway;
    this.#midway = undefined;
    const isSame = midway?.file === file && midway.stamp === file.stamp;
    if (!isSame) await midway?.reader.close();
    const reader = isSame ? midway.reader : await RecordReader.open(file, places, this.#log);
    if (reader === undefined) return void this.#files.delete(file.path);
    const { stamp } = file;
    let isKept = false;
    try {
      const isWhole = await reader.read(places, until);
      if (isWhole) file.readStamp = stamp;
      isKept = !isWhole && reader.isWorthKeeping;
      if (isKept) this.#midway = { file, stamp, reader };
    } finally {
      if (!isKept) await reader.close();
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

const filesOf = (records: readonly AnyClientRecord[]): readonly ClientRecord[] =>
  records.filter((record) => "roots" in record);
