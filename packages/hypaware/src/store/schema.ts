import { HypError } from "../contract/errors.ts";
import type { Database } from "./database.ts";
import { columnDefinitions } from "./layout.ts";

/** Raised whenever a table changes; a store of a higher version is not touched. */
export const STORE_VERSION = 3;

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
-- sealed row (batch and _seq) never changes. sample: one of a batch's exchanges, the dictionary of all of them.
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

const RESPONSES = `
-- At which node a response ended: its client may go on from there without repeating the history.
CREATE TABLE responses (id TEXT PRIMARY KEY, node INTEGER NOT NULL) WITHOUT ROWID;
`;

/** What each version adds to the one before. */
const STEPS: readonly string[] = [ROWS, SEGMENTS, RESPONSES];

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
