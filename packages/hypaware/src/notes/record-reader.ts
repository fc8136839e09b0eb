// One file of a client's record, read from where it was read before, for as long as there is time. What is compressed has to be
// decompressed from its beginning to get there, so whoever reads it keeps it open until its end.

import { LIMITS } from "../contract/limits.ts";
import type { JsonObject, ProjectorLog } from "../contract/projection.ts";
import type {
  ClientRecord,
  RecordBatch,
  RecordedResponse,
  RecordEntry,
  RecordReading,
} from "../contract/record.ts";
import { type FileLine, type LineFile, openLineFile } from "./line-file.ts";
import { textBeside } from "./text-beside.ts";

/** How far a file was read, and what its reader has to remember of it. */
export interface RecordPlace {
  readonly offset: number;
  readonly memory: JsonObject;
}

export interface RecordPlaces {
  /** `undefined`: the file is new. */
  place(fileId: string): RecordPlace | undefined;
  /** Stores what was read together with how far. */
  commit(read: RecordBatch, fileId: string, place: RecordPlace): void;
}

export interface RecordFile {
  readonly record: ClientRecord;
  readonly path: string;
  /** Below its root. */
  readonly relativePath: string;
}

const START: RecordPlace = { offset: 0, memory: {} };

export class RecordReader {
  readonly #file: RecordFile;
  readonly #lineFile: LineFile;
  readonly #id: string;
  readonly #lines: AsyncIterator<FileLine>;
  readonly #beside: string | undefined;
  readonly #log: ProjectorLog;
  /** What is stored. */
  #known: RecordPlace;

  private constructor(
    file: RecordFile,
    lineFile: LineFile,
    beside: string | undefined,
    places: RecordPlaces,
    log: ProjectorLog,
  ) {
    this.#file = file;
    this.#beside = beside;
    this.#lineFile = lineFile;
    // Inodes are given again.
    this.#id = `${lineFile.id}:${lineFile.bornMs}`;
    const known = places.place(this.#id) ?? START;
    // Shorter than it was: it was written anew, and what is known of it is known by name.
    const isShorter = !lineFile.isCompressed && known.offset > lineFile.bytes;
    this.#known = isShorter ? START : known;
    this.#lines = lineFile.lines(this.#known.offset);
    this.#log = log;
  }

  /** `undefined`: there is no such file. */
  static async open(
    file: RecordFile,
    places: RecordPlaces,
    log: ProjectorLog,
  ): Promise<RecordReader | undefined> {
    const lineFile = await openLineFile(file.path, LIMITS.noteLineBytes);
    if (lineFile === undefined) return undefined;
    const beside = await textBeside(file.record, file.path, file.relativePath);
    return new RecordReader(file, lineFile, beside, places, log);
  }

  /** Whether going on with it later costs less than to open it again. */
  get isWorthKeeping(): boolean {
    return this.#lineFile.isCompressed;
  }

  /** True: to its end. What has no newline yet comes with the next growth. */
  async read(places: RecordPlaces, until: number): Promise<boolean> {
    let { offset, memory } = this.#known;
    let entries: RecordEntry[] = [];
    let responses: RecordedResponse[] = [];
    const commit = (): void => {
      this.#known = { offset, memory };
      places.commit({ entries, responses }, this.#id, this.#known);
      entries = [];
      responses = [];
    };
    for (;;) {
      const next = await this.#lines.next();
      if (next.done === true) break;
      const { text } = next.value;
      if (text === undefined) this.#tooLong(offset, next.value.next);
      const reading = text === undefined ? undefined : this.#readingOf(text, memory);
      entries.push(...(reading?.entries ?? []));
      responses.push(...(reading?.responses ?? []));
      memory = reading?.memory ?? memory;
      offset = next.value.next;
      const isLate = performance.now() >= until;
      const isFull =
        entries.length >= LIMITS.recordBatch || offset - this.#known.offset >= LIMITS.recordBatchBytes;
      if (isFull || isLate) commit();
      if (isLate) return false;
    }
    if (offset !== this.#known.offset || entries.length > 0) commit();
    return true;
  }

  async close(): Promise<void> {
    await this.#lines.return?.();
    await this.#lineFile.close();
  }

  /** What it says is lost to us: the person is told. */
  #tooLong(from: number, to: number): void {
    const { record, path } = this.#file;
    const line = { offset: from, bytes: to - from - 1, max_bytes: LIMITS.noteLineBytes };
    this.#log.warn("notes.line_too_long", { record: record.name, file: path, ...line });
  }

  /** A line that its adapter cannot bear says nothing: those behind it do. */
  #readingOf(text: string, memory: JsonObject): RecordReading | undefined {
    const { record, path, relativePath } = this.#file;
    const beside = this.#beside;
    try {
      return record.read({ text, path: relativePath, memory, ...(beside !== undefined && { beside }) });
    } catch (error) {
      this.#log.warn("notes.line_failed", { record: record.name, file: path, error: String(error) });
      return undefined;
    }
  }
}
