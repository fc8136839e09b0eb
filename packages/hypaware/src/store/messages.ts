import type { MessageRow } from "../contract/dataset.ts";
import type { Json } from "../contract/projection.ts";
import { RECORDED_COLUMNS, type RecordedPart } from "../projection/recorded-row.ts";
import type { Blobs } from "./blobs.ts";
import type { Database } from "./database.ts";
import { DatasetTable } from "./dataset-table.ts";
import { decode, encode, encodeJson } from "./encoding.ts";
import type { Stored } from "./encoding.ts";
import { BLOB_COLUMNS, storedColumns } from "./layout.ts";

const COLUMNS = storedColumns("ai_gateway_messages");

const PART_ID = COLUMNS.findIndex(({ name }) => name === "part_id");
const RECORDED_NAMES: ReadonlySet<string> = new Set(RECORDED_COLUMNS);
const LINKED = COLUMNS.filter(({ name }) => RECORDED_NAMES.has(name));
/** `#` and `$` follow each other. */
const PARTS = "part_id >= ?1 || '#' AND part_id < ?1 || '$'";
const RECORDED = `SELECT ${LINKED.map(({ name }) => `"${name}"`).join(", ")} FROM ai_gateway_messages WHERE ${PARTS}`;

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

  /** Keys of the hot rows that an exchange made, but for those of which the client's own record says more. */
  ofExchange(exchangeId: string): readonly string[] {
    return this.#database
      .all<{ key: string }>(
        `SELECT part_id AS key FROM ai_gateway_messages
         WHERE json_extract(attributes, '$.gateway.exchange_id') = ? AND provider_uuid IS NULL`,
        exchangeId,
      )
      .map(({ key }) => key);
  }

  /** Changes what a link may change in the hot rows of a message. False: it has none. In the caller's transaction. */
  recast(messageId: string, change: (part: RecordedPart) => RecordedPart): boolean {
    const parts = this.#database
      .all<Record<string, Stored>>(`${RECORDED} ORDER BY part_index`, messageId)
      .map(
        (stored) =>
          Object.fromEntries(
            LINKED.map((column) => [column.name, decode(column, stored[column.name]!)]),
          ) as unknown as RecordedPart,
      );
    for (const part of parts) {
      const changed = change(part);
      this.amend(
        part.part_id,
        Object.fromEntries(
          LINKED.map((column) => [column.name, encode(column, changed[column.name as keyof RecordedPart])]),
        ),
      );
    }
    return parts.length > 0;
  }

  isSealedMessage(messageId: string): boolean {
    return this.isSealed(`${messageId}#0`);
  }

  /** Values in physical order, shared texts by their SHA-256 in hex. In the caller's transaction. */
  unseal(seq: number, values: readonly Stored[]): void {
    const partId = values[PART_ID] as string;
    if (!this.isSealed(partId, seq)) return;
    const physical = values.map((value, i) =>
      value !== null && BLOB_COLUMNS.has(COLUMNS[i]!.name) ? this.#blobs.named(value as string) : value,
    );
    this.upsert(partId, physical);
  }

  /** Of a message, hot or sealed. How many parts it had. In the caller's transaction. */
  deleteMessage(messageId: string): number {
    let parts = 0;
    while (this.remove(`${messageId}#${parts}`)) parts += 1;
    return parts;
  }

  /** By `part_id`. How many were there. */
  delete(partIds: readonly string[]): number {
    return this.#database.transaction(() => partIds.filter((partId) => this.remove(partId)).length);
  }
}
