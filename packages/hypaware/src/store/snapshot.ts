import type { DatasetName } from "../contract/dataset.ts";
import { DATASETS } from "../contract/dataset.ts";
import { Blobs } from "./blobs.ts";
import { Database, storeError } from "./database.ts";
import type { Stored } from "./encoding.ts";
import { SealedRows } from "./sealed-rows.ts";
import { Segments } from "./segments.ts";
import type { ListedSegment } from "./segments.ts";

export interface BlobName {
  readonly id: number;
  /** SHA-256 of the text, hex. */
  readonly hash: string;
  /** In a segment, too. */
  readonly isSealed: boolean;
}

/** One committed state of the store, for as long as it is open: everything read from it belongs together. */
export class Snapshot {
  readonly database: Database;
  readonly segments: readonly ListedSegment[];
  readonly generation: number;
  /** Number of the last change. */
  readonly sequence: number;
  readonly #blobs: Blobs;
  #blobNames: readonly BlobName[] | undefined;

  private constructor(database: Database) {
    const segments = new Segments(database);
    this.database = database;
    this.segments = segments.listed();
    this.generation = segments.generation();
    this.sequence = database.get<{ value: number }>("SELECT value FROM sequence")!.value;
    this.#blobs = new Blobs(database);
  }

  /** A store that does not exist yet is an empty one. Throws HypError `store_newer` or `store_damaged`. */
  static open(path: string): Snapshot {
    const database = Database.open(path, { readOnly: true });
    try {
      database.exec("BEGIN"); // the first read begins the snapshot
      return new Snapshot(database);
    } catch (error) {
      database.close();
      throw storeError(path, error);
    }
  }

  /** Hot and sealed. */
  count(dataset: DatasetName): number {
    return this.hotCount(dataset) + new SealedRows(this.database, dataset).count();
  }

  hotCount(dataset: DatasetName): number {
    return this.database.get<{ rows: number }>(`SELECT count(*) AS rows FROM ${dataset}`)!.rows;
  }

  /**
   * The named columns of all hot rows, in the order of their last change; values as `encoding.ts` stores them, in shared
   * columns (`BLOB_COLUMNS`) the number of the text. Nothing that is not named is read.
   */
  scan(dataset: DatasetName, columns: readonly string[]): Iterator<Stored[]> {
    return this.database.iterate(
      `SELECT ${namesOf(dataset, columns)} FROM ${dataset} ORDER BY _seq`,
    ) as Iterator<Stored[]>;
  }

  /** The same of the rows with these numbers, in their order. `_seq` may be named. */
  scanRows(dataset: DatasetName, columns: readonly string[], seqs: readonly number[]): Iterator<Stored[]> {
    return this.database.iterate(
      `SELECT ${namesOf(dataset, columns)} FROM (SELECT value AS wanted FROM json_each(?)) CROSS JOIN ${dataset} ON _seq = wanted`,
      JSON.stringify(seqs),
    ) as Iterator<Stored[]>;
  }

  /** Numbers of the dead rows in segments of the dataset, ascending. */
  tombstones(dataset: DatasetName): number[] {
    return this.database
      .all<{ seq: number }>("SELECT seq FROM tombstones WHERE dataset = ? ORDER BY seq", dataset)
      .map(({ seq }) => seq);
  }

  blobNames(): readonly BlobName[] {
    this.#blobNames ??= this.database
      .all<{ id: number; hash: Uint8Array; sealed: number | null }>(
        "SELECT id, hash, sealed FROM blobs ORDER BY id",
      )
      .map(({ id, hash, sealed }) => ({
        id,
        hash: Buffer.from(hash).toString("hex"),
        isSealed: sealed !== null,
      }));
    return this.#blobNames;
  }

  blob(id: number): string {
    return this.#blobs.get(id);
  }

  close(): void {
    this.database.close();
  }
}

function namesOf(dataset: DatasetName, columns: readonly string[]): string {
  const known = new Set<string>(["_seq", ...DATASETS[dataset].map(({ name }) => name)]);
  const unknown = columns.find((name) => !known.has(name));
  if (unknown !== undefined) throw new Error(`${dataset} has no column ${unknown}`);
  return columns.map((name) => `"${name}"`).join(", ");
}
