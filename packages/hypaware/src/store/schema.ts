import { HypError } from "../contract/errors.ts";
import type { Database } from "./database.ts";
import { KEY_TAIL, NAME_TAIL, nodeNamed, nodeWithKey, PARENT, parentOf } from "./compact.ts";
import { columnDefinitions } from "./layout.ts";
import { defineUpgradeFunctions } from "./upgrade.ts";

/** Raised whenever a table changes; a store of a higher version is not touched. */
export const STORE_VERSION = 13;

const ROWS = `
CREATE TABLE sequence (value INTEGER NOT NULL);
INSERT INTO sequence VALUES (0);

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Content-addressed: hash is SHA-256 of the text; encoding 0 = UTF-8, 1 = zstd.
CREATE TABLE blobs (
  id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, encoding INTEGER NOT NULL, data BLOB NOT NULL
);

CREATE TABLE ai_gateway_messages (_seq INTEGER PRIMARY KEY, ${columnDefinitions("ai_gateway_messages")});
CREATE UNIQUE INDEX messages_part ON ai_gateway_messages (part_id);

-- The span is where the exchange's frames lie in the journal of a run.
CREATE TABLE ai_gateway_exchanges (
  _seq INTEGER PRIMARY KEY,
  _run TEXT NOT NULL,
  _from_segment INTEGER NOT NULL, _from_offset INTEGER NOT NULL,
  _to_segment INTEGER NOT NULL, _to_offset INTEGER NOT NULL,
  ${columnDefinitions("ai_gateway_exchanges")}
);
CREATE UNIQUE INDEX exchanges_id ON ai_gateway_exchanges (exchange_id);
CREATE INDEX exchanges_started ON ai_gateway_exchanges (started_at);
CREATE INDEX exchanges_client ON ai_gateway_exchanges (client_name, started_at);
CREATE INDEX exchanges_decode ON ai_gateway_exchanges (decode_status);

-- Rows that are gone, for those who follow the sequence. A key that comes back leaves this list.
CREATE TABLE deletions (
  dataset TEXT NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (dataset, key)
) WITHOUT ROWID;
CREATE INDEX deletions_seq ON deletions (dataset, seq);

-- read: end of the last frame read; low: first frame of the oldest exchange still open.
CREATE TABLE cursors (
  run TEXT PRIMARY KEY,
  read_segment INTEGER NOT NULL, read_offset INTEGER NOT NULL,
  low_segment INTEGER NOT NULL, low_offset INTEGER NOT NULL,
  finished INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE projection_attempts (exchange_id TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE conversations (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, base TEXT NOT NULL,
  inferred INTEGER NOT NULL, started_at TEXT NOT NULL, failed_leaf INTEGER
);
CREATE INDEX conversations_base ON conversations (base);
CREATE INDEX conversations_failed ON conversations (base) WHERE inferred = 1 AND failed_leaf IS NOT NULL;

-- AUTOINCREMENT: ids are never reused. inferred is the conversation's.
CREATE TABLE nodes (
  id INTEGER PRIMARY KEY AUTOINCREMENT, conversation INTEGER NOT NULL, predecessor INTEGER NOT NULL,
  match_key TEXT NOT NULL, message_id TEXT NOT NULL UNIQUE, role TEXT NOT NULL, depth INTEGER NOT NULL,
  is_answer INTEGER NOT NULL, inferred INTEGER NOT NULL
);
CREATE UNIQUE INDEX nodes_child ON nodes (predecessor, conversation, match_key);
CREATE INDEX nodes_key ON nodes (conversation, match_key);
CREATE INDEX nodes_answer ON nodes (match_key) WHERE inferred = 1 AND is_answer = 1;

CREATE TABLE tool_names (
  conversation INTEGER NOT NULL, call_id TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (conversation, call_id)
) WITHOUT ROWID;

CREATE TABLE failed_attempts (
  scope TEXT NOT NULL, digest TEXT NOT NULL, exchange_id TEXT NOT NULL, PRIMARY KEY (scope, digest)
) WITHOUT ROWID;
`;

