import { DATASETS } from "../contract/dataset.ts";
import type { DatasetName } from "../contract/dataset.ts";
import { Blobs } from "./blobs.ts";
import { Database, storeError } from "./database.ts";
import type { Stored } from "./encoding.ts";

/** One committed state of the store, for as long as it is open: everything read from it belongs together. */
export class Snapshot {
  readonly #database: Database;
  readonly #blobs: Blobs;

  private constructor(database: Database) {
    this.#database = database;
    this.#blobs = new Blobs(database);
  }

  /** A store that does not exist yet is an empty one. Throws HypError `store_newer` or `store_damaged`. */
  static open(path: string): Snapshot {
    const database = Database.open(path, { readOnly: true });
    try {
      database.exec("BEGIN");
      database.get("SELECT value FROM sequence"); // BEGIN alone waits with the snapshot for the first read
      return new Snapshot(database);
    } catch (error) {
      database.close();
      throw storeError(path, error);
    }
  }

  count(dataset: DatasetName): number {
    return this.#database.get<{ rows: number }>(`SELECT count(*) AS rows FROM ${dataset}`)!.rows;
  }

  /**
   * The named columns of all rows, in the order of their last change; values as `encoding.ts` stores them, in shared columns
   * (`BLOB_COLUMNS`) the number of the text. Nothing that is not named is read.
   */
  scan(dataset: DatasetName, columns: readonly string[]): Iterator<Stored[]> {
    const known = new Set<string>(DATASETS[dataset].map(({ name }) => name));
    const unknown = columns.find((name) => !known.has(name));
    if (unknown !== undefined) throw new Error(`${dataset} has no column ${unknown}`);
    const names = columns.map((name) => `"${name}"`).join(", ");
    return this.#database.iterate(`SELECT ${names} FROM ${dataset} ORDER BY _seq`) as Iterator<Stored[]>;
  }

  /** Numbers of the shared texts. */
  blobIds(): number[] {
    return this.#database.all<{ id: number }>("SELECT id FROM blobs ORDER BY id").map(({ id }) => id);
  }

  blob(id: number): string {
    return this.#blobs.get(id);
  }

  close(): void {
    this.#database.close();
  }
}
