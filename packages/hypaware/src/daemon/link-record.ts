// Links between exchanges and what clients' own records say, in the transaction that stores either.

import type { MessageRow } from "../contract/dataset.ts";
import type { RecordBatch, RecordNode } from "../contract/record.ts";
import type { ThreadNode } from "../contract/thread.ts";
import type { Applied } from "../projection/apply.ts";
import { parseEntry } from "../projection/intake.ts";
import { isNative, link, type LinkableEntry } from "../projection/link.ts";
import { type LinkableRows, showLinks, type Touched } from "../projection/link-rows.ts";
import { matchKey } from "../projection/match-key.ts";
import type { Catalog } from "../store/catalog.ts";
import { joinByKeys, type Joined } from "./join-record.ts";

/** When and for whom an exchange was carried. */
export interface Carried {
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** null: the wire does not say. */
  readonly sessionId: string | null;
}

/** The rows of an exchange, under the names that the client's record has for them. `fresh`: its new messages. */
export function linkExchange(
  catalog: Catalog,
  gatewayId: string,
  { fresh, rows }: Pick<Applied, "fresh" | "rows">,
  carried: Carried,
): readonly MessageRow[] {
  const { threads, records } = catalog;
  const conversation = threads.conversation(fresh[0]?.node.conversationId ?? "");
  if (conversation === undefined) return rows;
  const conversationId = conversation.id;
  const nodes = fresh.map(({ node, entry }) => ({ node, links: entry.message.links ?? [] }));
  for (const { node, links } of nodes) records.rememberLinks(conversation, node.id, links);
  const unstored = new UnstoredRows(catalog, rows);
  if (conversation.inferred) {
    const keys = fresh.flatMap(({ node, entry }) => {
      const own = entry.message.joins ?? [];
      records.joins.rememberWire(node.id, own, { conversationId, ...carried });
      return own;
    });
    const joined = joinByKeys(catalog, keys);
    for (const each of joined) linkJoined(catalog, gatewayId, each, unstored);
    if (joined.some(({ inferred }) => inferred === conversationId)) return unstored.all();
  }
  const isTold = ({ node }: { node: ThreadNode }): boolean =>
    isNative(node) && records.home(node.messageId) !== undefined;
  if (!records.has(conversationId) && !nodes.some(isTold)) return rows;
  const linked = link(threads, records, conversationId, { nodes, entries: [] });
  showLinks(
    { threads, records, rows: unstored, gatewayId },
    { nodes: linked.nodes.union(new Set(nodes.map(({ node }) => node.id))), entries: linked.entries },
  );
  return unstored.all();
}

/** Stores entries, in the order in which they were read, and links them with what exchanges carried. Gives how many were new. */
export function linkEntries(
  catalog: Catalog,
  gatewayId: string,
  { entries, responses }: RecordBatch,
): number {
  const given = entries.flatMap((each) => {
    const parsed = parseEntry(each);
    if (parsed === undefined) return [];
    const { entry, blocks } = parsed;
    const isKnownByContent = entry.is_on_wire && entry.is_named_on_wire !== true;
    return { entry, matchKey: isKnownByContent ? matchKey(entry.message.role, blocks).key : null };
  });
  const added = catalog.records.addAll(given, Date.now()).flatMap((entry, index) => {
    const { links = [], joins = [] } = given[index]!.entry.message;
    return entry === undefined ? [] : [{ entry, links, joins }];
  });
  const keys = added.flatMap(({ joins }) => joins);
  for (const joined of joinByKeys(catalog, keys))
    linkJoined(catalog, gatewayId, joined, new StoredRows(catalog));
  const byConversation = Map.groupBy(added, ({ entry }) => entry.conversationId);
  const told = catalog.records.usage.tell(responses);
  for (const [conversationId, own] of byConversation) linkAll(catalog, gatewayId, conversationId, own);
  showMoved(catalog, gatewayId, catalog.records.moveForks(byConversation.keys()));
  const { threads, records } = catalog;
  const older = told.difference(new Set(added.map(({ entry }) => entry.id)));
  showLinks({ threads, records, rows: new StoredRows(catalog), gatewayId }, { nodes: [], entries: older });
  return added.filter(({ entry }) => entry.isHome && entry.isNew).length;
}

/** Of forks: what they go on from was read after them. */
function showMoved(catalog: Catalog, gatewayId: string, moved: readonly RecordNode[]): void {
  const { threads, records } = catalog;
  const byConversation = Map.groupBy(moved, ({ conversationId }) => conversationId);
  for (const [conversationId, own] of byConversation) {
    const entries = own.map((entry) => ({ entry, links: records.linksOf(entry) }));
    const linked = link(threads, records, conversationId, { nodes: [], entries });
    const touched: Touched = {
      nodes: linked.nodes.union(new Set(own.flatMap((entry) => entry.link?.node ?? []))),
      entries: linked.entries.union(new Set(own.map(({ id }) => id))),
    };
    showLinks({ threads, records, rows: new StoredRows(catalog), gatewayId }, touched);
  }
}

