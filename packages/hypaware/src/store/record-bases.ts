import type { RecordEntry, RecordNode } from "../contract/record.ts";
import type { Database } from "./database.ts";
import { ENTRIES, NUMBER, readNodes } from "./record-node.ts";

type Base = NonNullable<RecordEntry["goes_on_from"]>;

/** An entry with another place in its tree than before. */
export interface Moved {
  readonly entry: RecordNode;
  /** Of the first entry of a fork: the name of what it goes on from. */
  readonly base?: string;
}

/** Where forks go on from. Its own record may be read later than the fork's, or bit by bit. Writes belong to the caller's transaction. */
export class RecordBases {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  remember(entry: number, { conversation_id: id, before }: Base): void {
    this.#database.run("INSERT OR REPLACE INTO record_bases VALUES (?, ?, ?)", id, entry, before);
  }

  /** As far as it was read. The place may lie before a conversation that is a fork itself. */
  find({ conversation_id: id, before }: Base): RecordNode | undefined {
    const placed = `${ENTRIES} WHERE conversation = ${NUMBER} AND place`;
    const last = this.#one(`${placed} < ?2 ORDER BY place DESC, m.id DESC LIMIT 1`, id, before);
    if (last !== undefined) return last;
    const first = this.#one(`${placed} >= ?2 ORDER BY place, m.id LIMIT 1`, id, before);
    let at = first && this.#above(first);
    while (at !== undefined && (this.#placeOf(at) ?? 0) >= before) at = this.#above(at);
    return at;
  }

  /** Of these conversations more is known now: forks of theirs, and forks of those, that go on from somewhere else than was thought. */
  settle(conversations: Iterable<string>): readonly Moved[] {
    const moved = new Map<number, Moved>();
    const grown = [...conversations];
    for (const conversation of grown)
      for (const { entry: id, before } of this.#forksOf(conversation)) {
        const entry = this.#one(`${ENTRIES} WHERE m.id = ?1`, id);
        const base = this.find({ conversation_id: conversation, before });
        if (entry === undefined || base === undefined || moved.has(id)) continue;
        if (entry.predecessor === base.id && entry.depth === base.depth + 1) continue;
        this.#database.run("UPDATE record_messages SET predecessor = ? WHERE id = ?", base.id, id);
        for (const each of this.#lowered(entry, base.depth + 1 - entry.depth))
          moved.set(each.id, { entry: each });
        moved.set(id, { entry: this.#one(`${ENTRIES} WHERE m.id = ?1`, id)!, base: base.messageId });
        grown.push(entry.conversationId);
      }
    return [...moved.values()];
  }

  /** The entry and all below it in its conversation, so much deeper. */
  #lowered(entry: RecordNode, by: number): readonly RecordNode[] {
    const below = new Map<number, RecordNode>();
    const all = readNodes(
      this.#database,
      `${ENTRIES} WHERE conversation = ${NUMBER} AND m.id >= ?2 ORDER BY m.id`,
      entry.conversationId,
      entry.id,
    );
    for (const each of all) {
      if (each.id !== entry.id && !below.has(each.predecessor)) continue;
      below.set(each.id, { ...each, depth: each.depth + by });
      this.#database.run("UPDATE record_messages SET depth = depth + ? WHERE id = ?", by, each.id);
    }
    return [...below.values()];
  }

  #forksOf(conversation: string): readonly { readonly entry: number; readonly before: number }[] {
    return this.#database.all(
      "SELECT entry, before FROM record_bases WHERE conversation = ? ORDER BY entry",
      conversation,
    );
  }

  #above({ predecessor }: RecordNode): RecordNode | undefined {
    return predecessor > 0 ? this.#one(`${ENTRIES} WHERE m.id = ?1`, predecessor) : undefined;
  }

  #placeOf({ id }: RecordNode): number | null {
    return this.#database.get<{ place: number | null }>("SELECT place FROM record_messages WHERE id = ?", id)!
      .place;
  }

  #one(sql: string, ...values: (string | number)[]): RecordNode | undefined {
    return readNodes(this.#database, sql, ...values)[0];
  }
}
