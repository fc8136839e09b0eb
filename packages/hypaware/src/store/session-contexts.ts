import type { SessionContext } from "../contract/plugin.ts";
import type { Database } from "./database.ts";

/** Where a session worked. */
export interface SessionPlace {
  readonly cwd: string;
  readonly git_branch: string | null;
}

/** Where sessions work from when on, and how far the files that say so were read. Writes belong to the caller's transaction. */
export class SessionContexts {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** False: this is what was known of that time. */
  add({ session_id: session, at, cwd, git_branch }: SessionContext): boolean {
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

  /** What held at a time, milliseconds since 1970: the last place before it, else the first one that is known. */
  at(session: string, time: number): SessionPlace | undefined {
    return (
      this.#before(session, time) ??
      this.#database.get<SessionPlace>(
        "SELECT cwd, git_branch FROM session_contexts WHERE session_id = ? ORDER BY at LIMIT 1",
        session,
      )
    );
  }

  #before(session: string, time: number): SessionPlace | undefined {
    return this.#database.get<SessionPlace>(
      "SELECT cwd, git_branch FROM session_contexts WHERE session_id = ? AND at <= ? ORDER BY at DESC LIMIT 1",
      session,
      time,
    );
  }

  offset(fileId: string): number {
    return (
      this.#database.get<{ offset: number }>("SELECT offset FROM note_files WHERE id = ?", fileId)?.offset ??
      0
    );
  }

  setOffset(fileId: string, offset: number): void {
    this.#database.run("INSERT OR REPLACE INTO note_files (id, offset) VALUES (?, ?)", fileId, offset);
  }

  forgetFile(fileId: string): void {
    this.#database.run("DELETE FROM note_files WHERE id = ?", fileId);
  }
}
