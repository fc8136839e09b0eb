import type { DatasetName } from "../contract/dataset.ts";
import type { Database } from "./database.ts";

/**
 * What those follow who want to know what changed: each change of a row has the next number of one sequence, and keys that are gone
 * are listed. Both are looked up once a transaction, and the sequence is written when it ends. Needs the caller's transaction.
 */
export class ChangeLog {
  static readonly #logs = new WeakMap<Database, ChangeLog>();
  readonly #database: Database;
  /** The last number that was given; undefined: not read in this transaction. */
  #last: number | undefined;
  #isMoved = false;
  #hasDeletions: boolean | undefined;

  private constructor(database: Database) {
    this.#database = database;
    database.beforeCommit(() => {
      if (this.#isMoved) database.run("UPDATE sequence SET value = ?", this.#last!);
      this.#forget();
    });
    database.onRollback(() => this.#forget());
  }

  /** Two would give the same numbers. */
  static of(database: Database): ChangeLog {
    let log = ChangeLog.#logs.get(database);
    if (log === undefined) ChangeLog.#logs.set(database, (log = new ChangeLog(database)));
    return log;
  }

  /** Of the change that is about to be made. The same again until it is noted. */
  get next(): number {
    if (!this.#database.inTransaction) throw new Error("a row is changed outside of a transaction");
    this.#last ??= this.#database.get<{ value: number }>("SELECT value FROM sequence")!.value;
    return this.#last + 1;
  }

  /** A row has a new version with the number `next`, and a key that came back is on no list any more. */
  noteUpsert(dataset: DatasetName, key: string): void {
    this.noteChange();
    this.#hasDeletions ??= this.#database.get("SELECT 1 FROM deletions LIMIT 1") !== undefined;
    if (this.#hasDeletions)
      this.#database.run("DELETE FROM deletions WHERE dataset = ? AND key = ?", dataset, key);
  }

  noteChange(): void {
    this.#last = this.next;
    this.#isMoved = true;
  }

  noteDeletion(dataset: DatasetName, key: string): void {
    this.#database.run(
      "INSERT OR REPLACE INTO deletions (dataset, key, seq) VALUES (?, ?, ?)",
      dataset,
      key,
      this.next,
    );
    this.noteChange();
    this.#hasDeletions = true;
  }

  #forget(): void {
    this.#last = undefined;
    this.#isMoved = false;
    this.#hasDeletions = undefined;
  }
}