/** Links everything that is known of these conversations, and gives what no exchange carried its rows. */
export function linkKnown(
  catalog: Catalog,
  gatewayId: string,
  conversationIds: readonly string[] = catalog.records.conversations(),
): void {
  for (const conversationId of conversationIds) {
    const keys = catalog.records.of(conversationId).flatMap((entry) => catalog.records.joinsOf(entry));
    for (const joined of joinByKeys(catalog, keys))
      linkJoined(catalog, gatewayId, joined, new StoredRows(catalog));
    linkAll(catalog, gatewayId, conversationId, entriesOf(catalog, conversationId));
  }
}

/** A message's rows are hot again: they are brought in step with its link. */
export function showUnsealed(catalog: Catalog, gatewayId: string, node: number): void {
  const { threads, records } = catalog;
  const entry = records.ofThreadNode(node);
  const touched = { nodes: [node], entries: entry === undefined ? [] : [entry.id] };
  showLinks({ threads, records, rows: new StoredRows(catalog), gatewayId }, touched);
}

function entriesOf({ records }: Catalog, conversationId: string): readonly LinkableEntry[] {
  return records.of(conversationId).map((entry) => ({ entry, links: records.linksOf(entry) }));
}

/** Of a conversation that was joined: everything that is known of it, whoever told it. */
function linkJoined(
  catalog: Catalog,
  gatewayId: string,
  { told: conversationId, gone }: Joined,
  rows: LinkableRows,
): void {
  for (const messageId of gone) rows.remove(messageId);
  const { threads, records } = catalog;
  const nodes = catalog.threadNodes(conversationId).map((node) => ({ node, links: [] }));
  const entries = entriesOf(catalog, conversationId);
  const linked = link(threads, records, conversationId, { nodes, entries });
  const touched: Touched = {
    nodes: linked.nodes.union(new Set(nodes.map(({ node }) => node.id))),
    entries: linked.entries.union(new Set(entries.map(({ entry }) => entry.id))),
  };
  showLinks({ threads, records, rows, gatewayId }, touched);
}

function linkAll(
  catalog: Catalog,
  gatewayId: string,
  conversationId: string,
  entries: readonly LinkableEntry[],
): void {
  const { threads, records } = catalog;
  const linked = link(threads, records, conversationId, { nodes: [], entries });
  const own = new Set(entries.map(({ entry }) => entry.id));
  const touched: Touched = { nodes: linked.nodes, entries: linked.entries.union(own) };
  showLinks({ threads, records, rows: new StoredRows(catalog), gatewayId }, touched);
}

class StoredRows implements LinkableRows {
  readonly #catalog: Catalog;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  put(rows: readonly MessageRow[]): void {
    this.#catalog.putRows(rows);
  }

  recast(...[messageId, change]: Parameters<LinkableRows["recast"]>): boolean {
    return this.#catalog.recast(messageId, change);
  }

  remove(messageId: string): void {
    this.#catalog.deleteMessage(messageId);
  }

  /** All that is stored under a node's own name is the node's. */
  giveWay(_messageId: string): void {}

  unsealLater({ id, messageId }: ThreadNode): void {
    if (this.#catalog.isSealed(messageId)) this.#catalog.records.unsealLater(id);
  }
}

/** As above, but some messages have rows that are not stored yet. */
class UnstoredRows extends StoredRows {
  readonly #unstored: Map<string, readonly MessageRow[]>;

  constructor(catalog: Catalog, rows: readonly MessageRow[]) {
    super(catalog);
    this.#unstored = Map.groupBy(rows, (row) => row.message_id);
  }

  override recast(...[messageId, change]: Parameters<LinkableRows["recast"]>): boolean {
    const rows = this.#unstored.get(messageId);
    if (rows === undefined) return super.recast(messageId, change);
    this.#unstored.set(
      messageId,
      rows.map((row) => ({ ...row, ...change(row) })),
    );
    return true;
  }

  override remove(messageId: string): void {
    if (!this.#unstored.delete(messageId)) super.remove(messageId);
  }

  /** An entry had rows of its own before an exchange carried it. */
  override giveWay(messageId: string): void {
    if (this.#unstored.has(messageId)) super.remove(messageId);
  }

  all(): readonly MessageRow[] {
    return [...this.#unstored.values()].flat();
  }
}
