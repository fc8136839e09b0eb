import type { DatasetName } from "../contract/dataset.ts";
import { compactHex, compactName } from "./compact.ts";
import type { Database } from "./database.ts";
import { KEYS } from "./layout.ts";
import type { MergeManifest, SealManifest, WrittenSegment } from "./manifest.ts";
import { sealedKey } from "./sealed-rows.ts";
import { inRanges, rangesCount } from "./seq-ranges.ts";

export interface ListedSegment extends WrittenSegment {
  readonly id: number;
  readonly dataset: DatasetName | "blobs";
  /** Rows in the file that are no more. */
  readonly dead: number;
}

const LISTED = `
  SELECT s.id, s.dataset, file, s.rows, bytes, count(t.seq) AS dead
  FROM segments s LEFT JOIN batches b ON b.segment = s.id LEFT JOIN tombstones t ON t.batch = b.id
  WHERE retired_at IS NULL GROUP BY s.id ORDER BY s.id`;

const PLACE = "_from_segment, _from_offset, _to_segment, _to_offset, started_at";

interface ExchangeColumns {
  readonly exchange_id: string;
  readonly conversation_id: string | null;
  readonly retry_of: string | null;
  readonly _run: string;
  readonly client_name: string | null;
  readonly projector: string | null;
  readonly decode_status: string;
}

/** The manifest: which files the store consists of, and which of their rows are dead. Methods that write need a transaction. */
export class Segments {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Oldest first. */
  listed(): ListedSegment[] {
    return this.#database.all<ListedSegment>(LISTED);
  }

  /** Goes on when rows are made anew: what was read before must not be committed after. */
  generation(): number {
    return Number(
      this.#database.get<{ value: string }>("SELECT value FROM meta WHERE key = 'generation'")?.value ?? 0,
    );
  }

  /** Milliseconds since 1970; 0 when nothing was ever sealed. */
  lastSealedAt(): number {
    return this.#database.get<{ at: number }>("SELECT coalesce(max(sealed_at), 0) AS at FROM segments")!.at;
  }

  /** Lists the file and removes exactly the rows that are in it. A row that changed meanwhile stays hot; its old version is dead. */
  commitSeal({ dataset, segment, seqs, blobs }: SealManifest, now: number): void {
    const database = this.#database;
    const batch = this.#newBatch(this.#list(dataset, segment, now));
    for (const seq of inRanges(seqs)) {
      const isHot =
        dataset === "ai_gateway_messages" ? this.#indexMessage(batch, seq) : this.#indexExchange(batch, seq);
      if (isHot) database.run(`DELETE FROM ${dataset} WHERE _seq = ?`, seq);
      else database.run("INSERT INTO tombstones VALUES (?, ?, ?)", seq, batch, dataset);
    }
    if (blobs === null) return;
    const id = this.#list("blobs", blobs.segment, now);
    for (const blob of blobs.ids) database.run("UPDATE blobs SET sealed = ? WHERE id = ?", id, blob);
  }

  /** Lists the file in place of those whose rows it has. False: one of them is not listed any more. */
  commitMerge({ dataset, segment, replaces, dropped }: MergeManifest, now: number): boolean {
    const database = this.#database;
    const old = replaces.map((file) =>
      database.get<{ id: number }>("SELECT id FROM segments WHERE file = ? AND retired_at IS NULL", file),
    );
    if (old.some((found) => found === undefined)) return false;
    const id = segment === null ? null : this.#list(dataset, segment, now);
    for (const { id: replaced } of old as { id: number }[]) {
      if (id !== null) database.run("UPDATE batches SET segment = ? WHERE segment = ?", id, replaced);
      if (dataset === "blobs") database.run("UPDATE blobs SET sealed = ? WHERE sealed = ?", id, replaced);
      database.run("UPDATE segments SET retired_at = ? WHERE id = ?", now, replaced);
    }
    for (const seq of inRanges(dropped)) database.run("DELETE FROM tombstones WHERE seq = ?", seq);
    return true;
  }

  /** To be called when rows are made anew. */
  nextGeneration(): void {
    this.#database.run("INSERT OR REPLACE INTO meta VALUES ('generation', ?)", String(this.generation() + 1));
  }

  /** Un-listed at or before `time`. */
  retiredBefore(time: number): string[] {
    return this.#database
      .all<{ file: string }>("SELECT file FROM segments WHERE retired_at <= ? ORDER BY id", time)
      .map(({ file }) => file);
  }

  forget(file: string): void {
    this.#database.run("DELETE FROM segments WHERE file = ? AND retired_at IS NOT NULL", file);
  }

  /** Listed or not yet deleted. */
  files(): Set<string> {
    return new Set(this.#database.all<{ file: string }>("SELECT file FROM segments").map(({ file }) => file));
  }

  #list(dataset: DatasetName | "blobs", { file, rows, bytes }: WrittenSegment, now: number): number {
    return this.#database.get<{ id: number }>(
      "INSERT INTO segments (dataset, file, rows, bytes, sealed_at) VALUES (?, ?, ?, ?, ?) RETURNING id",
      dataset,
      file,
      rows,
      bytes,
      now,
    )!.id;
  }

  #newBatch(segment: number): number {
    return this.#database.get<{ id: number }>(
      "INSERT INTO batches (segment) VALUES (?) RETURNING id",
      segment,
    )!.id;
  }

  #indexMessage(batch: number, seq: number): boolean {
    const row = this.#database.get<{ key: string }>(
      `SELECT ${KEYS.ai_gateway_messages} AS key FROM ai_gateway_messages WHERE _seq = ?`,
      seq,
    );
    if (row === undefined) return false;
    this.#database.run("INSERT INTO sealed_keys VALUES (?, ?, ?)", sealedKey(row.key), batch, seq);
    return true;
  }

  #indexExchange(batch: number, seq: number): boolean {
    const row = this.#database.get<ExchangeColumns>(
      `SELECT exchange_id, conversation_id, retry_of, _run, client_name, projector, decode_status
       FROM ai_gateway_exchanges WHERE _seq = ?`,
      seq,
    );
    if (row === undefined) return false;
    this.#database.run(
      `INSERT INTO sealed_exchanges (seq, batch, exchange_id, kind, conversation_id, retry_of, ${PLACE})
       SELECT _seq, ?, ?, ?, ?, ?, ${PLACE} FROM ai_gateway_exchanges WHERE _seq = ?`,
      batch,
      compactHex(row.exchange_id),
      this.#kindOf(row),
      row.conversation_id === null ? null : compactName(row.conversation_id),
      row.retry_of === null ? null : compactHex(row.retry_of),
      seq,
    );
    return true;
  }

  #kindOf({ _run, client_name, projector, decode_status }: ExchangeColumns): number {
    const kind = [_run, client_name, projector, decode_status];
    const known = this.#database.get<{ kind: number }>(
      `SELECT kind FROM exchange_kinds
       WHERE _run = ? AND client_name IS ? AND projector IS ? AND decode_status = ?`,
      ...kind,
    );
    return (
      known ??
      this.#database.get<{ kind: number }>(
        `INSERT INTO exchange_kinds (_run, client_name, projector, decode_status) VALUES (?, ?, ?, ?) RETURNING kind`,
        ...kind,
      )!
    ).kind;
  }
}

/** Nothing that the manifest says is impossible. Throws Error. */
export function requireWhole({ segment, seqs }: SealManifest): void {
  if (rangesCount(seqs) !== segment.rows)
    throw new Error(`segment ${segment.file} has ${segment.rows} rows for ${rangesCount(seqs)} numbers`);
}
