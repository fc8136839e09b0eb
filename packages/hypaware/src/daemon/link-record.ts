// Links between exchanges and what clients' own records say, in the transaction that stores either.

import type { MessageRow } from "../contract/dataset.ts";
import type { RecordBatch } from "../contract/record.ts";
import type { ThreadNode } from "../contract/thread.ts";
import type { Placement } from "../projection/align.ts";
import { parseEntry } from "../projection/intake.ts";
import { isNative, link, type LinkableEntry } from "../projection/link.ts";
import { type LinkableRows, showLinks, type Touched } from "../projection/link-rows.ts";
import { matchKey } from "../projection/match-key.ts";
import type { Catalog } from "../store/catalog.ts";

/** The rows of an exchange, under the names that the client's record has for them. `fresh`: its new messages. */
export function linkExchange(
  catalog: Catalog,
  gatewayId: string,
  fresh: readonly Placement[],
  rows: readonly MessageRow[],
): readonly MessageRow[] {
  const { threads, records } = catalog;
  const conversationId = fresh[0]?.node.conversationId;
  if (conversationId === undefined) return rows;
  const nodes = fresh.map(({ node, entry }) => ({ node, links: entry.message.links ?? [] }));
  for (const { node, links } of nodes) records.rememberLinks(conversationId, node.id, links);
  const isTold = ({ node }: { node: ThreadNode }): boolean =>
    isNative(node) && records.home(node.messageId) !== undefined;
  if (!records.has(conversationId) && !nodes.some(isTold)) return rows;
  const linked = link(threads, records, conversationId, { nodes, entries: [] });
  const unstored = new UnstoredRows(catalog, rows);
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
  const added = catalog.records.addAll(given, Date.now()).flatMap((node, index): LinkableEntry[] => {
    const links = given[index]!.entry.message.links ?? [];
    return node === undefined ? [] : [{ entry: node, links }];
  });
  const byConversation = Map.groupBy(added, ({ entry }) => entry.conversationId);
  const told = catalog.records.usage.tell(responses);
  for (const [conversationId, own] of byConversation) linkAll(catalog, gatewayId, conversationId, own);
  const { threads, records } = catalog;
  const older = told.difference(new Set(added.map(({ entry }) => entry.id)));
  showLinks({ threads, records, rows: new StoredRows(catalog), gatewayId }, { nodes: [], entries: older });
  return added.filter(({ entry }) => entry.isHome).length;
}

/** Links everything that is known of these conversations, and gives what no exchange carried its rows. */
export function linkKnown(
  catalog: Catalog,
  gatewayId: string,
  conversationIds: readonly string[] = catalog.records.conversations(),
): void {
  for (const conversationId of conversationIds) {
    const entries = catalog.records
      .of(conversationId)
      .map((entry) => ({ entry, links: catalog.records.linksOf(entry) }));
    linkAll(catalog, gatewayId, conversationId, entries);
  }
}

/** A message's rows are hot again: they are brought in step with its link. */
export function showUnsealed(catalog: Catalog, gatewayId: string, node: number): void {
  const { threads, records } = catalog;
  const entry = records.ofThreadNode(node);
  const touched = { nodes: [node], entries: entry === undefined ? [] : [entry.id] };
  showLinks({ threads, records, rows: new StoredRows(catalog), gatewayId }, touched);
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
