import { type Compact, nodeNamed } from "../compact.ts";
import type { Database } from "../database.ts";
import { eachRow } from "../each-row.ts";
import { commitLinks, forgetLinks } from "./records.ts";

// What identity remembers, from the shadow to the store: only the conversations that `compareThreads` found to differ. A node
// whose name was there keeps its id, so that what is not made anew still means the same message.

/** The store's id of a node: that of the stored one of its name, else the number-th after all that there ever were. */
export interface NodeIds {
  of(storedId: number | null, number: number | null): number;
}

/** Needs the caller's transaction. False: another new message has one of the names since the comparison; roll back. */
export async function commitThreads(store: Database, shadow: Database): Promise<boolean> {
  const changed = shadow
    .all<{ id: string }>("SELECT conversation_id AS id FROM thread_changes")
    .map(({ id }) => id);
  const last = store.get<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'nodes'")?.seq ?? 0;
  const ids: NodeIds = { of: (storedId, number) => storedId ?? (number === null ? 0 : last + number) };
  forgetLinks(store, shadow);
  // All old nodes go first, so that names and places are free.
  for (const id of changed) replaceConversation(store, shadow, id);
  if (!(await addNodes(store, shadow, ids))) return false;
  for (const id of changed) {
    setJoined(store, shadow, id);
    setFailedLeaf(store, shadow, ids, id);
    addTools(store, shadow, id);
    addResponses(store, shadow, ids, id);
  }
  commitAttempts(store, shadow);
  await commitLinks(store, shadow, ids);
  return true;
}

const numberOf = (database: Database, id: string): number | undefined =>
  database.get<{ number: number }>("SELECT number FROM conversations WHERE id = ?", id)?.number;

/** Leaves the conversation without nodes, tools and responses, or none where the shadow has none. */
function replaceConversation(store: Database, shadow: Database, id: string): void {
  const number = numberOf(store, id) ?? null;
  store.run("DELETE FROM responses WHERE node IN (SELECT id FROM nodes WHERE conversation = ?)", number);
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

interface NewNode {
  readonly storedId: number | null;
  readonly number: number;
  /** The same of its predecessor; both null at a root. */
  readonly beforeStoredId: number | null;
  readonly beforeNumber: number | null;
  readonly name: Compact;
  readonly conversation: string;
  readonly matchKey: Compact;
  readonly role: string | number;
  readonly depth: number;
  readonly isAnswer: number;
}

/** Predecessors before their children. */
function addNodes(store: Database, shadow: Database, ids: NodeIds): Promise<boolean> {
  const nodes = shadow
    .prepare(
      `SELECT i.stored_id AS storedId, i.number, p.stored_id AS beforeStoredId, p.number AS beforeNumber,
         message_id AS name, c.id AS conversation, match_key AS matchKey, role, depth, is_answer AS isAnswer
       FROM nodes n JOIN conversations c ON c.number = n.conversation
       JOIN thread_changes t ON t.conversation_id = c.id
       JOIN node_ids i ON i.node = n.id LEFT JOIN node_ids p ON p.node = n.predecessor ORDER BY n.id`,
    )
    .iterate() as unknown as Iterator<NewNode>;
  const isTaken = store.prepare(`SELECT 1 FROM nodes WHERE ${nodeNamed("?1")}`);
  return eachRow(nodes, (node) => {
    if (isTaken.get(node.name) !== undefined) return false;
    store.run(
      `INSERT INTO nodes (id, conversation, predecessor, match_key, message_id, role, depth, is_answer, inferred)
       SELECT ?, number, ?, ?, ?, ?, ?, ?, inferred FROM conversations WHERE id = ?`,
      ids.of(node.storedId, node.number),
      ids.of(node.beforeStoredId, node.beforeNumber),
      node.matchKey,
      node.name,
      node.role,
      node.depth,
      node.isAnswer,
      node.conversation,
    );
    return true;
  });
}

function setJoined(store: Database, shadow: Database, id: string): void {
  const joined = shadow.get<{ id: string }>(
    "SELECT c.id FROM conversations own JOIN conversations c ON c.number = own.joined WHERE own.id = ?",
    id,
  );
  store.run(
    "UPDATE conversations SET joined = (SELECT number FROM conversations WHERE id = ?) WHERE id = ?",
    joined?.id ?? null,
    id,
  );
}

function setFailedLeaf(store: Database, shadow: Database, ids: NodeIds, id: string): void {
  const leaf = shadow.get<{ storedId: number | null; number: number }>(
    `SELECT stored_id AS storedId, i.number FROM conversations c JOIN node_ids i ON node = failed_leaf WHERE id = ?`,
    id,
  );
  if (leaf !== undefined)
    store.run(
      "UPDATE conversations SET failed_leaf = ? WHERE id = ?",
      ids.of(leaf.storedId, leaf.number),
      id,
    );
}

function addTools(store: Database, shadow: Database, id: string): void {
  const [number, from] = [numberOf(store, id), numberOf(shadow, id)];
  if (number === undefined || from === undefined) return;
  for (const { call, name } of shadow.all<{ call: Uint8Array; name: string }>(
    "SELECT call, name FROM tool_names WHERE conversation = ?",
    from,
  ))
    store.run("INSERT INTO tool_names VALUES (?, ?, ?)", number, call, name);
}

function addResponses(store: Database, shadow: Database, ids: NodeIds, id: string): void {
  for (const { response, storedId, number } of shadow.all<{
    response: Uint8Array;
    storedId: number | null;
    number: number;
  }>(
    `SELECT r.id AS response, stored_id AS storedId, i.number
     FROM nodes n JOIN responses r ON r.node = n.id JOIN node_ids i ON i.node = n.id
     WHERE conversation = (SELECT number FROM conversations WHERE id = ?)`,
    id,
  ))
    store.run("INSERT OR REPLACE INTO responses VALUES (?, ?)", response, ids.of(storedId, number));
}

/** Where exchanges in and outside of the scope failed with the same request, the stored attempt counts: it is the later one. */
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
