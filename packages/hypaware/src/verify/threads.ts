import { type RecordNode, UNKNOWN } from "../contract/record.ts";
import { ROOT, type ThreadNode } from "../contract/thread.ts";
import { echoedEntry } from "../projection/echo.ts";
import { isOnlyRepeated } from "../projection/link-rows.ts";
import { contentHash } from "../projection/name.ts";
import type { Catalog } from "../store/catalog.ts";

/** Where the rows of a message of the wire must stand, by what identity remembers of it. */
export interface ExpectedRows {
  readonly conversationId: string;
  readonly messageId: string;
  readonly role: string;
  /** Came in a response. */
  readonly isAnswer: boolean;
  /** An exchange brought it, and not a client's record alone. */
  readonly isCarried: boolean;
  /** projection/match-key.ts; null: nothing is known by its content. */
  readonly matchKey: string | null;
  /** undefined: that is for whoever named the message to say. */
  readonly previous: string | undefined;
  readonly index: number | undefined;
}

/** Of every message that exchanges brought to a conversation. A copy of what another conversation has needs none. */
export function expectedRows(catalog: Catalog, conversationId: string): readonly ExpectedRows[] {
  const nodes = new Map(catalog.threadNodes(conversationId).map((node) => [node.id, node]));
  const entries = new Map<number, RecordNode>();
  for (const entry of catalog.records.of(conversationId))
    if (entry.link !== null) entries.set(entry.link.node, entry);
  const byPredecessor = Map.groupBy(nodes.values(), ({ predecessor }) => predecessor);
  const lookup = {
    siblings: ({ predecessor }: ThreadNode) => byPredecessor.get(predecessor) ?? [],
    entryOf: ({ id }: ThreadNode) => entries.get(id),
  };
  return [...nodes.values()].flatMap((node): ExpectedRows[] => {
    if (echoedEntry(lookup, node) !== undefined) return [];
    const entry = entries.get(node.id);
    const { role, isAnswer, matchKey } = node;
    const about = { conversationId, role, isAnswer, isCarried: true, matchKey };
    if (entry?.isHome === true && isOnlyRepeated(catalog.records, entry, node)) return [];
    if (entry?.isHome === true)
      return [{ ...about, messageId: entry.messageId, ...placeOfEntry(catalog.records, entry) }];
    if (entry !== undefined && entry.link?.bond !== "below") return [];
    const place = contentHash(node.messageId) === undefined ? undefined : placeOf(node, nodes, entries);
    return [{ ...about, messageId: node.messageId, previous: place?.previous, index: place?.index }];
  });
}

/** Of every message that a client's record told of a conversation and no exchange brought. */
export function expectedEntries(catalog: Catalog, conversationId: string): readonly ExpectedRows[] {
  const { records, threads } = catalog;
  return records.of(conversationId).flatMap((entry): ExpectedRows[] => {
    const { isHome, link, messageId, role } = entry;
    const node = link === null ? undefined : threads.node(link.node);
    const isCarried = link !== null && (node === undefined || !isOnlyRepeated(records, entry, node));
    if (!isHome || isCarried) return [];
    const about = { conversationId, messageId, role, isAnswer: false, isCarried, matchKey: null };
    return [{ ...about, ...placeOfEntry(records, entry) }];
  });
}

type Place = Pick<ExpectedRows, "previous" | "index">;

/** As the client's record tells it. */
function placeOfEntry(
  records: Catalog["records"],
  { predecessor, isRestart, depth: index }: RecordNode,
): Place {
  if (predecessor === UNKNOWN) return { previous: undefined, index };
  return { previous: isRestart ? "" : (records.node(predecessor)?.messageId ?? ""), index };
}

/** Of a message under a fallback name: below the nearest one that the client has a name for, numbered through from there. */
function placeOf(
  node: ThreadNode,
  nodes: ReadonlyMap<number, ThreadNode>,
  entries: ReadonlyMap<number, RecordNode>,
): { readonly previous: string; readonly index: number } {
  let above = nodes.get(node.predecessor);
  while (above !== undefined && !entries.has(above.id)) above = nodes.get(above.predecessor);
  if (above !== undefined) {
    const entry = entries.get(above.id)!;
    return { previous: entry.messageId, index: entry.depth + node.depth - above.depth };
  }
  const previous = node.predecessor === ROOT ? undefined : nodes.get(node.predecessor);
  return { previous: previous?.messageId ?? "", index: node.depth };
}
