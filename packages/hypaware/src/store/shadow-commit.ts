import { setImmediate as otherWork } from "node:timers/promises";
import type { SQLInputValue } from "node:sqlite";
import type { DatasetName } from "../contract/dataset.ts";
import { Blobs } from "./blobs.ts";
import { Database } from "./database.ts";
import type { DatasetTable } from "./dataset-table.ts";
import { Exchanges, SPAN_COLUMNS } from "./exchanges.ts";
import { BLOB_COLUMNS, KEYS, storedColumns } from "./layout.ts";
import type { Segments } from "./segments.ts";

// What a shadow differs in goes to the store, in one transaction and only if nothing of it has moved on since. Everything is read
// row by row from the shadow; the engine is not needed, and of the store only what changes is touched.

/** `stale`: the store has moved on in the scope, nothing was changed; the shadow must learn and compare again. */
export type ShadowCommit = "committed" | "stale";

export interface CommitTarget {
  readonly database: Database;
  readonly blobs: Blobs;
  readonly segments: Segments;
  readonly tables: Readonly<Record<DatasetName, DatasetTable>>;
}

/** Between two looks at what else the process has to do: its sign of life must not fall silent. */
const BREATH_ROWS = 500;
const EXTRA_COLUMNS: Readonly<Record<DatasetName, readonly string[]>> = {
  ai_gateway_messages: [],
  ai_gateway_exchanges: SPAN_COLUMNS,
};

class Stale extends Error {}

/** For who holds the recorder's lock; the connection must have no other user until it ends. */
export async function commitShadow(target: CommitTarget, path: string): Promise<ShadowCommit> {
  const shadow = Database.open(path, { readOnly: true });
  try {
    await target.database.longTransaction(async () => {
      requireFresh(target, shadow);
      for (const dataset of Object.keys(target.tables) as DatasetName[])
        await commitRows(target, shadow, dataset);
      await commitThreads(target.database, shadow);
      commitAttempts(target.database, shadow);
      target.segments.nextGeneration();
    });
    return "committed";
  } catch (error) {
    if (error instanceof Stale) return "stale";
    throw error;
  } finally {
    shadow.close();
  }
}

/** No other reprojection came first, and no exchange to a conversation of the scope. */
function requireFresh({ database, segments }: CommitTarget, shadow: Database): void {
  const base = (name: string): number =>
    Number(shadow.get<{ value: string }>("SELECT value FROM meta WHERE key = ?", `base_${name}`)!.value);
  if (segments.generation() !== base("generation")) throw new Stale();
  const inScope = shadow.prepare("SELECT 1 FROM scope_conversations WHERE key = ?");
  for (const { conversationId } of new Exchanges(database).placesSince(base("sequence")))
    if (conversationId !== null && inScope.get(conversationId) !== undefined) throw new Stale();
}

async function commitRows(
  { tables, blobs }: CommitTarget,
  shadow: Database,
  dataset: DatasetName,
): Promise<void> {
  const table = tables[dataset];
  const removed = shadow.iterate(
    "SELECT key FROM row_changes WHERE dataset = ? AND kind = 'removed'",
    dataset,
  ) as Iterator<[string]>;
  await eachRow(removed, ([key]) => void table.remove(key));

  const names = [...EXTRA_COLUMNS[dataset], ...storedColumns(dataset).map(({ name }) => name)];
  const shared = names.flatMap((name, i) => (BLOB_COLUMNS.has(name) ? [i] : []));
  const texts = new Blobs(shadow);
  const written = shadow.iterate(
    `SELECT c.key, ${names.map((name) => `r."${name}"`).join(", ")}
     FROM row_changes c JOIN ${dataset} r ON r.${KEYS[dataset]} = c.key
     WHERE c.dataset = ? AND c.kind <> 'removed' ORDER BY r._seq`,
    dataset,
  ) as Iterator<[string, ...SQLInputValue[]]>;
  await eachRow(written, ([key, ...values]) => {
    for (const i of shared) if (values[i] !== null) values[i] = blobs.put(texts.get(values[i] as number));
    table.upsert(key, values);
  });
}

