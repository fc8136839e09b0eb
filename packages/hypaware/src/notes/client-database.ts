// A client's own record in an SQLite database. It is opened for one reading and closed again, and only read. While the client runs, its
// write-ahead log is there, and readers of one take no lock that a writer waits for. Without that log nobody has it open: it is read
// as a file that does not change, which locks nothing and leaves no file beside it, and what was read counts only if it did not change.

import { type Stats, existsSync, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { LIMITS } from "../contract/limits.ts";
import type { JsonObject, ProjectorLog } from "../contract/projection.ts";
import type { ClientDatabase, DatabaseRow, RecordReading } from "../contract/record.ts";

/** How far a session was read. */
export interface SessionPlace {
  /** Id of the last row; `''` at its beginning. */
  readonly after: string;
  readonly memory: JsonObject;
}

export interface ChangedSession {
  readonly id: string;
  readonly changed: number;
}

/** The client began to write where we may only read what does not change. Once more, later. */
export class WrittenMeanwhile extends Error {}

export class OpenDatabase {
  readonly #database: ClientDatabase;
  readonly #connection: DatabaseSync;
  readonly #log: ProjectorLog | undefined;
  /** Of the file when it was opened; `undefined` where changes do no harm. */
  readonly #stamp: string | undefined;

  /** Throws the system's errors, and WrittenMeanwhile. */
  constructor(database: ClientDatabase, log?: ProjectorLog) {
    const { database: path } = database;
    this.#database = database;
    this.#log = log;
    const isShared = existsSync(`${path}-wal`);
    this.#stamp = isShared ? undefined : steadyStamp(path);
    this.#connection = new DatabaseSync(isShared ? path : unchanging(path), { readOnly: true, timeout: 0 });
  }

  /** Throws WrittenMeanwhile where what was read may be half of something. */
  check(): void {
    if (this.#stamp !== undefined && steadyStamp(this.#database.database) !== this.#stamp)
      throw new WrittenMeanwhile();
  }

  sessions(since: number): readonly ChangedSession[] {
    return this.#connection
      .prepare(this.#database.sessions)
      .all({ since })
      .flatMap(({ id, changed }) =>
        typeof id === "string" && typeof changed === "number" ? [{ id, changed }] : [],
      );
  }

  /** Its rows from there, each with the place behind it. `finished` false: the row is not whole, and those behind it are not read. */
  *rows(
    session: string,
    from: SessionPlace,
  ): Generator<{
    readonly finished: boolean;
    readonly reading: RecordReading;
    readonly place: SessionPlace;
  }> {
    let place = from;
    const rows = this.#connection.prepare(this.#database.rows).iterate({ session, after: from.after });
    for (const row of rows as Iterable<DatabaseRow>) {
      const reading = this.#readingOf(row, place.memory);
      if (reading === "unfinished") return yield { finished: false, reading: {}, place };
      place = { after: String(row["id"]), memory: reading.memory ?? place.memory };
      yield { finished: true, reading, place };
    }
  }

  close(): void {
    this.#connection.close();
  }

  /** A row that its adapter cannot bear, or a huge one, says nothing: those behind it do. */
  #readingOf(row: DatabaseRow, memory: JsonObject): RecordReading | "unfinished" {
    const length = Object.values(row).reduce<number>(
      (sum, value) => sum + (typeof value === "string" ? value.length : 0),
      0,
    );
    if (length > LIMITS.noteLineBytes) return {};
    try {
      return this.#database.read(row, memory);
    } catch (error) {
      const { name, database } = this.#database;
      const fields = { record: name, file: database, row: String(row["id"]), error: String(error) };
      this.#log?.warn("notes.row_failed", fields);
      return {};
    }
  }
}

/** Which database it is, and its state; `undefined` when there is none. What is written goes to the log beside it first. */
export async function databaseState(
  path: string,
): Promise<{ readonly id: string; readonly stamp: string } | undefined> {
  const [main, log] = await Promise.all([statOf(path), statOf(`${path}-wal`)]);
  if (main === undefined) return undefined;
  const stamp = [main, log].map((file) => `${file?.size}:${file?.mtimeMs}`).join();
  // Inodes are given again.
  return { id: `${main.dev}:${main.ino}:${main.birthtimeMs}`, stamp };
}

function unchanging(path: string): URL {
  const url = pathToFileURL(path);
  url.searchParams.set("immutable", "1");
  return url;
}

/** Of a database that nobody writes. */
function steadyStamp(path: string): string {
  if (existsSync(`${path}-wal`) || existsSync(`${path}-journal`)) throw new WrittenMeanwhile();
  const { ino, size, mtimeMs } = statSync(path);
  return `${ino}:${size}:${mtimeMs}`;
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
