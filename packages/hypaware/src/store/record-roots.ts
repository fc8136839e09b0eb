import { LIMITS } from "../contract/limits.ts";
import type { Database } from "./database.ts";

/** Roots of clients' records that their hooks told of, beside those that are known by where a client keeps its files by default. */
export class RecordRoots {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** By the record's name; what was told last first. */
  all(): ReadonlyMap<string, readonly string[]> {
    const rows = this.#database.all<{ record: string; root: string }>(
      "SELECT record, root FROM record_roots ORDER BY told DESC, root",
    );
    const roots = new Map<string, string[]>();
    for (const { record, root } of rows) roots.set(record, [...(roots.get(record) ?? []), root]);
    return roots;
  }

  /** Over the bound those go that were told of longest ago. `at`: milliseconds since 1970. Needs a transaction. */
  tell(record: string, root: string, at: number): void {
    this.#database.run("INSERT OR REPLACE INTO record_roots VALUES (?, ?, ?)", record, root, at);
    this.#database.run(
      `DELETE FROM record_roots WHERE record = ?1 AND root NOT IN
         (SELECT root FROM record_roots WHERE record = ?1 ORDER BY told DESC, root LIMIT ?2)`,
      record,
      LIMITS.recordRoots,
    );
  }
}
