import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { RecordEntry } from "../contract/record.ts";
import type { Database } from "./database.ts";

// Entries as they were read, many in one compressed pack: neighbours repeat each other, and one context of zstd costs more than
// a small entry. A pack holds entries of one conversation, so that it goes with it.

/** What `record_messages.payload` holds: a pack's id and the place in it as one number; of older stores the entry itself. */
export type PayloadRef = number | Uint8Array;

const PACK_ENTRIES = 256;
const PACK_CHARS = 128 * 1024;
/** Links and lookups go through a conversation in its order. */
const KEPT_PACKS = 2;

interface Pack {
  readonly id: number;
  readonly texts: string[];
  chars: number;
}

export class RecordPayloads {
  readonly #database: Database;
  /** By conversation; not written yet. */
  readonly #open = new Map<string, Pack>();
  /** Of the packs that were written last: they are asked for at once. */
  readonly #fresh = new Map<number, RecordEntry>();
  readonly #kept = new Map<number, readonly RecordEntry[]>();
  #nextId: number | undefined;

  constructor(database: Database) {
    this.#database = database;
    database.onRollback(() => {
      for (const known of [this.#open, this.#fresh, this.#kept]) known.clear();
      this.#nextId = undefined;
    });
  }

  /** Begins a batch. It is stored when `end` returns. */
  begin(): void {
    this.#fresh.clear();
    const { last } = this.#database.get<{ last: number }>(
      "SELECT coalesce(max(id), 0) AS last FROM record_packs",
    )!;
    this.#nextId = last + 1;
  }

  add(entry: RecordEntry): PayloadRef {
    const { conversation_id: conversation } = entry;
    let pack = this.#open.get(conversation);
    if (pack === undefined) {
      pack = { id: this.#nextId!, texts: [], chars: 0 };
      this.#nextId = pack.id + 1;
      this.#open.set(conversation, pack);
    }
    const ref = pack.id * PACK_ENTRIES + pack.texts.length;
    const text = JSON.stringify(entry);
    pack.texts.push(text);
    pack.chars += text.length;
    this.#fresh.set(ref, entry);
    if (pack.texts.length === PACK_ENTRIES || pack.chars >= PACK_CHARS) this.#write(conversation, pack);
    return ref;
  }

  end(): void {
    for (const [conversation, pack] of this.#open) this.#write(conversation, pack);
  }

  get(ref: PayloadRef): RecordEntry {
    if (typeof ref !== "number") return JSON.parse(zstdDecompressSync(ref).toString("utf8")) as RecordEntry;
    return this.#fresh.get(ref) ?? this.#entriesOf(Math.floor(ref / PACK_ENTRIES))[ref % PACK_ENTRIES]!;
  }

  #write(conversation: string, { id, texts }: Pack): void {
    this.#database.run(
      "INSERT INTO record_packs VALUES (?, ?)",
      id,
      zstdCompressSync(`[${texts.join(",")}]`, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
    );
    this.#open.delete(conversation);
  }

  #entriesOf(id: number): readonly RecordEntry[] {
    const known = this.#kept.get(id);
    if (known !== undefined) return known;
    const { data } = this.#database.get<{ data: Uint8Array }>(
      "SELECT data FROM record_packs WHERE id = ?",
      id,
    )!;
    const entries = JSON.parse(zstdDecompressSync(data).toString("utf8")) as RecordEntry[];
    if (this.#kept.size >= KEPT_PACKS) this.#kept.delete(this.#kept.keys().next().value!);
    this.#kept.set(id, entries);
    return entries;
  }
}
