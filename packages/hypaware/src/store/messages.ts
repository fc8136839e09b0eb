import type { MessageRow } from "../contract/dataset.ts";
import type { Json } from "../contract/projection.ts";
import type { Blobs } from "./blobs.ts";
import type { Database } from "./database.ts";
import { DatasetTable } from "./dataset-table.ts";
import { encode, encodeJson } from "./encoding.ts";
import { storedColumns } from "./layout.ts";

const COLUMNS = storedColumns("ai_gateway_messages");

/** `ai_gateway_messages` in the hot tier. */
export class Messages extends DatasetTable {
  readonly #database: Database;
  readonly #blobs: Blobs;
  /** Of frozen tools, which never change: a conversation's exchanges may carry the same. */
  readonly #frozenTexts = new WeakMap<object, string>();

  constructor(database: Database, blobs: Blobs) {
    super(database, "ai_gateway_messages");
    this.#database = database;
    this.#blobs = blobs;
  }

  /** Upserts by `part_id`. How many rows are new or changed. */
  put(rows: readonly MessageRow[]): number {
    return this.#database.transaction(() => {
      const toolTexts = new Map<Json, string>(); // the rows of an exchange carry the same object
      let changed = 0;
      for (const row of rows) {
        let tools = row.tools === null ? null : toolTexts.get(row.tools);
        if (tools === undefined) toolTexts.set(row.tools, (tools = this.#textOf(row.tools)));
        const blobs: Record<string, number | null> = {
          tools: tools === null ? null : this.#blobs.put(tools),
          system_text: row.system_text === null ? null : this.#blobs.put(row.system_text.toWellFormed()),
        };
        const values = COLUMNS.map((column) => {
          const blob = blobs[column.name];
          return blob === undefined ? encode(column, row[column.name as keyof MessageRow]) : blob;
        });
        if (this.upsert(row.part_id, values)) changed += 1;
      }
      return changed;
    });
  }

  #textOf(tools: Json): string {
    if (typeof tools !== "object" || tools === null || !Object.isFrozen(tools)) return encodeJson(tools);
    let text = this.#frozenTexts.get(tools);
    if (text === undefined) this.#frozenTexts.set(tools, (text = encodeJson(tools)));
    return text;
  }

  /** Keys of the hot rows that an exchange made. */
  ofExchange(exchangeId: string): readonly string[] {
    return this.#database
      .all<{ key: string }>(
        `SELECT part_id AS key FROM ai_gateway_messages
         WHERE json_extract(attributes, '$.gateway.exchange_id') = ?`,
        exchangeId,
      )
      .map(({ key }) => key);
  }

  /** By `part_id`. How many were there. */
  delete(partIds: readonly string[]): number {
    return this.#database.transaction(() => partIds.filter((partId) => this.remove(partId)).length);
  }
}
