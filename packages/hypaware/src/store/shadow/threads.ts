import { type Compact, nodeNamed } from "../compact.ts";
import type { Database } from "../database.ts";
import type { Shadow } from "./shadow.ts";

// What identity remembers, compared: as ids are internal, the shadow's nodes are first given the ids of the stored ones of the
// same name. So an id means the same message before and after, also to what is not made anew.

/** New nodes count down from -1, so that they sort and compare apart from all stored ones. */
const MAPPED = "coalesce(i.stored_id, -i.number)";

/** Dense forms as text that tells them from text. */
const TEXTS = "quote(match_key), quote(message_id), quote(role)";

/** The conversation that one is since it was joined. */
const JOINED = "(SELECT id FROM conversations c WHERE c.number = own.joined)";

const NODES_NOW = `
  SELECT ${MAPPED}, CASE n.predecessor WHEN 0 THEN 0 ELSE (SELECT ${MAPPED} FROM node_ids i WHERE node = n.predecessor) END,
    ${TEXTS}, depth, is_answer, n.inferred
  FROM nodes n JOIN node_ids i ON i.node = n.id
  WHERE conversation = (SELECT number FROM conversations WHERE id = ?) ORDER BY 1`;
const NODES_STORED = `
  SELECT id, predecessor, ${TEXTS}, depth, is_answer, inferred FROM nodes
  WHERE conversation = (SELECT number FROM conversations WHERE id = ?) ORDER BY 1`;
const CONVERSATION_NOW = `
  SELECT base, inferred, started_at, (SELECT ${MAPPED} FROM node_ids i WHERE node = failed_leaf), ${JOINED} FROM conversations own WHERE id = ?`;
const CONVERSATION_STORED = `SELECT base, inferred, started_at, failed_leaf, ${JOINED} FROM conversations own WHERE id = ?`;
const TOOLS = `
  SELECT hex(call), name FROM tool_names WHERE conversation = (SELECT number FROM conversations WHERE id = ?) ORDER BY 1`;
const RESPONSES_NOW = `
  SELECT hex(r.id), ${MAPPED} FROM nodes n JOIN responses r ON r.node = n.id JOIN node_ids i ON i.node = n.id
  WHERE conversation = (SELECT number FROM conversations WHERE id = ?) ORDER BY 1`;
const RESPONSES_STORED = `
  SELECT hex(r.id), node FROM nodes n JOIN responses r ON r.node = n.id
  WHERE conversation = (SELECT number FROM conversations WHERE id = ?) ORDER BY 1`;

/** Of a conversation, as the shadow and as the store has it. */
const NOW = [CONVERSATION_NOW, NODES_NOW, TOOLS, RESPONSES_NOW];
const STORED = [CONVERSATION_STORED, NODES_STORED, TOOLS, RESPONSES_STORED];

/** Writes `node_ids`, `thread_changes` and `attempt_changes` for the scope; how many changes of both kinds. */
export function compareThreads(shadow: Shadow, store: Database): number {
  const { database } = shadow;
  return database.transaction(() => {
    for (const table of ["node_ids", "thread_changes", "attempt_changes"])
      database.exec(`DELETE FROM ${table}`);
    nameNodes(database, store);
    let changes = 0;
    for (const { id } of database.all<{ id: string }>("SELECT key AS id FROM scope_conversations")) {
      if (facts(database, NOW, id) === facts(store, STORED, id)) continue;
      database.run("INSERT INTO thread_changes VALUES (?)", id);
      changes += 1;
    }
    return changes + compareAttempts(database, store);
  });
}

function nameNodes(shadow: Database, store: Database): void {
  const named = store.prepare(`SELECT id FROM nodes WHERE ${nodeNamed("?1")}`);
  const nodes = shadow.iterate(
    `SELECT n.id, message_id FROM nodes n JOIN conversations c ON c.number = conversation
     JOIN scope_conversations ON key = c.id ORDER BY n.id`,
  ) as Iterator<[number, Compact]>;
  let number = 0;
  for (let next = nodes.next(); next.done !== true; next = nodes.next()) {
    const [node, name] = next.value;
    const stored = named.get(name) as { id: number } | undefined;
    if (stored === undefined) number += 1;
    shadow.run("INSERT INTO node_ids VALUES (?, ?, ?)", node, stored?.id ?? null, number);
  }
}

function facts(database: Database, queries: readonly string[], id: string): string {
  return JSON.stringify(
    queries.map((sql) => database.all(sql, id).map((row) => Object.values(row as object))),
  );
}

interface Attempt {
  readonly scope: string;
  readonly digest: string;
  readonly exchange_id: string;
}

/** The failed attempts of the scope's exchanges that are only stored, and those that are only known now. */
function compareAttempts(shadow: Database, store: Database): number {
  const all = "SELECT scope, digest, exchange_id FROM failed_attempts";
  const inScope = shadow.prepare("SELECT 1 FROM scope_exchanges WHERE key = ?");
  let changes = 0;
  const difference = (from: Database, against: Database, kind: "removed" | "added"): void => {
    const known = against.prepare(`${all} WHERE scope = ? AND digest = ? AND exchange_id = ?`);
    for (const { scope, digest, exchange_id: exchangeId } of from.all<Attempt>(all)) {
      const isSame = known.get(scope, digest, exchangeId) !== undefined;
      if (isSame || inScope.get(exchangeId) === undefined) continue;
      shadow.run("INSERT INTO attempt_changes VALUES (?, ?, ?, ?)", scope, digest, exchangeId, kind);
      changes += 1;
    }
  };
  difference(store, shadow, "removed");
  difference(shadow, store, "added");
  return changes;
}
