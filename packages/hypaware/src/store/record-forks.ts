import type { Database } from "./database.ts";

/** Which sessions were forked off which. Writes belong to the caller's transaction. */
export class RecordForks {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  of(session: string): string | undefined {
    return this.#database.get<{ origin: string }>(
      "SELECT origin FROM record_forks WHERE session = ?",
      session,
    )?.origin;
  }

  /** `session` begins with what was said in `origin`: of several, as a fork of a fork has, the last is the one that it left. */
  copied(session: string, origin: string): void {
    // Where the fork was read first, the other seems to repeat it.
    if (origin === session || this.of(origin) === session || this.of(session) === origin) return;
    this.#database.run("INSERT OR REPLACE INTO record_forks VALUES (?, ?)", session, origin);
  }
}
