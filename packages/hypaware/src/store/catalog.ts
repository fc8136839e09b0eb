import { statSync } from "node:fs";
import type { DatasetName, ExchangeRow, MessageRow } from "../contract/dataset.ts";
import type { RecordedPart } from "../projection/recorded-row.ts";
import type { ThreadNode, ThreadStore } from "../contract/thread.ts";
import { Blobs } from "./blobs.ts";
import { Cursors } from "./cursors.ts";
import type { RunCursor } from "./cursors.ts";
import { Database } from "./database.ts";
import type { Change } from "./dataset-table.ts";
import type { Stored } from "./encoding.ts";
import { joinThreads } from "./join-threads.ts";
import { Exchanges } from "./exchanges.ts";
import type { ClientCount, ExchangeSpan, StoredExchange } from "./exchanges.ts";
import { Messages } from "./messages.ts";
import { Meta } from "./meta.ts";
import { NoteFiles } from "./note-files.ts";
import { Quarantine } from "./quarantine.ts";
import { RecordRoots } from "./record-roots.ts";
import { Records } from "./records.ts";
import { Segments } from "./segments.ts";
import { SessionContexts } from "./session-contexts.ts";
import { commitShadow } from "./shadow/commit.ts";
import type { ShadowCommit } from "./shadow/commit.ts";
import { settledFacts } from "./settled.ts";
import type { SettledFacts } from "./settled.ts";
import { Threads } from "./threads.ts";

export interface StoreCounts {
  readonly exchanges: number;
  readonly rows: number;
  /** Exchanges whose `decode_status` is no_projector, failed or pending. */
  readonly unprojected: number;
  readonly quarantined: number;
  /** The catalog with its write-ahead log, and the listed segments. */
  readonly storeBytes: number;
}

/**
 * The recorder's memory: rows, seen-state and cursors in one SQLite file, so that they move in one transaction and every
 * exchange is projected exactly once. One process writes (whoever holds the recorder's lock), any number read.
 */
export class Catalog {
  readonly threads: ThreadStore;
  readonly meta: Meta;
  /** The sealed part of the store. */
  readonly segments: Segments;
  readonly contexts: SessionContexts;
  readonly noteFiles: NoteFiles;
  readonly records: Records;
  readonly recordRoots: RecordRoots;
  readonly #database: Database;
  readonly #blobs: Blobs;
  readonly #messages: Messages;
  readonly #exchanges: Exchanges;
  readonly #cursors: Cursors;
  readonly #quarantine: Quarantine;
  readonly #threads: Threads;

  constructor(database: Database, threads = new Threads(database)) {
    this.#threads = threads;
    this.threads = threads;
    this.meta = new Meta(database);
    this.segments = new Segments(database);
    this.#database = database;
    this.#blobs = new Blobs(database);
    this.#messages = new Messages(database, this.#blobs);
    this.#exchanges = new Exchanges(database);
    this.#cursors = new Cursors(database);
    this.#quarantine = new Quarantine(database);
    this.contexts = new SessionContexts(database, this.#exchanges, this.#messages);
    this.noteFiles = new NoteFiles(database);
    this.records = new Records(database);
    this.recordRoots = new RecordRoots(database);
  }

  /** Everything `work` writes becomes visible at once, or nothing when it throws. */
  transaction<T>(work: () => T): T {
    return this.#database.transaction(work);
  }

  /** Every message of a conversation that exchanges brought, oldest first. */
  threadNodes(conversationId: string): readonly ThreadNode[] {
    return this.#threads.of(conversationId);
  }

  /** When a conversation and those that were joined to it began, milliseconds since 1970. */
  beginnings(conversationId: string): readonly number[] {
    return this.#threads.beginnings(conversationId);
  }

  /**
   * What was inferred is from now on this conversation of a client's record: messages and exchanges. Rows of messages stay for the caller:
   * gives the names of those that are no more. Needs a transaction.
   */
  joinConversation(
    inferred: string,
    conversationId: string,
    sessionId: string | undefined,
  ): readonly string[] {
    const gone = joinThreads(this.#database, inferred, conversationId);
    this.#threads.forgetKnown();
    this.#exchanges.rejoin(inferred, conversationId, sessionId);
    return gone;
  }

  /** A sealed exchange with these values is hot again, under the name that its conversation has now. Needs a transaction. */
  unsealExchange(seq: number, values: readonly Stored[]): void {
    this.#exchanges.unseal(seq, values, (id) => {
      const known = this.threads.conversation(id);
      return known && { id: known.id, sessionId: this.records.session(known.id) };
    });
  }

  cursor(runId: string): RunCursor | undefined {
    return this.#cursors.get(runId);
  }

  setCursor(runId: string, cursor: RunCursor): void {
    this.#cursors.set(runId, cursor);
  }

  cursors(): ReadonlyMap<string, RunCursor> {
    return this.#cursors.all();
  }

  hasExchange(id: string): boolean {
    return this.#exchanges.has(id);
  }

  /** Inserts, or replaces the row of the same `exchange_id`. */
  putExchange(row: ExchangeRow, span: ExchangeSpan): void {
    this.#exchanges.put(row, span);
  }

