import { basename, join } from "node:path";
import { HypError } from "../../contract/errors.ts";
import { Catalog } from "../catalog.ts";
import { type Compact, hexOf, nameOf, roleOf } from "../compact.ts";
import { ClaimedThreads } from "../claimed-threads.ts";
import { Database } from "../database.ts";
import { Exchanges } from "../exchanges.ts";
import type { ExchangeSpan } from "../exchanges.ts";
import type { Snapshot } from "../snapshot.ts";
import { learnRecords } from "./records.ts";

// What the history would be if it were projected now: a catalog of its own, in a folder that does not survive the command.
// Beside the rows it holds what the store says (`stored`), what is to be made anew (`scope_*`), and what that changes
// (`row_changes`, `thread_changes`, `attempt_changes`). The owner of the store reads it there when it commits.

const TABLES = `
-- The exchanges of the store. lost: its frames are not all in the journal any more.
CREATE TABLE stored (
  exchange_id TEXT PRIMARY KEY, started_at INTEGER, conversation_id TEXT, projector TEXT, retry_of TEXT,
  lost INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX stored_conversation ON stored (conversation_id);
-- Conversations of lost exchanges: nothing of them is replayed.
CREATE TABLE kept_conversations (id TEXT PRIMARY KEY) WITHOUT ROWID;

-- Conversations that were joined, and the inferred ones that they were. place: which was first.
CREATE TABLE joined_names (name TEXT PRIMARY KEY, conversation TEXT NOT NULL, place INTEGER NOT NULL) WITHOUT ROWID;

-- unit: what is made anew together or not at all.
CREATE TABLE scope_conversations (key TEXT PRIMARY KEY, unit TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE scope_exchanges (key TEXT PRIMARY KEY, unit TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE row_changes (
  dataset TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, PRIMARY KEY (dataset, key)
) WITHOUT ROWID;
CREATE TABLE thread_changes (conversation_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE attempt_changes (
  scope TEXT NOT NULL, digest TEXT NOT NULL, exchange_id TEXT NOT NULL, kind TEXT NOT NULL,
  PRIMARY KEY (scope, digest, kind)
) WITHOUT ROWID;
-- The id in the store of a node of the scope: that of the node of the same name, else the number-th new one.
CREATE TABLE node_ids (node INTEGER PRIMARY KEY, stored_id INTEGER, number INTEGER NOT NULL);
`;

/** The state of the store that the shadow's changes are relative to, for the one who commits them. */
const BASE = "INSERT OR REPLACE INTO meta VALUES ('base_generation', ?), ('base_sequence', ?)";

/** In the folder of that name in `tmpDir`, and nowhere else. */
export function shadowPath(tmpDir: string, folder: string): string {
  return join(tmpDir, basename(folder), "shadow.sqlite");
}

export class Shadow {
  readonly path: string;
  readonly catalog: Catalog;
  readonly database: Database;
  readonly #threads: ClaimedThreads;
  #base: { readonly generation: number; readonly sequence: number } | undefined;

  /** A new one; `path` is in a folder of the caller's own. */
  constructor(path: string) {
    const database = Database.open(path);
    database.exec("PRAGMA synchronous = OFF"); // nothing here outlives a power cut
    database.exec(TABLES);
    const isStored = (id: string): boolean =>
      database.get(
        "SELECT 1 FROM stored WHERE conversation_id = ?1 UNION SELECT 1 FROM joined_names WHERE name = ?1",
        id,
      ) !== undefined;
    this.path = path;
    this.database = database;
    this.#threads = new ClaimedThreads(database, isStored);
    this.catalog = new Catalog(database, this.#threads);
  }

  /**
   * Reads what the store says of the exchanges that came since the last call. The first call also copies the threads that
   * will be kept, so that others are recognised and named as they were. Throws HypError `store_moved` when the rows were
   * made anew meanwhile.
   */
  learn(snapshot: Snapshot, isInJournal: (span: ExchangeSpan) => boolean): void {
    const { database } = this;
    const { generation, sequence } = snapshot;
    const before = this.#base;
    if (before !== undefined && before.generation !== generation)
      throw new HypError("store_moved", "Another reprojection has changed the store meanwhile.");
    database.transaction(() => {
      for (const place of new Exchanges(snapshot.database).placesSince(before?.sequence ?? 0)) {
        database.run(
          "INSERT OR REPLACE INTO stored VALUES (?, ?, ?, ?, ?, ?)",
          place.exchangeId,
          place.startedAt,
          place.conversationId,
          place.projector,
          place.retryOf,
          isInJournal(place.span) ? 0 : 1,
        );
      }
      database.exec(
        `INSERT OR IGNORE INTO kept_conversations
         SELECT conversation_id FROM stored WHERE lost = 1 AND conversation_id IS NOT NULL`,
      );
      this.#learnJoins(snapshot.database);
      if (before === undefined) this.#copyKept(snapshot.database);
      this.catalog.contexts.copyFrom(snapshot.database);
      learnRecords(database, snapshot.database);
      database.run(BASE, String(generation), String(sequence));
    });
    this.#base = { generation, sequence };
  }

  /** Stays as it is: some of its conversation's raw history is gone. */
  isKept(exchangeId: string): boolean {
    return this.#stored(exchangeId)?.kept === 1;
  }

  /** To be told before an exchange is replayed: what the store says of it keeps its names where it can. */
  begin(exchangeId: string): void {
    const stored = this.#stored(exchangeId);
    const retryOf = stored?.retry_of ?? null;
    this.#threads.claim(
      stored?.conversation_id == null
        ? []
        : [stored.conversation_id, ...this.#joinedTo(stored.conversation_id)],
      // Nobody else can tell of an attempt that is not replayed.
      retryOf !== null && this.isKept(retryOf) ? retryOf : null,
    );
  }

  #stored(
    exchangeId: string,
  ): { conversation_id: string | null; retry_of: string | null; kept: number } | undefined {
    return this.database.get(
      `SELECT conversation_id, retry_of,
         lost OR EXISTS (SELECT 1 FROM kept_conversations WHERE id = conversation_id) AS kept
       FROM stored WHERE exchange_id = ?`,
      exchangeId,
    );
  }

