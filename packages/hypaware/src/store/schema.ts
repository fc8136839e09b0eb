import { HypError } from "../contract/errors.ts";
import type { Database } from "./database.ts";
import { columnDefinitions } from "./layout.ts";

/** Raised whenever a table changes; a store of a higher version is not touched. */
export const STORE_VERSION = 1;

const SCHEMA = `
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

/** Makes the tables of a new store. Throws `store_newer` for a later version's, `store_damaged` for a file that is not ours. */
export function requireSchema(database: Database, readOnly: boolean): void {
  let version = storedVersion(database);
  if (version === 0 && !readOnly) {
    database.transaction(() => {
      // Another process may have made them while we waited for the lock.
      if (storedVersion(database) === 0) {
        database.exec(SCHEMA);
        database.exec(`PRAGMA user_version = ${STORE_VERSION}`);
      }
    });
    version = storedVersion(database);
  }
  if (version > STORE_VERSION)
    throw new HypError(
      "store_newer",
      `${database.path} has store version ${version}; this HypAware knows ${STORE_VERSION}.`,
    );
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
