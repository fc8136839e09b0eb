// Brings rows in step with links (link.ts). An entry's name stands over one message's rows: over its own, made of the record alone, as
// long as no message of the wire is linked with it; then over that message's.

import type { MessageRow } from "../contract/dataset.ts";
import type { RecordEntry, RecordNode, RecordStore } from "../contract/record.ts";
import type { ThreadNode, ThreadStore } from "../contract/thread.ts";
import type { Usage } from "../contract/projection.ts";
import { type EchoLookup, echoedEntry, echoesOf } from "./echo.ts";
import { isNative } from "./link.ts";
import { answers } from "./match-key.ts";
import { inSession, mergeAttributes, usageAttributes } from "./attributes.ts";
import { asRecorded, entryRows, recordedPart, type RecordedPart, type RecordPlace } from "./recorded-row.ts";

/** Rows by the name of their message. */
export interface LinkableRows {
  put(rows: readonly MessageRow[]): void;
  /** False: the message has no row that could be changed here. */
  recast(messageId: string, change: (part: RecordedPart) => RecordedPart): boolean;
  remove(messageId: string): void;
  /** The same, but for rows that are not stored yet: they take this place. */
  giveWay(messageId: string): void;
  /** The message's rows are sealed: to be made hot, and brought in step then. */
  unsealLater(node: ThreadNode): void;
}

/** Which message's rows stand under an entry's name, and what they were before where that may be undone. */
export interface Shown {
  readonly node: number;
  readonly before: readonly RecordedPart[] | null;
}

/** What a client says that its responses cost. */
export interface UsageStore {
  /** Entries of the same response, itself among them; none when nothing was told of it. */
  siblings(entry: number): readonly number[];
  /** Of the last entry of a response that no exchange brought. */
  shownAt(entry: number): Usage | undefined;
}

export interface EntryStore extends RecordStore {
  readonly usage: UsageStore;
  payload(id: number): RecordEntry;
  /** Of which the conversation is a part. */
  session(conversationId: string): string | undefined;
  /** Milliseconds since 1970. */
  startedAt(conversationId: string): number;
  shown(entry: number): Shown | null;
  setShown(entry: number, shown: Shown | null): void;
}

export interface LinkRows {
  readonly threads: ThreadStore;
  readonly records: EntryStore;
  readonly rows: LinkableRows;
  readonly gatewayId: string;
}

/** Ids of messages of the wire and of entries that are new, or whose link is another. */
export interface Touched {
  readonly nodes: Iterable<number>;
  readonly entries: Iterable<number>;
}

export function showLinks(work: LinkRows, touched: Touched): void {
  const ids = new Set(touched.entries);
  // Which of them has the usage may be another one now.
  for (const id of touched.entries) for (const sibling of work.records.usage.siblings(id)) ids.add(sibling);
  const entries = [...ids].sort((a, b) => a - b).map((id) => work.records.node(id)!);
  for (const entry of entries) takeBack(work, entry);
  for (const entry of entries) show(work, entry);
  const nodes = withUnlinkedBelow(work, withEchoes(work, touched.nodes));
  const above = new Map<number, Above | null>();
  for (const node of nodes) placeUnlinked(work, node, above);
}

/** Rows under the entry's name that belong to a message that it is not any more. */
function takeBack({ records, rows }: LinkRows, { id, messageId, link }: RecordNode): void {
  const shown = records.shown(id);
  if (shown === null || shown.node === link?.node) return;
  const { before } = shown;
  if (before !== null) rows.recast(messageId, (part) => before[part.part_index] ?? part);
  records.setShown(id, null);
}

function show(work: LinkRows, entry: RecordNode): void {
  const { threads, records, rows } = work;
  const { id, messageId, link, isHome } = entry;
  if (link === null) {
    if (isHome) rows.put(ownRows(work, entry));
    return;
  }
  const isLoose = link.bond === "below";
  const node = threads.node(link.node);
  if (node !== undefined && isHome && isOnlyRepeated(records, entry, node)) {
    rows.remove(node.messageId);
    rows.put(ownRows(work, entry));
    records.setShown(id, { node: node.id, before: null });
    return;
  }
  if (records.shown(id) !== null) {
    if (!isLoose) records.setShown(id, { node: link.node, before: null });
    return;
  }
  if (node === undefined) return;
  if (!isHome) {
    // The message has its rows where it was said. While the bond may be undone this one keeps its own.
    if (isLoose) return;
    rows.remove(node.messageId);
    records.setShown(id, { node: node.id, before: null });
    return;
  }
  if (node.messageId === messageId) rows.giveWay(messageId);
  else rows.remove(messageId);
  const [payload, place] = [records.payload(id), placeOf(work, entry)];
  const before: RecordedPart[] = [];
  const isShown = rows.recast(node.messageId, (part) => {
    before[part.part_index] = recordedPart(part);
    return asRecorded(part, payload, place);
  });
  if (isShown) records.setShown(id, { node: node.id, before: isLoose ? before : null });
  else rows.unsealLater(node);
}