  countStored(): number {
    return this.database.get<{ rows: number }>("SELECT count(*) AS rows FROM stored")!.rows;
  }

  /** Replays exchanges, as one transaction. */
  replay<T>(work: () => Promise<T>): Promise<T> {
    return this.database.longTransaction(work);
  }

  close(): void {
    this.database.close();
  }

  #learnJoins(store: Database): void {
    this.database.exec("DELETE FROM joined_names");
    for (const { name, conversation, place } of store.all<{
      name: string;
      conversation: string;
      place: number;
    }>(
      `SELECT j.id AS name, c.id AS conversation, j.number AS place
       FROM conversations j JOIN conversations c ON c.number = j.joined`,
    ))
      this.database.run("INSERT INTO joined_names VALUES (?, ?, ?)", name, conversation, place);
  }

  #joinedTo(conversationId: string): readonly string[] {
    return this.database
      .all<{ name: string }>(
        "SELECT name FROM joined_names WHERE conversation = ? ORDER BY place",
        conversationId,
      )
      .map(({ name }) => name);
  }

  /** Conversations that this kept one was: what continues them continues it. */
  #copyJoined(store: Database, id: string): void {
    for (const name of this.#joinedTo(id))
      this.database.run(
        `INSERT INTO conversations (id, base, inferred, started_at, joined)
         SELECT ?1, ?2, ?3, ?4, number FROM conversations WHERE id = ?5`,
        name,
        ...rowOf(store, name),
        id,
      );
  }

  #copyKept(store: Database): void {
    const { database, catalog } = this;
    // A predecessor in a conversation that is not kept has no copy: its negative id is nobody's.
    const ids = new Map<number, number>();
    for (const { id } of database.all<{ id: string }>("SELECT id FROM kept_conversations")) {
      const conversation = store.get<{ number: number; started_at: string; base: string; inferred: number }>(
        "SELECT number, started_at, base, inferred FROM conversations WHERE id = ?",
        id,
      );
      if (conversation === undefined) continue;
      const { number, base, inferred, started_at: startedAt } = conversation;
      catalog.threads.addConversation({ id, base, inferred: inferred === 1, startedAt, failedLeaf: null });
      this.#copyJoined(store, id);
      for (const node of store.all<NodeColumns>(
        "SELECT * FROM nodes WHERE conversation = ? ORDER BY id",
        number,
      )) {
        const { id: copy } = catalog.threads.add({
          conversationId: id,
          predecessor: ids.get(node.predecessor) ?? -node.predecessor,
          matchKey: hexOf(node.match_key),
          messageId: nameOf(node.message_id),
          role: roleOf(node.role),
          depth: node.depth,
          isAnswer: node.is_answer === 1,
        });
        ids.set(node.id, copy);
      }
      for (const { call, name } of store.all<{ call: Uint8Array; name: string }>(
        "SELECT call, name FROM tool_names WHERE conversation = ?",
        number,
      ))
        database.run(
          "INSERT INTO tool_names SELECT number, ?, ? FROM conversations WHERE id = ?",
          call,
          name,
          id,
        );
      for (const { response, node } of store.all<{ response: Uint8Array; node: number }>(
        "SELECT r.id AS response, node FROM nodes n JOIN responses r ON r.node = n.id WHERE conversation = ?",
        number,
      ))
        database.run("INSERT INTO responses VALUES (?, ?)", response, ids.get(node)!);
    }
    for (const { id, failed_leaf: leaf } of store.all<{ id: string; failed_leaf: number }>(
      "SELECT id, failed_leaf FROM conversations WHERE failed_leaf IS NOT NULL",
    )) {
      const copy = ids.get(leaf);
      if (copy !== undefined) catalog.threads.setFailedLeaf(id, copy);
    }
    for (const attempt of store.all<{ scope: string; digest: string; exchange_id: string }>(
      "SELECT scope, digest, exchange_id FROM failed_attempts",
    )) {
      const { scope, digest, exchange_id: exchangeId } = attempt;
      if (this.isKept(exchangeId)) catalog.threads.rememberAttempt(scope, digest, exchangeId, true);
    }
  }
}

function rowOf(store: Database, id: string): readonly [string, number, string] {
  const row = store.get<{ base: string; inferred: number; started_at: string }>(
    "SELECT base, inferred, started_at FROM conversations WHERE id = ?",
    id,
  )!;
  return [row.base, row.inferred, row.started_at];
}

interface NodeColumns {
  readonly id: number;
  readonly predecessor: number;
  readonly match_key: Compact;
  readonly message_id: Compact;
  readonly role: string | number;
  readonly depth: number;
  readonly is_answer: number;
}
