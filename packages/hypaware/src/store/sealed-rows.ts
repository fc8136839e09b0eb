import { hash } from "node:crypto";
import type { DatasetName } from "../contract/dataset.ts";
import { compactHex } from "./compact.ts";
import type { Database } from "./database.ts";

const KEY_BYTES = 9;

/** What the index knows a message row by: short, and two rows of any history never share one. */
export function sealedKey(partId: string): Buffer {
  return hash("sha256", partId, "buffer").subarray(0, KEY_BYTES);
}

interface Place {
  readonly batch: number;
  readonly seq: number;
}

/**
 * Which keys of a dataset are sealed. A key is hot or sealed or neither, never both: whoever writes it hot buries the sealed
 * version in the same transaction.
 */
export class SealedRows {
  readonly #database: Database;
  readonly #dataset: DatasetName;
  readonly #place: string;
  readonly #delete: string;

  constructor(database: Database, dataset: DatasetName) {
    this.#database = database;
    this.#dataset = dataset;
    const row =
      dataset === "ai_gateway_messages"
        ? "FROM sealed_keys WHERE key = ?"
        : "FROM sealed_exchanges WHERE exchange_id = ?";
    this.#place = `SELECT batch, seq ${row}`;
    this.#delete = `DELETE ${row}`;
  }

  /** Of message rows. `seq`: in this version. */
  has(partId: string, seq?: number): boolean {
    const place = this.#database.get<Pick<Place, "seq">>(
      "SELECT seq FROM sealed_keys WHERE key = ?",
      sealedKey(partId),
    );
    return place !== undefined && (seq === undefined || place.seq === seq);
  }

  /** The sealed version of the row is no more. False: there was none. */
  bury(key: string): boolean {
    const name = this.#dataset === "ai_gateway_messages" ? sealedKey(key) : compactHex(key);
    // Nearly all are new: looking is cheaper than deleting nothing.
    const place = this.#database.get<Place>(this.#place, name);
    if (place === undefined) return false;
    this.#database.run(this.#delete, name);
    this.#database.run("INSERT INTO tombstones VALUES (?, ?, ?)", place.seq, place.batch, this.#dataset);
    return true;
  }

  /** Of segments that are listed and of rows that are alive. */
  count(): number {
    return this.#database.get<{ rows: number }>(
      `SELECT (SELECT coalesce(sum(rows), 0) FROM segments WHERE dataset = ?1 AND retired_at IS NULL)
         - (SELECT count(*) FROM tombstones WHERE dataset = ?1) AS rows`,
      this.#dataset,
    )!.rows;
  }
}
