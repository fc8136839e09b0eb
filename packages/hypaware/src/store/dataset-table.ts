import type { SQLInputValue } from "node:sqlite";
import type { DatasetName } from "../contract/dataset.ts";
import type { Database } from "./database.ts";
import { KEYS, storedColumns } from "./layout.ts";

/** One change of a dataset's row. `seq` ascends over all datasets and is never given twice. */
export interface Change {
  readonly seq: number;
  readonly op: "upsert" | "delete";
  readonly key: string;
}

/** The rows of one dataset: upserted by key, each change with the next number of the sequence. */
export class DatasetTable {
  readonly #database: Database;
  readonly #dataset: DatasetName;
  readonly #key: string;
  readonly #upsert: string;

  /** `extra` names columns before those of the dataset. */
  constructor(database: Database, dataset: DatasetName, extra: readonly string[] = []) {
    this.#database = database;
    this.#dataset = dataset;
    this.#key = KEYS[dataset];
    const names = [...extra, ...storedColumns(dataset).map(({ name }) => name)].map((name) => `"${name}"`);
    const excluded = names.map((name) => `excluded.${name}`);
    this.#upsert = `
      INSERT INTO ${dataset} (_seq, ${names.join(", ")})
      VALUES ((SELECT value + 1 FROM sequence), ${names.map(() => "?").join(", ")})
      ON CONFLICT (${this.#key}) DO UPDATE
        SET _seq = excluded._seq, ${names.map((name, i) => `${name} = ${excluded[i]}`).join(", ")}
        WHERE (${names.join(", ")}) IS NOT (${excluded.join(", ")})`;
  }

  /** False: the row is there with exactly these values, and nothing was written. Values in physical order. */
  upsert(key: string, values: readonly SQLInputValue[]): boolean {
    if (this.#database.run(this.#upsert, ...values) === 0) return false;
    this.#database.run("UPDATE sequence SET value = value + 1");
    this.#database.run("DELETE FROM deletions WHERE dataset = ? AND key = ?", this.#dataset, key);
    return true;
  }

  /** Deletes all rows, each as a change of its own. */
  clear(): void {
    const [database, dataset] = [this.#database, this.#dataset];
    database.run(
      `INSERT INTO deletions (dataset, key, seq)
       SELECT ?, ${this.#key}, (SELECT value FROM sequence) + row_number() OVER (ORDER BY _seq) FROM ${dataset}`,
      dataset,
    );
    const rows = database.run(`DELETE FROM ${dataset} WHERE true`);
    database.run("UPDATE sequence SET value = value + ?", rows);
  }

  count(): number {
    return this.#database.get<{ rows: number }>(`SELECT count(*) AS rows FROM ${this.#dataset}`)!.rows;
  }

  /** What changed after `seq`, oldest first: the last change of each key only. */
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
