import type { SessionContext } from "../contract/plugin.ts";
import type { SessionPlace } from "../contract/projection.ts";
import type { Database } from "./database.ts";
import type { Exchanges } from "./exchanges.ts";
import type { Messages } from "./messages.ts";

const BEFORE =
  "SELECT cwd, git_branch FROM session_contexts WHERE session_id = ?1 AND at <= ?2 ORDER BY at DESC LIMIT 1";
const FIRST = "SELECT cwd, git_branch FROM session_contexts WHERE session_id = ?1 ORDER BY at LIMIT 1";
/** The second is looked for only where the first finds nothing. */
const AT = `SELECT * FROM (${BEFORE}) UNION ALL SELECT * FROM (${FIRST}) LIMIT 1`;

/** Where sessions work from when on, and how far the files that say so were read. */
export class SessionContexts {
  readonly #database: Database;
  readonly #exchanges: Exchanges;
  readonly #messages: Messages;

  constructor(database: Database, exchanges: Exchanges, messages: Messages) {
    this.#database = database;
    this.#exchanges = exchanges;
    this.#messages = messages;
  }

  /** What held at a time, milliseconds since 1970: the last place before it, else the first one that is known. */
  at(session: string, time: number): SessionPlace | undefined {
    return this.#database.get<SessionPlace>(AT, session, time);
  }

  /**
   * Stores what a file says, and fills places into the sessions' hot rows: the first exchange of a session comes before the
   * hook that says where it works. How many rows changed.
   */
  put(contexts: readonly SessionContext[]): number {
    return this.#database.transaction(() => {
      const sessions = new Set<string>();
      for (const context of contexts) if (this.#add(context)) sessions.add(context.session_id);
      let changed = 0;
      for (const session of sessions) changed += this.#fill(session);
      return changed;
    });
  }

  /** Makes this the same as another store's; for a replay, which has no hooks. Needs a transaction. */
  copyFrom(store: Database): void {
    this.#database.run("DELETE FROM session_contexts WHERE true");
    const rows = store.iterate("SELECT session_id, at, cwd, git_branch FROM session_contexts") as Iterator<
      [string, number, string, string | null]
    >;
    for (let next = rows.next(); next.done !== true; next = rows.next())
      this.#database.run("INSERT INTO session_contexts VALUES (?, ?, ?, ?)", ...next.value);
  }

  /** False: this is what was known of that time. */
  #add({ session_id: session, at, cwd, git_branch }: SessionContext): boolean {
    const time = Date.parse(at);
    const branch = git_branch ?? null;
    if (Number.isNaN(time)) return false;
    const before = this.#before(session, time);
    // A client says it again at every tool call.
    if (before?.cwd === cwd && before.git_branch === branch) return false;
    this.#database.run(
      "INSERT OR REPLACE INTO session_contexts (session_id, at, cwd, git_branch) VALUES (?, ?, ?, ?)",
      session,
      time,
      cwd,
      branch,
    );
    return true;
  }

  #before(session: string, time: number): SessionPlace | undefined {
    return this.#database.get<SessionPlace>(BEFORE, session, time);
  }

  #fill(session: string): number {
    let changed = 0;
    for (const { id, startedAt } of this.#exchanges.ofSession(session)) {
      const place = { ...this.at(session, startedAt) };
      if (!this.#exchanges.amend(id, place)) continue;
      changed += 1;
      for (const key of this.#messages.ofExchange(id)) if (this.#messages.amend(key, place)) changed += 1;
    }
    return changed;
  }
}
