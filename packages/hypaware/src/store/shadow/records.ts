import type { Database } from "../database.ts";
import { eachRow } from "../each-row.ts";
import type { NodeIds } from "./thread-commit.ts";

// What clients' own records say, for a replay. The shadow has the store's entries under the store's ids and makes their links anew;
// a commit takes over the links of the conversations that are made anew.

const RECORDS_BASE = "base_records";

/** Entries that came since the last call, without their links. Needs the shadow's transaction. */
export function learnRecords(shadow: Database, store: Database): void {
  const before = baseOf(shadow);
  shadow.run("DELETE FROM record_conversations WHERE true");
  copy(shadow, store, "record_conversations", "number, id, started_at, grown_at", 0);
  const columns =
    "id, conversation, message_id, predecessor, is_restart, match_key, role, depth, payload, place";
  copy(shadow, store, "record_messages", columns, before);
  copy(shadow, store, "record_links", "key, entry", before);
  copy(shadow, store, "record_joins", "key, entry, said_at", before);
  copy(shadow, store, "record_usage", "entry, response, usage", before);
  copy(shadow, store, "record_packs", "id, data", lastPack(shadow));
  shadow.run(
    "INSERT OR REPLACE INTO meta VALUES (?, (SELECT coalesce(max(id), 0) FROM record_messages))",
    RECORDS_BASE,
  );
}

/** Conversations of the scope that a client's record tells of. */
export function recordedInScope(shadow: Database): readonly string[] {
  return shadow
    .all<{ id: string }>(
      "SELECT id FROM record_conversations WHERE id IN (SELECT key FROM scope_conversations) ORDER BY number",
    )
    .map(({ id }) => id);
}

/** No line of a conversation of the scope was read since. */
export function areRecordsFresh(store: Database, shadow: Database): boolean {
  const inScope = shadow.prepare("SELECT 1 FROM scope_conversations WHERE key = ?");
  return store
    .all<{ id: string }>(
      `SELECT DISTINCT c.id FROM record_messages m JOIN record_conversations c ON c.number = m.conversation
       WHERE m.id > ?`,
      baseOf(shadow),
    )
    .every(({ id }) => inScope.get(id) === undefined);
}

/** Before nodes go: what stands on them. Needs the store's transaction. */
export function forgetLinks(store: Database, shadow: Database): void {
  for (const id of recordedInScope(shadow)) {
    store.run(
      `UPDATE record_messages SET node = NULL, bond = NULL, shown = NULL, before = NULL
       WHERE conversation = (SELECT number FROM record_conversations WHERE id = ?)`,
      id,
    );
    for (const table of ["node_links", "node_joins", "unsealing"])
      store.run(
        `DELETE FROM ${table} WHERE node IN (
           SELECT n.id FROM nodes n JOIN conversations c ON c.number = n.conversation WHERE c.id = ?)`,
        id,
      );
  }
}

/** When all nodes are there. */
export async function commitLinks(store: Database, shadow: Database, ids: NodeIds): Promise<void> {
  type Link = [
    number,
    number | null,
    number | null,
    number | null,
    number | null,
    number | null,
    string | null,
  ];
  const links = shadow.iterate(
    `SELECT m.id, bond, n.stored_id, n.number, s.stored_id, s.number, before
     FROM record_messages m JOIN record_conversations c ON c.number = m.conversation
     JOIN scope_conversations ON key = c.id
     LEFT JOIN node_ids n ON n.node = m.node LEFT JOIN node_ids s ON s.node = m.shown
     WHERE m.node IS NOT NULL OR m.shown IS NOT NULL`,
  ) as Iterator<Link>;
  const idOf = (storedId: number | null, number: number | null): number | null =>
    number === null ? null : ids.of(storedId, number);
  await eachRow(links, ([id, bond, nodeId, nodeNumber, shownId, shownNumber, before]) => {
    store.run(
      "UPDATE record_messages SET node = ?, bond = ?, shown = ?, before = ? WHERE id = ?",
      idOf(nodeId, nodeNumber),
      bond,
      idOf(shownId, shownNumber),
      before,
      id,
    );
  });
  const keys = shadow.iterate(
    "SELECT l.key, i.stored_id, i.number FROM node_links l JOIN node_ids i ON i.node = l.node",
  ) as Iterator<[Uint8Array, number | null, number]>;
  await eachRow(keys, ([key, storedId, number]) => {
    store.run("INSERT OR IGNORE INTO node_links VALUES (?, ?)", key, ids.of(storedId, number));
  });
  const joins = shadow.iterate(
    `SELECT j.key, i.stored_id, i.number, said_from, said_to, session FROM node_joins j JOIN node_ids i ON i.node = j.node`,
  ) as Iterator<[Uint8Array, number | null, number, number, number, string | null]>;
  await eachRow(joins, ([key, storedId, number, ...said]) => {
    store.run(
      "INSERT OR IGNORE INTO node_joins VALUES (?, ?, ?, ?, ?)",
      key,
      ids.of(storedId, number),
      ...said,
    );
  });
}

const baseOf = (shadow: Database): number =>
  Number(shadow.get<{ value: string }>("SELECT value FROM meta WHERE key = ?", RECORDS_BASE)?.value ?? 0);

const lastPack = (shadow: Database): number =>
  shadow.get<{ last: number }>("SELECT coalesce(max(id), 0) AS last FROM record_packs")!.last;

const ORDER = {
  record_conversations: "number",
  record_messages: "id",
  record_links: "entry",
  record_joins: "entry",
  record_usage: "entry",
  record_packs: "id",
} as const;

function copy(
  shadow: Database,
  store: Database,
  table: keyof typeof ORDER,
  columns: string,
  after: number,
): void {
  const order = ORDER[table];
  const marks = columns.split(", ").map(() => "?");
  const rows = store.iterate(
    `SELECT ${columns} FROM ${table} WHERE ${order} > ? ORDER BY ${order}`,
    after,
  ) as Iterator<(string | number | Uint8Array | null)[]>;
  for (let next = rows.next(); next.done !== true; next = rows.next())
    shadow.run(`INSERT INTO ${table} (${columns}) VALUES (${marks.join(", ")})`, ...next.value);
}