const SEGMENTS = `
-- One file each: dataset is that of its rows, or 'blobs'. retired_at: since when it is un-listed; a reader may still use it.
CREATE TABLE segments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, dataset TEXT NOT NULL, file TEXT NOT NULL UNIQUE,
  rows INTEGER NOT NULL, bytes INTEGER NOT NULL, sealed_at INTEGER NOT NULL, retired_at INTEGER
);

-- Rows that were sealed together. They move from segment to segment as one when those are merged, so that what names a
-- sealed row (batch and _seq) never changes.
CREATE TABLE batches (id INTEGER PRIMARY KEY AUTOINCREMENT, segment INTEGER NOT NULL, sample BLOB);
CREATE INDEX batches_segment ON batches (segment);

-- The sealed version of a message row that is not hot; key: the first 12 bytes of the SHA-256 of its part_id.
CREATE TABLE sealed_keys (key BLOB PRIMARY KEY, batch INTEGER NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID;

-- The same for exchanges, with what is asked without an engine. row: JSON of the stored values in physical order, raw deflate
-- with the batch's sample as preset dictionary.
CREATE TABLE sealed_exchanges (
  seq INTEGER PRIMARY KEY, batch INTEGER NOT NULL, exchange_id TEXT NOT NULL UNIQUE,
  _run TEXT NOT NULL,
  _from_segment INTEGER NOT NULL, _from_offset INTEGER NOT NULL,
  _to_segment INTEGER NOT NULL, _to_offset INTEGER NOT NULL,
  client_name TEXT, started_at INTEGER, decode_status TEXT NOT NULL, row BLOB NOT NULL
);
CREATE INDEX sealed_exchanges_client ON sealed_exchanges (client_name, started_at);
CREATE INDEX sealed_exchanges_decode ON sealed_exchanges (decode_status, started_at)
  WHERE decode_status NOT IN ('projected', 'no_messages', 'ignored');

-- Sealed rows that are no more: changed, deleted, or changed while they were being sealed.
CREATE TABLE tombstones (seq INTEGER PRIMARY KEY, batch INTEGER NOT NULL, dataset TEXT NOT NULL);
CREATE INDEX tombstones_batch ON tombstones (batch);

-- In which segment of dataset 'blobs' the text is; null: in none yet.
ALTER TABLE blobs ADD COLUMN sealed INTEGER;
`;

// Dense forms of what grows with the history; the values are those of `compact.ts`. Whole names and keys stand in the row only:
// an index holds enough of one to find it, and the trigger keeps what a unique index would.
const DENSE = `
CREATE TABLE dense_nodes (
  id INTEGER PRIMARY KEY AUTOINCREMENT, conversation INTEGER NOT NULL, predecessor INTEGER NOT NULL,
  match_key BLOB NOT NULL, message_id BLOB NOT NULL, role BLOB NOT NULL, depth INTEGER NOT NULL,
  is_answer INTEGER NOT NULL, inferred INTEGER NOT NULL
);
INSERT INTO dense_nodes
  SELECT id, conversation, predecessor, compact_hex(match_key), compact_name(message_id), compact_role(role), depth, is_answer, inferred
  FROM nodes ORDER BY id;
INSERT INTO sqlite_sequence SELECT 'dense_nodes', seq FROM sqlite_sequence
  WHERE name = 'nodes' AND NOT EXISTS (SELECT 1 FROM dense_nodes);
UPDATE sqlite_sequence SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 'nodes') WHERE name = 'dense_nodes';
DROP TABLE nodes;
ALTER TABLE dense_nodes RENAME TO nodes;
CREATE INDEX nodes_child ON nodes (${PARENT}, ${KEY_TAIL});
CREATE INDEX nodes_key ON nodes (conversation, ${KEY_TAIL});
CREATE INDEX nodes_name ON nodes (${NAME_TAIL});
CREATE INDEX nodes_answer ON nodes (match_key) WHERE inferred = 1 AND is_answer = 1;
CREATE TRIGGER nodes_unique BEFORE INSERT ON nodes BEGIN
  SELECT raise(ABORT, 'UNIQUE nodes.message_id') FROM nodes WHERE ${nodeNamed("new.message_id")};
  SELECT raise(ABORT, 'UNIQUE place of a node') FROM nodes
    WHERE ${PARENT} = ${parentOf("new.predecessor", "new.conversation")} AND conversation = new.conversation
      AND ${nodeWithKey("new.match_key")};
END;

-- key: 9 bytes instead of 12.
CREATE TABLE dense_keys (key BLOB PRIMARY KEY, batch INTEGER NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO dense_keys SELECT substr(key, 1, 9), batch, seq FROM sealed_keys ORDER BY key;
DROP TABLE sealed_keys;
ALTER TABLE dense_keys RENAME TO sealed_keys;

-- call: the first 8 bytes of the SHA-256 of the call's id.
CREATE TABLE dense_tool_names (
  conversation INTEGER NOT NULL, call BLOB NOT NULL, name TEXT NOT NULL, PRIMARY KEY (conversation, call)
) WITHOUT ROWID;
INSERT INTO dense_tool_names SELECT conversation, compact_call(call_id), name FROM tool_names;
DROP TABLE tool_names;
ALTER TABLE dense_tool_names RENAME TO tool_names;

-- What many exchanges have in common.
CREATE TABLE exchange_kinds (
  kind INTEGER PRIMARY KEY, _run TEXT NOT NULL, client_name TEXT, projector TEXT, decode_status TEXT NOT NULL
);
CREATE INDEX exchange_kinds_run ON exchange_kinds (_run);

-- Of a sealed exchange what is asked without an engine; the whole row is in its segment.
CREATE TABLE dense_exchanges (
  seq INTEGER PRIMARY KEY, batch INTEGER NOT NULL, exchange_id BLOB NOT NULL, kind INTEGER NOT NULL,
  _from_segment INTEGER NOT NULL, _from_offset INTEGER NOT NULL,
  _to_segment INTEGER NOT NULL, _to_offset INTEGER NOT NULL,
  started_at INTEGER, conversation_id BLOB, retry_of BLOB
);
INSERT INTO exchange_kinds (_run, client_name, projector, decode_status)
  SELECT DISTINCT _run, client_name, unpacked(row, sample, 'projector'), decode_status
  FROM sealed_exchanges JOIN batches b ON b.id = batch;
INSERT INTO dense_exchanges
  SELECT seq, batch, compact_hex(exchange_id),
    (SELECT kind FROM exchange_kinds k WHERE k._run = s._run AND k.client_name IS s.client_name
       AND k.projector IS unpacked(row, sample, 'projector') AND k.decode_status = s.decode_status),
    _from_segment, _from_offset, _to_segment, _to_offset, started_at,
    compact_name(unpacked(row, sample, 'conversation_id')), compact_hex(unpacked(row, sample, 'retry_of'))
  FROM sealed_exchanges s JOIN batches b ON b.id = batch ORDER BY seq;
DROP TABLE sealed_exchanges;
ALTER TABLE dense_exchanges RENAME TO sealed_exchanges;
CREATE UNIQUE INDEX sealed_exchanges_id ON sealed_exchanges (exchange_id);
CREATE INDEX sealed_exchanges_kind ON sealed_exchanges (kind, started_at);
ALTER TABLE batches DROP COLUMN sample;
`;

