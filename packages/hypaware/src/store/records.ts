import { hash } from "node:crypto";
import { BONDS, type RecordEntry, type RecordLink, type RecordNode, UNKNOWN } from "../contract/record.ts";
import { ROOT, type ThreadConversation } from "../contract/thread.ts";
import type { EntryStore, Shown } from "../projection/link-rows.ts";
import type { RecordedPart } from "../projection/recorded-row.ts";
import type { Database } from "./database.ts";
import { Joins } from "./joins.ts";
import { RecordForks } from "./record-forks.ts";
import { RecordUsage } from "./record-usage.ts";
import { encodeJson } from "./encoding.ts";
import { RecordBases } from "./record-bases.ts";
import { ENTRIES, NUMBER, readNodes } from "./record-node.ts";
import { type PayloadRef, RecordPayloads } from "./record-payloads.ts";

const KEY_BYTES = 12;

/** In place of the conversation in keys of messages whose conversation may become another. */
const INFERRED = "";
/** As the partial index has it. */
const OPEN = "match_key IS NOT NULL AND coalesce(bond, 2) = 2";

export interface NewEntry {
  readonly entry: RecordEntry;
  /** null: nothing is found by its content. */
  readonly matchKey: string | null;
}

export interface AddedEntry extends RecordNode {
  /** False: it says more than the one of its name that was there. */
  readonly isNew: boolean;
}

/** What clients' own records say, and which messages of the wire they are. Writes belong to the caller's transaction. */
export class Records implements EntryStore {
  readonly #database: Database;
  readonly #payloads: RecordPayloads;
  readonly usage: RecordUsage;
  readonly joins: Joins;
  readonly #forks: RecordForks;
  readonly #bases: RecordBases;
  /** It never changes, and is asked for each of a conversation's entries. */
  #startedAt: { readonly conversationId: string; readonly at: number } | undefined;
  #session: { readonly conversationId: string; readonly id: string } | undefined;

