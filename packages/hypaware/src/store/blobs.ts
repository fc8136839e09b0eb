import { createHash } from "node:crypto";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Database } from "./database.ts";

const PLAIN = 0;
const ZSTD = 1;
/** Shorter texts do not get smaller. */
const COMPRESS_FROM = 128;
/** Consecutive rows repeat the same few values. */
const REMEMBERED = 8;

/** Texts that many rows share, stored once per distinct value. */
export class Blobs {
  readonly #database: Database;
  readonly #recent = new Map<string, number>();

  constructor(database: Database) {
    this.#database = database;
    database.onRollback(() => this.#recent.clear());
  }

  /** The number under which the text is stored, now or before. */
  put(text: string): number {
    const known = this.#recent.get(text);
    if (known !== undefined) return known;
    const hash = createHash("sha256").update(text).digest();
    const id =
      this.#database.get<{ id: number }>("SELECT id FROM blobs WHERE hash = ?", hash)?.id ??
      this.#insert(hash, Buffer.from(text));
    if (this.#recent.size >= REMEMBERED) this.#recent.delete(this.#recent.keys().next().value!);
    this.#recent.set(text, id);
    return id;
  }

  #insert(hash: Buffer, bytes: Buffer): number {
    const [encoding, data] = bytes.length < COMPRESS_FROM ? [PLAIN, bytes] : [ZSTD, zstdCompressSync(bytes)];
    return this.#database.get<{ id: number }>(
      "INSERT INTO blobs (hash, encoding, data) VALUES (?, ?, ?) RETURNING id",
      hash,
      encoding,
      data,
    )!.id;
  }

  /** The number of a text that is stored, by its SHA-256 in hex. */
  named(hash: string): number {
    return this.#database.get<{ id: number }>(
      "SELECT id FROM blobs WHERE hash = ?",
      Buffer.from(hash, "hex"),
    )!.id;
  }

  get(id: number): string {
    const { encoding, data } = this.#database.get<{ encoding: number; data: Uint8Array }>(
      "SELECT encoding, data FROM blobs WHERE id = ?",
      id,
    )!;
    return Buffer.from(encoding === ZSTD ? zstdDecompressSync(data) : data).toString("utf8");
  }
}