  /** By id, or by the beginning of one. */
  exchange(idOrPrefix: string): StoredExchange | "ambiguous" | undefined {
    return this.#exchanges.find(idOrPrefix);
  }

  /** Exchanges written after `seq`, in the order of writing; for followers. */
  exchangesSince(seq: number, limit: number): readonly { readonly seq: number; readonly row: ExchangeRow }[] {
    return this.#exchanges.since(seq, limit);
  }

  /** Where to start `exchangesSince` to see the last `count` of them first. */
  seqOfLastExchanges(count: number): number {
    return this.#exchanges.seqOfLast(count);
  }

  /** Upserts by `part_id`; how many rows are new or changed. An equal row changes nothing. */
  putRows(rows: readonly MessageRow[]): number {
    return this.#messages.put(rows);
  }

  /** By `part_id`, hot or sealed; each is a change. How many were there. */
  deleteRows(partIds: readonly string[]): number {
    return this.#messages.delete(partIds);
  }

  /** Changes what a link may change in the hot rows of a message. False: it has none. Needs a transaction. */
  recast(messageId: string, change: (part: RecordedPart) => RecordedPart): boolean {
    return this.#messages.recast(messageId, change);
  }

  /** A sealed row with this number is hot again with the values that it has. Nothing when it was changed since. Needs a transaction. */
  unsealRow(seq: number, values: readonly Stored[]): void {
    this.#messages.unseal(seq, values);
  }

  isSealed(messageId: string): boolean {
    return this.#messages.isSealedMessage(messageId);
  }

  /** Hot or sealed. Needs a transaction. */
  deleteMessage(messageId: string): void {
    this.#messages.deleteMessage(messageId);
  }

  /** What changed in the messages after `seq` and is hot or gone, oldest first; of several changes of one row the last. */
  changes(seq: number, limit: number): readonly Change[] {
    return this.#messages.changes(seq, limit);
  }

  /** Durable before it returns; how often this exchange's projection alone has begun without an end. Not inside a transaction. */
  beginAttempt(exchangeId: string): number {
    return this.#quarantine.begin(exchangeId);
  }

  /** Durable before it returns: these are projected together, and none is counted. Not inside a transaction. */
  noteAttempts(exchangeIds: readonly string[]): void {
    this.#quarantine.note(exchangeIds);
  }

  /** Exchanges whose projection has begun, alone or with others, without an end. */
  attempted(): readonly string[] {
    return this.#quarantine.begun();
  }

  endAttempts(exchangeIds: readonly string[]): void {
    this.#quarantine.end(exchangeIds);
  }

  /** Ids of the exchanges that were set aside, oldest first. */
  quarantined(): readonly string[] {
    return this.#exchanges.withStatus("quarantined");
  }

  counts(): StoreCounts {
    return {
      exchanges: this.#exchanges.count(),
      rows: this.#messages.count(),
      unprojected: this.#exchanges.unprojected(),
      quarantined: this.quarantined().length,
      storeBytes: this.segments
        .listed()
        .reduce(
          (sum, { bytes }) => sum + bytes,
          sizeOf(this.#database.path) + sizeOf(`${this.#database.path}-wal`),
        ),
    };
  }

  /** Hot and sealed. */
  rowCount(dataset: DatasetName): number {
    return dataset === "ai_gateway_messages" ? this.#messages.count() : this.#exchanges.count();
  }

  /** Hot rows that are not expected to change. `before`: milliseconds since 1970. */
  settled(dataset: DatasetName, before: number): SettledFacts {
    return settledFacts(this.#database, dataset, before);
  }

  /** Start of the newest exchange, ISO 8601. */
  lastExchangeAt(): string | null {
    return this.#exchanges.lastAt();
  }

  /** Most exchanges first. */
  clients(): readonly ClientCount[] {
    return this.#exchanges.clients();
  }

  /**
   * What a reprojection found to be other than it is stored, as one transaction. Readers see the old rows until then; the
   * caller must not use the catalog otherwise while it lasts.
   */
  async commitShadow(path: string): Promise<ShadowCommit> {
    const tables = { ai_gateway_messages: this.#messages, ai_gateway_exchanges: this.#exchanges };
    const target = { database: this.#database, blobs: this.#blobs, segments: this.segments, tables };
    try {
      return await commitShadow(target, path);
    } finally {
      this.#threads.forgetKnown();
    }
  }

  /** Commits so far survive a power cut. False: not yet, because of readers. */
  makeDurable(): boolean {
    return this.#database.makeDurable();
  }

  /** Gives back the disk that sealed rows left free, but for so much. */
  shrink(keepBytes: number): void {
    this.#database.shrink(keepBytes);
  }

  close(): void {
    this.#database.close();
  }
}

/**
 * Opens the catalog, made on first use with mode 0600; its folder must exist. Read-only, a store that is not there yet reads
 * as an empty one. Throws HypError `store_newer` or `store_damaged`.
 */
export function openCatalog(path: string, options: { readonly readOnly?: boolean } = {}): Catalog {
  return new Catalog(Database.open(path, options));
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