const NOTES = `
-- Where a session works from when on; at: milliseconds since 1970.
CREATE TABLE session_contexts (
  session_id TEXT NOT NULL, at INTEGER NOT NULL, cwd TEXT NOT NULL, git_branch TEXT, PRIMARY KEY (session_id, at)
) WITHOUT ROWID;

-- How far a file was read that others append to; id: device and inode.
CREATE TABLE note_files (id TEXT PRIMARY KEY, offset INTEGER NOT NULL) WITHOUT ROWID;
`;

const RECORDS = `
-- Conversations that a client's own record tells of. started_at, grown_at: when its first message was said, and when the last was read.
CREATE TABLE record_conversations (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, started_at INTEGER NOT NULL, grown_at INTEGER NOT NULL
);

-- One row per message and conversation that has it. predecessor: id, 0 at a root, -1 when the record does not have it. node, bond: the
-- message of the wire that it is, and why (0 key, 1 path, 2 below). shown: the one whose rows stand under this name; before: what they
-- were, JSON, as long as that may be undone.
-- payload: the entry as JSON, zstd; null where another conversation is its home.
CREATE TABLE record_messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, conversation INTEGER NOT NULL, message_id TEXT NOT NULL, predecessor INTEGER NOT NULL,
  is_restart INTEGER NOT NULL, match_key TEXT, role TEXT NOT NULL, depth INTEGER NOT NULL,
  node INTEGER, bond INTEGER, shown INTEGER, before TEXT, payload BLOB
);
CREATE UNIQUE INDEX record_messages_name ON record_messages (message_id, conversation);
CREATE UNIQUE INDEX record_messages_node ON record_messages (node) WHERE node IS NOT NULL;
CREATE INDEX record_messages_open ON record_messages (conversation, match_key)
  WHERE match_key IS NOT NULL AND coalesce(bond, 2) = 2;
CREATE INDEX record_messages_loose ON record_messages (conversation, match_key, message_id) WHERE bond = 2;

-- key: the first 12 bytes of the SHA-256 of conversation and key.
CREATE TABLE record_links (key BLOB NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (key, entry)) WITHOUT ROWID;
CREATE TABLE node_links (key BLOB NOT NULL, node INTEGER NOT NULL, PRIMARY KEY (key, node)) WITHOUT ROWID;

-- Messages of the wire whose rows are sealed and have to change: they are made hot again first.
CREATE TABLE unsealing (node INTEGER PRIMARY KEY);
`;

