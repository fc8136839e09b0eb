import type { Database } from "./database.ts";

/** How far the files were read that others append to. */
export class NoteFiles {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** 0 when it is new. */
  offset(fileId: string): number {
    return (
      this.#database.get<{ offset: number }>("SELECT offset FROM note_files WHERE id = ?", fileId)?.offset ??
      0
    );
  }

  /** For the transaction that stores what was read. */
  setOffset(fileId: string, offset: number): void {
    this.#database.run("INSERT OR REPLACE INTO note_files (id, offset) VALUES (?, ?)", fileId, offset);
  }

  /** The file is gone: another may get its id. */
  forget(fileId: string): void {
    this.#database.run("DELETE FROM note_files WHERE id = ?", fileId);
  }
}