  constructor(database: Database) {
    this.#database = database;
    this.#payloads = new RecordPayloads(database);
    this.usage = new RecordUsage(database);
    this.joins = new Joins(database);
    this.#forks = new RecordForks(database);
    this.#bases = new RecordBases(database);
    database.onRollback(() => (this.#startedAt = this.#session = undefined));
  }

  /** In this order. `undefined`: its conversation has it already. */
  addAll(entries: readonly NewEntry[], now: number): readonly (AddedEntry | undefined)[] {
    const numbers = new Map<string, number>();
    const last = new Map<string, RecordNode>();
    this.#payloads.begin();
    const added = entries.map(({ entry, matchKey }) => {
      const { conversation_id: id, message } = entry;
      const number = numbers.get(id) ?? this.#conversation(id, Date.parse(message.message_created_at), now);
      numbers.set(id, number);
      const node = this.#add(entry, matchKey, number, last.get(id));
      if (node !== undefined) last.set(id, node);
      return node;
    });
    this.#payloads.end();
    return added;
  }

  #add(
    given: RecordEntry,
    matchKey: string | null,
    number: number,
    last: RecordNode | undefined,
  ): AddedEntry | undefined {
    const base = given.goes_on_from && this.#bases.find(given.goes_on_from);
    const entry = base === undefined ? given : goingOnFrom(given, base.messageId);
    const { conversation_id: conversationId, message, place = null } = entry;
    const { message_id: messageId, role } = message;
    const [previous] = message.previous_message_id;
    const isRestart = previous === undefined && message.logical_parent_uuid !== undefined;
    const before = previous ?? message.logical_parent_uuid;
    const told = (name: string): RecordNode | undefined =>
      last?.messageId === name ? last : this.named(conversationId, name);
    const predecessor = base ?? (before === undefined ? undefined : told(before));
    const known = this.#conversationsWith(messageId);
    if (known.includes(number)) return this.#grow(entry, matchKey);
    // A fork may copy no more than what a compaction kept: how deep that lies is known where it was said.
    const home = known.length === 0 ? undefined : this.home(messageId);
    const isHome = home === undefined;
    const origin = entry.forked_from ?? (isHome ? entry.said_in : this.session(home.conversationId));
    // A client's own remarks may say the same in any session.
    if (origin !== undefined && entry.is_on_wire) this.#forks.copied(entry.session_id, origin);
    const node = {
      conversationId,
      messageId,
      predecessor: predecessor?.id ?? (before === undefined ? ROOT : UNKNOWN),
      isRestart,
      matchKey,
      role,
      depth: home?.depth ?? (predecessor === undefined ? 0 : predecessor.depth + 1),
      isHome,
      link: null,
    };
    const { id } = this.#database.get<{ id: number }>(
      `INSERT INTO record_messages
         (conversation, message_id, predecessor, is_restart, match_key, role, depth, payload, place)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
      number,
      messageId,
      node.predecessor,
      isRestart ? 1 : 0,
      matchKey,
      role,
      node.depth,
      isHome ? this.#payloads.add(this.#withFork(entry)) : null,
      place,
    )!;
    this.#rememberKeys(id, entry);
    if (entry.goes_on_from !== undefined) this.#bases.remember(id, entry.goes_on_from);
    return { id, isNew: true, ...node };
  }

  /** Entries of forks that stand elsewhere, now that these conversations have grown. What they show is to be shown anew. */
  moveForks(conversations: Iterable<string>): readonly RecordNode[] {
    const moved = this.#bases.settle(conversations);
    this.#payloads.begin();
    for (const { entry, base } of moved) {
      this.setShown(entry.id, null);
      if (base === undefined || !entry.isHome) continue;
      const payload = this.#payloads.add(goingOnFrom(this.payload(entry.id), base));
      this.#database.run("UPDATE record_messages SET payload = ? WHERE id = ?", payload, entry.id);
    }
    this.#payloads.end();
    return moved.map(({ entry }) => entry);
  }

  /** An entry that says more than the one of its name does. `undefined`: it does not. */
  #grow(entry: RecordEntry, matchKey: string | null): AddedEntry | undefined {
    const { conversation_id: conversationId, message } = entry;
    const known = this.named(conversationId, message.message_id);
    if (entry.may_grow !== true || known?.isHome !== true) return undefined;
    const before = this.payload(known.id);
    const said = JSON.stringify(entry.message.content);
    if (before.may_grow !== true || JSON.stringify(before.message.content) === said) return undefined;
    this.#database.run(
      "UPDATE record_messages SET payload = ?, match_key = ? WHERE id = ?",
      this.#payloads.add(this.#withFork(entry)),
      matchKey,
      known.id,
    );
    this.#rememberKeys(known.id, entry);
    return { ...known, matchKey, isNew: false };
  }

  #withFork(entry: RecordEntry): RecordEntry {
    const origin = entry.forked_from ?? this.#forks.of(entry.session_id);
    return origin === undefined || entry.forked_from === origin ? entry : { ...entry, forked_from: origin };
  }

  #rememberKeys(id: number, { conversation_id: conversationId, message }: RecordEntry): void {
    for (const key of message.links ?? [])
      this.#database.run("INSERT OR IGNORE INTO record_links VALUES (?, ?)", keyOf(conversationId, key), id);
    this.joins.rememberEntry(id, message.joins ?? [], Date.parse(message.message_created_at));
  }

  /** Of an entry at home. */
  payload(id: number): RecordEntry {
    const { payload } = this.#database.get<{ payload: PayloadRef }>(
      "SELECT payload FROM record_messages WHERE id = ?",
      id,
    )!;
    return this.#payloads.get(payload);
  }

  /** Milliseconds since 1970. */
  startedAt(conversationId: string): number {
    const known = this.#startedAt;
    if (known?.conversationId === conversationId) return known.at;
    const { at } = this.#database.get<{ at: number }>(
      "SELECT started_at AS at FROM record_conversations WHERE id = ?",
      conversationId,
    )!;
    this.#startedAt = { conversationId, at };
    return at;
  }

  /** Of which the conversation is a part. */
  session(conversationId: string): string | undefined {
    if (this.#session?.conversationId === conversationId) return this.#session.id;
    const first = this.#database.get<{ payload: PayloadRef }>(
      `SELECT payload FROM record_messages WHERE conversation = ${NUMBER} AND payload IS NOT NULL ORDER BY id LIMIT 1`,
      conversationId,
    );
    if (first === undefined) return undefined;
    this.#session = { conversationId, id: this.#payloads.get(first.payload).session_id };
    return this.#session.id;
  }

  conversations(): readonly string[] {
    return this.#database
      .all<{ id: string }>("SELECT id FROM record_conversations ORDER BY number")
      .map(({ id }) => id);
  }

  has(conversationId: string): boolean {
    return (
      this.#database.get("SELECT 1 FROM record_conversations WHERE id = ?", conversationId) !== undefined
    );
  }

  node(id: number): RecordNode | undefined {
    return id > ROOT ? this.#one(`${ENTRIES} WHERE m.id = ?`, id) : undefined;
  }

  named(conversationId: string, messageId: string): RecordNode | undefined {
    return this.#one(
      `${ENTRIES} WHERE conversation = ${NUMBER} AND message_id = ?2`,
      conversationId,
      messageId,
    );
  }

  home(messageId: string): RecordNode | undefined {
    return this.#one(`${ENTRIES} WHERE message_id = ? AND payload IS NOT NULL`, messageId);
  }

  ofThreadNode(node: number): RecordNode | undefined {
    return this.#one(`${ENTRIES} WHERE node = ?`, node);
  }

  /** All of a conversation, oldest first. */
  of(conversationId: string): readonly RecordNode[] {
    return this.#all(`${ENTRIES} WHERE conversation = ${NUMBER} ORDER BY m.id`, conversationId);
  }

  withLink(conversationId: string, key: string): readonly RecordNode[] {
    return this.#all(
      `${ENTRIES} WHERE m.id IN (SELECT entry FROM record_links WHERE key = ?) ORDER BY m.id`,
      keyOf(conversationId, key),
    );
  }

  linksOf(entry: RecordNode): readonly string[] {
    return this.#homePayload(entry).message.links ?? [];
  }

  joinsOf(entry: RecordNode): readonly string[] {
    return this.#homePayload(entry).message.joins ?? [];
  }

  threadNodesWithLink(conversationId: string, key: string): readonly number[] {
    return this.#database
      .all<{ node: number }>(
        "SELECT node FROM node_links WHERE key IN (?, ?) ORDER BY node",
        keyOf(conversationId, key),
        keyOf(INFERRED, key),
      )
      .map(({ node }) => node);
  }

  rememberLinks(conversation: ThreadConversation, threadNode: number, keys: readonly string[]): void {
    const conversationId = conversation.inferred ? INFERRED : conversation.id;
    for (const key of keys)
      this.#database.run(
        "INSERT OR IGNORE INTO node_links VALUES (?, ?)",
        keyOf(conversationId, key),
        threadNode,
      );
  }

  open(conversationId: string, matchKey: string): readonly RecordNode[] {
    return this.#all(
      `${ENTRIES} WHERE conversation = ${NUMBER} AND match_key = ?2 AND ${OPEN} ORDER BY m.id`,
      conversationId,
      matchKey,
    );
  }

  looseKeys(conversationId: string): readonly string[] {
    return this.#database
      .all<{ key: string }>(
        `SELECT DISTINCT match_key AS key FROM record_messages
         WHERE conversation = ${NUMBER} AND bond = 2`,
        conversationId,
      )
      .map(({ key }) => key);
  }

  setLink(id: number, link: RecordLink | null): void {
    this.#database.run(
      "UPDATE record_messages SET node = ?, bond = ? WHERE id = ?",
      link?.node ?? null,
      link === null ? null : BONDS.indexOf(link.bond),
      id,
    );
  }

  shown(entry: number): Shown | null {
    const { node, before } = this.#database.get<{ node: number | null; before: string | null }>(
      "SELECT shown AS node, before FROM record_messages WHERE id = ?",
      entry,
    )!;
    return node === null
      ? null
      : { node, before: before === null ? null : (JSON.parse(before) as RecordedPart[]) };
  }

  setShown(entry: number, shown: Shown | null): void {
    this.#database.run(
      "UPDATE record_messages SET shown = ?, before = ? WHERE id = ?",
      shown?.node ?? null,
      shown === null || shown.before === null ? null : encodeJson(shown.before),
      entry,
    );
  }

  unsealLater(node: number): void {
    this.#database.run("INSERT OR IGNORE INTO unsealing VALUES (?)", node);
  }

  unsealed(node: number): void {
    this.#database.run("DELETE FROM unsealing WHERE node = ?", node);
  }

  /** How many messages and exchanges wait to be made hot. */
  unsealing(): number {
    return this.#database.get<{ waiting: number }>(
      `SELECT (SELECT count(*) FROM unsealing)
         + (SELECT count(*) FROM unsealing_exchanges JOIN sealed_exchanges USING (exchange_id)) AS waiting`,
    )!.waiting;
  }

  #homePayload({ messageId }: RecordNode): RecordEntry {
    const home = this.#database.get<{ id: number }>(
      "SELECT id FROM record_messages WHERE message_id = ? AND payload IS NOT NULL",
      messageId,
    )!;
    return this.payload(home.id);
  }

  #conversation(id: string, at: number, now: number): number {
    return this.#database.get<{ number: number }>(
      `INSERT INTO record_conversations (id, started_at, grown_at) VALUES (?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET grown_at = excluded.grown_at RETURNING number`,
      id,
      at,
      now,
    )!.number;
  }

  #conversationsWith(messageId: string): readonly number[] {
    return this.#database
      .all<{ number: number }>(
        "SELECT conversation AS number FROM record_messages WHERE message_id = ?",
        messageId,
      )
      .map(({ number }) => number);
  }

  #one(sql: string, ...values: (string | number)[]): RecordNode | undefined {
    return readNodes(this.#database, sql, ...values)[0];
  }

  #all(sql: string, ...values: (string | number | Uint8Array)[]): readonly RecordNode[] {
    return readNodes(this.#database, sql, ...values);
  }
}

function goingOnFrom(entry: RecordEntry, previous: string): RecordEntry {
  return { ...entry, message: { ...entry.message, previous_message_id: [previous] } };
}

function keyOf(conversationId: string, key: string): Buffer {
  return hash("sha256", `${conversationId}\n${key}`, "buffer").subarray(0, KEY_BYTES);
}
