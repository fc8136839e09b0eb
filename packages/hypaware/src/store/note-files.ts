import type { JsonObject } from "../contract/projection.ts";
import type { Database } from "./database.ts";
import { encodeJson } from "./encoding.ts";

export interface NotePlace {
  /** Bytes that were read. */
  readonly offset: number;
  /** What their reader remembers of them. */
  readonly memory: JsonObject;
}

/** How far the files were read that others append to. */
export class NoteFiles {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** `undefined`: the file is new. */
  place(fileId: string): NotePlace | undefined {
    const known = this.#database.get<{ offset: number; memory: string | null }>(
      "SELECT offset, memory FROM note_files WHERE id = ?",
      fileId,
    );
    return (
      known && {
        offset: known.offset,
        memory: known.memory === null ? {} : (JSON.parse(known.memory) as JsonObject),
      }
    );
  }

  /** For the transaction that stores what was read. */
  setPlace(fileId: string, { offset, memory }: NotePlace): void {
    const kept = Object.keys(memory).length === 0 ? null : encodeJson(memory);
    this.#database.run(
      "INSERT OR REPLACE INTO note_files (id, offset, memory) VALUES (?, ?, ?)",
      fileId,
      offset,
      kept,
    );
  }

  /** The file is gone: another may get its id. */
  forget(fileId: string): void {
    this.#database.run("DELETE FROM note_files WHERE id = ?", fileId);
  }
}
