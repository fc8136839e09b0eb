import { hash } from "node:crypto";
import type { Usage } from "../contract/projection.ts";
import type { RecordedResponse } from "../contract/record.ts";
import type { UsageStore } from "../projection/link-rows.ts";
import type { Database } from "./database.ts";

const KEY_BYTES = 12;

/** What clients say that responses cost, by the entries that they brought. Writes belong to the caller's transaction. */
export class RecordUsage implements UsageStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Gives the entries of which something else is known now. A guess of the client's is nothing that was told. */
  tell(responses: readonly RecordedResponse[]): ReadonlySet<number> {
    const changed = new Set<number>();
    for (const response of responses) {
      if (response.is_estimate === true) continue;
      const { session_id: session, message_ids: ids = [] } = response;
      const name = response.response_id ?? response.request_id ?? ids[0];
      if (name === undefined) continue;
      const key = hash("sha256", `${session}\n${name}`, "buffer").subarray(0, KEY_BYTES);
      const usage = JSON.stringify(response.usage);
      for (const id of ids)
        if (this.#put(response.conversation_id, id, key, usage))
          for (const each of this.#of(key)) changed.add(each);
    }
    return changed;
  }

  siblings(entry: number): readonly number[] {
    const known = this.#database.get<{ response: Uint8Array }>(
      "SELECT response FROM record_usage WHERE entry = ?",
      entry,
    );
    return known === undefined ? [] : this.#of(known.response);
  }

  shownAt(entry: number): Usage | undefined {
    const known = this.#database.get<{ usage: string; last: number; carried: number }>(
      `SELECT u.usage, max(s.entry) AS last, count(n.id) AS carried
       FROM record_usage u JOIN record_usage s ON s.response = u.response JOIN record_messages m ON m.id = s.entry
         LEFT JOIN nodes n ON n.id = m.node AND n.is_answer = 1
       WHERE u.entry = ? GROUP BY u.entry`,
      entry,
    );
    return known?.last === entry && known.carried === 0 ? (JSON.parse(known.usage) as Usage) : undefined;
  }

  /** False: that was known, or the entry has its rows elsewhere. */
  #put(conversationId: string, messageId: string, key: Uint8Array, usage: string): boolean {
    return (
      this.#database.get(
        `INSERT INTO record_usage (entry, response, usage)
         SELECT id, ?3, ?4 FROM record_messages
         WHERE conversation = (SELECT number FROM record_conversations WHERE id = ?1) AND message_id = ?2 AND payload IS NOT NULL
         ON CONFLICT (entry) DO UPDATE SET response = excluded.response, usage = excluded.usage
           WHERE usage != excluded.usage OR response != excluded.response
         RETURNING entry`,
        conversationId,
        messageId,
        key,
        usage,
      ) !== undefined
    );
  }

  #of(key: Uint8Array): readonly number[] {
    return this.#database
      .all<{ entry: number }>("SELECT entry FROM record_usage WHERE response = ? ORDER BY entry", key)
      .map(({ entry }) => entry);
  }
}