const RESPONSES = `
-- At which node a response ended: its client may go on from there without repeating the history.
-- id: the first 8 bytes of the SHA-256 of the response's id.
CREATE TABLE responses (id BLOB PRIMARY KEY, node INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX responses_node ON responses (node);
`;

// memory: JSON, what the reader of a client's record has to know of the lines before.
const MEMORY = "ALTER TABLE note_files ADD COLUMN memory TEXT;";

// place: where an entry stands in its record, for those of another conversation that go on from there. Entries are packed.
const PLACES = `
ALTER TABLE record_messages ADD COLUMN place INTEGER;
-- data: a JSON list of entries of one conversation, zstd. record_messages.payload names one: 256 times the id, and its place in the list.
CREATE TABLE record_packs (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE INDEX record_messages_place ON record_messages (conversation, place);
`;

// What clients say that a response cost, once for each entry that it brought. response: the first 12 bytes of the SHA-256 of its session and
// name; usage: JSON.
const USAGE = `
CREATE TABLE record_usage (entry INTEGER PRIMARY KEY, response BLOB NOT NULL, usage TEXT NOT NULL);
CREATE INDEX record_usage_response ON record_usage (response);
`;

// Conversations that the wire did not name and a client's record does. joined: the number of the conversation that it is now.
// Keys as in record_links, but of no conversation. said_from, said_to: milliseconds since 1970; session: as the wire has it.
// unsealing_exchanges: sealed ones whose conversation has another name now.
const JOINS = `
ALTER TABLE conversations ADD COLUMN joined INTEGER;
CREATE INDEX conversations_joined ON conversations (joined) WHERE joined IS NOT NULL;
CREATE TABLE record_joins (key BLOB NOT NULL, entry INTEGER NOT NULL, said_at INTEGER NOT NULL, PRIMARY KEY (key, entry)) WITHOUT ROWID;
CREATE TABLE node_joins (
  key BLOB NOT NULL, node INTEGER NOT NULL, said_from INTEGER NOT NULL, said_to INTEGER NOT NULL, session TEXT, PRIMARY KEY (key, node)
) WITHOUT ROWID;
CREATE TABLE unsealing_exchanges (exchange_id BLOB PRIMARY KEY) WITHOUT ROWID;
`;

// Roots of clients' records that hooks told of; told: milliseconds since 1970.
const ROOTS = `
CREATE TABLE record_roots (record TEXT NOT NULL, root TEXT NOT NULL, told INTEGER NOT NULL, PRIMARY KEY (record, root)) WITHOUT ROWID;
`;

// Sessions that were forked off others.
const FORKS = "CREATE TABLE record_forks (session TEXT PRIMARY KEY, origin TEXT NOT NULL) WITHOUT ROWID;";

// Where the first entries of forks go on from: the last entry of a conversation before a place there.
const BASES = `
CREATE TABLE record_bases (
  conversation TEXT NOT NULL, entry INTEGER NOT NULL, before INTEGER NOT NULL, PRIMARY KEY (conversation, entry)
) WITHOUT ROWID;
`;

/** What each version changes of the one before. */
export const STEPS: readonly string[] = [
  ROWS,
  SEGMENTS,
  DENSE,
  NOTES,
  RECORDS,
  RESPONSES,
  MEMORY,
  PLACES,
  USAGE,
  JOINS,
  ROOTS,
  FORKS,
  BASES,
];

/**
 * Makes the tables of a new store and adds those that an older one lacks. Throws `store_newer` for a later version's,
 * `store_damaged` for a file that is not ours.
 */
export function requireSchema(database: Database, readOnly: boolean): void {
  const version = storedVersion(database);
  if (version > STORE_VERSION)
    throw new HypError(
      "store_newer",
      `${database.path} has store version ${version}; this HypAware knows ${STORE_VERSION}.`,
    );
  if (version === STORE_VERSION || readOnly) return;
  defineUpgradeFunctions(database);
  database.transaction(() => {
    // Another process may have made them while we waited for the lock.
    for (const step of STEPS.slice(storedVersion(database))) database.exec(step);
    database.exec(`PRAGMA user_version = ${STORE_VERSION}`);
  });
}

/** A store that an older HypAware made and no writer has opened since. */
export function isOldSchema(database: Database): boolean {
  const version = storedVersion(database);
  return version > 0 && version < STORE_VERSION;
}

function storedVersion(database: Database): number {
  // One statement, so that another process that makes the tables is seen before or after, never in between.
  const { version, tables } = database.get<{ version: number; tables: number }>(
    "SELECT user_version AS version, (SELECT count(*) FROM sqlite_schema) AS tables FROM pragma_user_version",
  )!;
  if (version === 0 && tables > 0)
    throw new HypError("store_damaged", `${database.path} is a database of another program.`);
  return version;
}