/** Old nodes go first, so that names and places are free; then new ones come below those that were there before them. */
async function commitThreads(store: Database, shadow: Database): Promise<void> {
  const changes = shadow.all<{ id: string }>("SELECT conversation_id AS id FROM thread_changes");
  const numberOf = (id: string): number | undefined =>
    store.get<{ number: number }>("SELECT number FROM conversations WHERE id = ?", id)?.number;
  const firstNew =
    store.get<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'nodes'")?.seq ?? 0;
  const idOf = (stored: number | null, number: number | null): number =>
    stored ?? (number === null ? 0 : firstNew + number);

  for (const { id } of changes) {
    const number = numberOf(id);
    if (number !== undefined)
      for (const table of ["nodes", "tool_names"])
        store.run(`DELETE FROM ${table} WHERE conversation = ?`, number);
    const now = shadow.get<{ base: string; inferred: number; started_at: string }>(
      "SELECT base, inferred, started_at FROM conversations WHERE id = ?",
      id,
    );
    if (now === undefined) store.run("DELETE FROM conversations WHERE id = ?", id);
    else
      store.run(
        `INSERT INTO conversations (id, base, inferred, started_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET base = ?2, inferred = ?3, started_at = ?4, failed_leaf = NULL`,
        id,
        now.base,
        now.inferred,
        now.started_at,
      );
  }

  type Node = [
    number | null,
    number,
    number | null,
    number | null,
    string,
    string,
    string,
    string,
    number,
    number,
  ];
  const nodes = shadow.iterate(
    `SELECT i.stored_id, i.number, p.stored_id, p.number, c.id, match_key, message_id, role, depth, is_answer
     FROM nodes n JOIN conversations c ON c.number = n.conversation JOIN thread_changes t ON t.conversation_id = c.id
     JOIN node_ids i ON i.node = n.id LEFT JOIN node_ids p ON p.node = n.predecessor ORDER BY n.id`,
  ) as Iterator<Node>;
  const isTaken = store.prepare("SELECT 1 FROM nodes WHERE message_id = ?");
  await eachRow(
    nodes,
    ([stored, number, before, beforeNumber, conversation, key, name, role, depth, isAnswer]) => {
      // Somebody else's new message took the name since the comparison.
      if (isTaken.get(name) !== undefined) throw new Stale();
      store.run(
        `INSERT INTO nodes (id, conversation, predecessor, match_key, message_id, role, depth, is_answer, inferred)
       SELECT ?, number, ?, ?, ?, ?, ?, ?, inferred FROM conversations WHERE id = ?`,
        idOf(stored, number),
        idOf(before, beforeNumber),
        key,
        name,
        role,
        depth,
        isAnswer,
        conversation,
      );
    },
  );

  for (const { id } of changes) {
    const leaf = shadow.get<{ stored: number | null; number: number }>(
      `SELECT stored_id AS stored, i.number FROM conversations c JOIN node_ids i ON node = failed_leaf WHERE id = ?`,
      id,
    );
    if (leaf !== undefined)
      store.run("UPDATE conversations SET failed_leaf = ? WHERE id = ?", idOf(leaf.stored, leaf.number), id);
    const number = numberOf(id);
    if (number === undefined) continue;
    for (const { call, name } of shadow.all<{ call: string; name: string }>(
      `SELECT call_id AS call, name FROM tool_names
       WHERE conversation = (SELECT number FROM conversations WHERE id = ?)`,
      id,
    ))
      store.run("INSERT INTO tool_names VALUES (?, ?, ?)", number, call, name);
  }
}

/** Where two exchanges outside and inside of the scope failed with the same request, the stored one counts: it is the later one. */
function commitAttempts(store: Database, shadow: Database): void {
  for (const { scope, digest, id, kind } of shadow.all<Record<"scope" | "digest" | "id" | "kind", string>>(
    "SELECT scope, digest, exchange_id AS id, kind FROM attempt_changes ORDER BY kind DESC",
  ))
    store.run(
      kind === "removed"
        ? "DELETE FROM failed_attempts WHERE scope = ? AND digest = ? AND exchange_id = ?"
        : "INSERT OR IGNORE INTO failed_attempts VALUES (?, ?, ?)",
      scope,
      digest,
      id,
    );
}

async function eachRow<Row>(rows: Iterator<Row>, work: (row: Row) => void): Promise<void> {
  let count = 0;
  for (let next = rows.next(); next.done !== true; next = rows.next()) {
    work(next.value);
    if (++count % BREATH_ROWS === 0) await otherWork();
  }
}