/** An answer of the provider's that came in requests alone: no exchange brought it, and its client knows more of it than it sends back. */
export function isOnlyRepeated(
  { usage }: Pick<EntryStore, "usage">,
  { id }: RecordNode,
  { role, isAnswer }: ThreadNode,
): boolean {
  return answers(role) && !isAnswer && usage.siblings(id).length > 0;
}

/** The nearest message above that has an entry. */
interface Above {
  readonly entry: RecordNode;
  readonly node: ThreadNode;
}

/** Reminders and the like: they have no entry, hang at the nearest message that has one, and nothing hangs at them. */
function placeUnlinked(work: LinkRows, node: ThreadNode, known: Map<number, Above | null>): void {
  const { threads, records, rows } = work;
  if (isShown(records, node)) return;
  if (echoedEntry(echoLookup(work), node) !== undefined) {
    rows.remove(node.messageId);
    return;
  }
  const predecessor = threads.node(node.predecessor);
  const above = predecessor === undefined ? null : nearest(work, predecessor, known);
  const own = predecessor === undefined ? [] : [predecessor.messageId];
  // What the wire itself names follows each other as it was sent.
  const isChained = predecessor !== undefined && isNative(node) && isNative(predecessor);
  const isApart = above === null || (isChained && above.node.id !== predecessor.id);
  const previous = isApart ? own : [above.entry.messageId];
  const index = above === null ? node.depth : above.entry.depth + node.depth - above.node.depth;
  const change = (part: RecordedPart): RecordedPart => ({
    ...part,
    conversation_id: node.conversationId,
    previous_message_id: previous,
    message_index: index,
    attributes: inSession(part.attributes ?? {}, () => records.session(node.conversationId)),
  });
  if (!rows.recast(node.messageId, change)) rows.unsealLater(node);
}

/** At `node` or above. `known`: what earlier calls found, so that a long run of unlinked messages is walked once. */
function nearest(
  { threads, records }: LinkRows,
  node: ThreadNode,
  known: Map<number, Above | null>,
): Above | null {
  const passed: number[] = [];
  let found: Above | null = null;
  for (let at: ThreadNode | undefined = node; at !== undefined; at = threads.node(at.predecessor)) {
    const before = known.get(at.id);
    if (before !== undefined) {
      found = before;
      break;
    }
    passed.push(at.id);
    const entry = records.ofThreadNode(at.id);
    if (entry === undefined) continue;
    found = { entry, node: at };
    break;
  }
  for (const id of passed) known.set(id, found);
  return found;
}

function isShown(records: EntryStore, node: ThreadNode): boolean {
  const entry = records.ofThreadNode(node.id);
  return entry !== undefined && records.shown(entry.id)?.node === node.id;
}

function* withEchoes(work: LinkRows, ids: Iterable<number>): Iterable<number> {
  const lookup = echoLookup(work);
  for (const id of ids) {
    yield id;
    for (const echo of echoesOf(lookup, work.threads.node(id)!)) yield echo.id;
  }
}

function echoLookup({ threads, records }: LinkRows): EchoLookup {
  return {
    siblings: ({ conversationId, predecessor }) => threads.children(conversationId, predecessor),
    entryOf: ({ id }) => records.ofThreadNode(id),
  };
}

/** With everything below them that has no entry, each once. */
function withUnlinkedBelow({ threads, records }: LinkRows, ids: Iterable<number>): Iterable<ThreadNode> {
  const found = new Map([...ids].map((id) => [id, threads.node(id)!]));
  const open = [...found.values()];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const below of threads.children(at.conversationId, at.id)) {
      if (found.has(below.id) || records.ofThreadNode(below.id) !== undefined) continue;
      found.set(below.id, below);
      open.push(below);
    }
  }
  return found.values();
}

function ownRows(work: LinkRows, entry: RecordNode): readonly MessageRow[] {
  const { records, gatewayId } = work;
  const payload = records.payload(entry.id);
  const caller = payload.message.source_tool_assistant_uuid;
  const toolName = (callId: string): string | undefined => {
    const call = caller === undefined ? undefined : records.named(entry.conversationId, caller);
    const content = call?.isHome === true ? records.payload(call.id).message.content : [];
    const block = typeof content === "string" ? undefined : content.find((each) => each["id"] === callId);
    return typeof block?.["name"] === "string" ? block["name"] : undefined;
  };
  const rows = entryRows(payload, placeOf(work, entry), gatewayId, toolName);
  const usage = records.usage.shownAt(entry.id);
  const last = rows.at(-1);
  if (usage === undefined || last === undefined) return rows;
  return [
    ...rows.slice(0, -1),
    { ...last, attributes: mergeAttributes(last.attributes ?? {}, usageAttributes(usage)) },
  ];
}

function placeOf({ records }: LinkRows, { depth, conversationId }: RecordNode): RecordPlace {
  return { depth, conversationStartedAt: new Date(records.startedAt(conversationId)).toISOString() };
}
