import type { SQLInputValue } from "node:sqlite";
import type { DatasetName } from "../contract/dataset.ts";
import { ChangeLog } from "./change-log.ts";
import type { Database } from "./database.ts";
import { KEYS, storedColumns } from "./layout.ts";
import { SealedRows } from "./sealed-rows.ts";

/** One change of a dataset's row. `seq` ascends over all datasets and is never given twice. */
export interface Change {
  readonly seq: number;
  readonly op: "upsert" | "delete";
  readonly key: string;
}

/** The hot rows of one dataset: upserted by key, each change with the next number of the sequence. */
export class DatasetTable {
  readonly #database: Database;
  readonly #dataset: DatasetName;
  readonly #key: string;
  readonly #upsert: string;
  readonly #sealed: SealedRows;
  readonly #log: ChangeLog;

  /** `extra` names columns before those of the dataset. */
  constructor(database: Database, dataset: DatasetName, extra: readonly string[] = []) {
    this.#database = database;
    this.#dataset = dataset;
    this.#key = KEYS[dataset];
    this.#sealed = new SealedRows(database, dataset);
    this.#log = ChangeLog.of(database);
    const names = [...extra, ...storedColumns(dataset).map(({ name }) => name)].map((name) => `"${name}"`);
    const excluded = names.map((name) => `excluded.${name}`);
    this.#upsert = `
      INSERT INTO ${dataset} (_seq, ${names.join(", ")})
      VALUES (?, ${names.map(() => "?").join(", ")})
      ON CONFLICT (${this.#key}) DO UPDATE
        SET _seq = excluded._seq, ${names.map((name, i) => `${name} = ${excluded[i]}`).join(", ")}
        WHERE (${names.join(", ")}) IS NOT (${excluded.join(", ")})`;
  }

  /**
   * False: the row is hot with exactly these values, and nothing was written. Values in physical order. A sealed row always
   * gets a new version, as its values cannot be compared here. Needs the caller's transaction.
   */
  upsert(key: string, values: readonly SQLInputValue[]): boolean {
    if (this.#database.run(this.#upsert, this.#log.next, ...values) === 0) return false;
    this.#log.noteUpsert(this.#dataset, key);
    this.#sealed.bury(key);
    return true;
  }

  /**
   * Changes some columns of a hot row, the key among them: then the old one is gone. False: it is not hot, or has these values.
   * Needs the caller's transaction.
   */
  amend(key: string, values: Readonly<Record<string, SQLInputValue>>): boolean {
    const names = Object.keys(values).map((name) => `"${name}"`);
    const marks = names.map(() => "?");
    const changed = this.#database.run(
      `UPDATE ${this.#dataset}
       SET _seq = ?, ${names.map((name) => `${name} = ?`).join(", ")}
       WHERE ${this.#key} = ? AND (${names.join(", ")}) IS NOT (${marks.join(", ")})`,
      this.#log.next,
      ...Object.values(values),
      key,
      ...Object.values(values),
    );
    if (changed === 0) return false;
    const renamed = values[this.#key];
    if (typeof renamed !== "string" || renamed === key) this.#log.noteChange();
    else {
      this.#log.noteUpsert(this.#dataset, renamed);
      this.#log.noteDeletion(this.#dataset, key);
    }
    return true;
  }

  isSealed(key: string, seq?: number): boolean {
    return this.#sealed.has(key, seq);
  }

  /** False: there is no such row, hot or sealed. Needs the caller's transaction. */
  remove(key: string): boolean {
    const wasHot = this.#database.run(`DELETE FROM ${this.#dataset} WHERE ${this.#key} = ?`, key) > 0;
    if (!wasHot && !this.#sealed.bury(key)) return false;
    this.#log.noteDeletion(this.#dataset, key);
    return true;
  }

  /** Hot and sealed. */
  count(): number {
    const hot = this.#database.get<{ rows: number }>(`SELECT count(*) AS rows FROM ${this.#dataset}`)!.rows;
    return hot + this.#sealed.count();
  }

  /**
   * What changed after `seq`, oldest first: the last change of each key only. Rows that are sealed by now are not among
   * them: their segments have `_seq`.
   */
  changes(seq: number, limit: number): Change[] {
    return this.#database.all<Change>(
      `SELECT _seq AS seq, 'upsert' AS op, ${this.#key} AS key FROM ${this.#dataset} WHERE _seq > ?1
       UNION ALL SELECT seq, 'delete', key FROM deletions WHERE dataset = ?2 AND seq > ?1
       ORDER BY seq LIMIT ?3`,
      seq,
      this.#dataset,
      limit,
    );
  }
}
