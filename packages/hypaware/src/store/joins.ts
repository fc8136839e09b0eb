import { hash } from "node:crypto";
import type { JoinPlace } from "../contract/record.ts";
import type { Database } from "./database.ts";

const KEY_BYTES = 12;

/** Where keys that join conversations were seen. Writes belong to the caller's transaction. */
export class Joins {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Of a message of the wire in an inferred conversation. */
  rememberWire(node: number, keys: readonly string[], { from, to, sessionId }: JoinPlace): void {
    for (const key of keys)
      this.#database.run(
        "INSERT OR IGNORE INTO node_joins VALUES (?, ?, ?, ?, ?)",
        keyOf(key),
        node,
        from,
        to,
        sessionId,
      );
  }

  rememberEntry(entry: number, keys: readonly string[], at: number): void {
    for (const key of keys)
      this.#database.run("INSERT OR IGNORE INTO record_joins VALUES (?, ?, ?)", keyOf(key), entry, at);
  }

  /** Inferred conversations that are none of a record's yet. */
  ofWire(key: string): readonly JoinPlace[] {
    return this.#database.all<JoinPlace>(
      `SELECT c.id AS conversationId, session AS sessionId, said_from AS "from", said_to AS "to"
       FROM node_joins j JOIN nodes n ON n.id = j.node JOIN conversations c ON c.number = n.conversation
       WHERE key = ? AND c.inferred = 1 AND NOT EXISTS (SELECT 1 FROM conversations o WHERE o.joined = c.number)
       ORDER BY n.id`,
      keyOf(key),
    );
  }

  /** Conversations of records, by entries that no key links with a message of the wire. `sessionOf`: by conversation. */
  ofRecords(key: string, sessionOf: (conversationId: string) => string | undefined): readonly JoinPlace[] {
    return this.#database
      .all<{ conversationId: string; at: number }>(
        `SELECT c.id AS conversationId, said_at AS at
         FROM record_joins j JOIN record_messages m ON m.id = j.entry JOIN record_conversations c ON c.number = m.conversation
         WHERE key = ? AND payload IS NOT NULL AND coalesce(bond, 2) <> 0 ORDER BY m.id`,
        keyOf(key),
      )
      .map(({ conversationId, at }) => ({
        conversationId,
        sessionId: sessionOf(conversationId) ?? null,
        from: at,
        to: at,
      }));
  }
}

function keyOf(key: string): Buffer {
  return hash("sha256", key, "buffer").subarray(0, KEY_BYTES);
}
