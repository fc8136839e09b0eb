// Which messages of the wire are which entries of the client's own record. The result is a function of what is known, not of the order
// in which it came: lines may be read before, between or long after the exchanges. Three bonds, each surer than the next:
//   key    both have the same native name, in whichever conversations, or name the same thing (ProjectedMessage.links); the n-th node
//          with a key is the n-th entry with it
//   path   above a pair with a key: what lies between it and the next pair above, on the wire's path and on the record's, is aligned
//          by match key. Reminders are on the wire only, attachments in the record only
//   below  no answer yet, or one that left no line: what was asked is the first node with its match key that hangs below the same pair
// Content alone links nothing: a bond without a key always rests on a pair at the same place. Bonds of `key` and `path` are firm.
// Nodes and entries come in the order in which they were said, so a firm bond never has to give way to a later one; a bond of
// `below` gives way to both.

import { LIMITS } from "../contract/limits.ts";
import type { Bond, RecordNode, RecordStore } from "../contract/record.ts";
import { ROOT, type ThreadNode, type ThreadStore } from "../contract/thread.ts";
import { answers, isReasoningKey, reasoningKey } from "./match-key.ts";
import { contentHash } from "./name.ts";

/** A node that was just stored, with the keys that its message carries. */
export interface LinkableNode {
  readonly node: ThreadNode;
  readonly links: readonly string[];
}

export interface LinkableEntry {
  readonly entry: RecordNode;
  readonly links: readonly string[];
}

export interface Linked {
  /** Thread nodes and record nodes whose link is new, another, or gone. */
  readonly nodes: ReadonlySet<number>;
  readonly entries: ReadonlySet<number>;
}

/** Links what is new in a conversation with all that is known of it. Both lists in the order in which they were stored. */
export function link(
  threads: ThreadStore,
  records: RecordStore,
  conversationId: string,
  fresh: { readonly nodes: readonly LinkableNode[]; readonly entries: readonly LinkableEntry[] },
): Linked {
  const linker = new Linker(threads, records, conversationId);
  linker.add(fresh.nodes, fresh.entries);
  return linker;
}

interface Pair {
  readonly node: ThreadNode;
  readonly entry: RecordNode;
}

class Linker implements Linked {
  readonly nodes = new Set<number>();
  readonly entries = new Set<number>();
  readonly #threads: ThreadStore;
  readonly #records: RecordStore;
  readonly #conversationId: string;
  /** Match keys whose loose bonds may have changed. */
  readonly #unsettled = new Set<string>();
  /** By entry: the node that it repeats. */
  readonly #repeats = new Map<number, number | undefined>();
  /** By node without a firm bond. */
  readonly #anchors = new Map<number, number>();

  constructor(threads: ThreadStore, records: RecordStore, conversationId: string) {
    this.#threads = threads;
    this.#records = records;
    this.#conversationId = conversationId;
  }

  add(nodes: readonly LinkableNode[], entries: readonly LinkableEntry[]): void {
    const pairs = [
      ...nodes.flatMap((each) => this.#pairOfNode(each) ?? []),
      ...entries.flatMap((each) => this.#pairOfEntry(each) ?? []),
    ].sort((a, b) => a.entry.id - b.entry.id);
    for (const pair of pairs) {
      let top: Pair | undefined = pair;
      while (top !== undefined) top = this.#alignAbove(top);
    }
    for (const { node } of nodes) this.#unsettle(node);
    for (const { entry } of entries) this.#unsettle(entry);
    if (pairs.length > 0)
      for (const key of this.#records.looseKeys(this.#conversationId)) this.#unsettled.add(key);
    for (const key of this.#unsettled) this.#settle(key);
  }

  #pairOfNode({ node, links }: LinkableNode): Pair | undefined {
    const namesake = isNative(node) ? this.#records.home(node.messageId) : undefined;
    if (namesake !== undefined && namesake.link?.bond !== "key") return this.#pair(node, namesake);
    for (const key of links)
      for (const entry of this.#records.withLink(this.#conversationId, key))
        if (entry.link?.bond !== "key") return this.#pair(node, entry);
    return undefined;
  }

  #pairOfEntry({ entry, links }: LinkableEntry): Pair | undefined {
    // One of the new nodes may have taken it.
    if (this.#records.node(entry.id)?.link?.bond === "key") return undefined;
    const namesake = entry.isHome ? this.#threads.named(entry.messageId) : undefined;
    if (namesake !== undefined && isNative(namesake)) return this.#pair(namesake, entry);
    for (const key of links) {
      for (const id of this.#records.threadNodesWithLink(this.#conversationId, key)) {
        const node = this.#threads.node(id);
        const isOwn = node?.conversationId === this.#conversationId;
        if (isOwn && this.#records.ofThreadNode(id)?.link?.bond !== "key") return this.#pair(node, entry);
      }
    }
    return undefined;
  }

  #pair(node: ThreadNode, entry: RecordNode): Pair {
    this.#bind(entry, node, "key");
    return { node, entry };
  }

  /** Aligns what lies between a pair and the one above it. A pair from which to go on where that was too much at once. */
  #alignAbove({ node, entry }: Pair): Pair | undefined {
    const path: ThreadNode[] = [];
    let above = this.#threads.node(node.predecessor);
    for (; above !== undefined && !this.#isFirm(above.id); above = this.#threads.node(above.predecessor))
      path.push(above);
    if (path.length === 0) return undefined;

    const until = above && this.#records.ofThreadNode(above.id);
    // The record's latest stretch first: behind a compaction its summary stands before what was kept, on the wire after it.
    const stretches: RecordNode[][] = [[]];
    let before = this.#records.node(entry.predecessor);
    let isMet = (): boolean => before?.id === until?.id;
    for (; before !== undefined && !isMet(); before = this.#records.node(before.predecessor)) {
      if (before.matchKey !== null && !isFirm(before)) {
        if (until !== undefined && this.#isRepeat(before, until)) isMet = () => true;
        else stretches.at(-1)!.push(before);
      }
      if (before.isRestart) stretches.push([]);
    }
    // The record goes on from somewhere else.
    if (!isMet()) return undefined;

    const told = stretches.flat();
    const isWhole = path.length * told.length <= LIMITS.alignCells;
    const window = isWhole ? Infinity : Math.floor(Math.sqrt(LIMITS.alignCells));
    let left: readonly ThreadNode[] = path.slice(0, window).reverse();
    const pairs = stretches.flatMap((stretch, age) => {
      const own = stretch.slice(0, window);
      // Of what was said before a compaction the end was kept.
      const found =
        age === 0 ? commonPairs(left, own.reverse()) : commonPairs(left.toReversed(), own).toReversed();
      const taken = new Set(found.map((pair) => pair.node.id));
      left = left.filter(({ id }) => !taken.has(id));
      return found;
    });
    for (const pair of pairs) this.#bind(pair.entry, pair.node, "path");
    for (const each of [...path, ...told]) this.#unsettle(each);
    return isWhole ? undefined : pairs[0];
  }

  /** Loose bonds of everything with this match key, anew. */
  #settle(matchKey: string): void {
    const open = this.#records.open(this.#conversationId, matchKey);
    if (open.length === 0) return;
    const free = this.#threads
      .withKey(this.#conversationId, matchKey)
      .filter((node) => !this.#isFirm(node.id))
      .map((node) => ({ node, anchor: this.#anchorOfNode(node) }));
    for (const entry of open) {
      const anchors = free.length === 0 ? undefined : this.#anchorsOfEntry(entry);
      const index = free.findIndex(({ anchor }) => anchors?.has(anchor));
      const [found] = index === -1 ? [] : free.splice(index, 1);
      if (found?.node.id === entry.link?.node) continue;
      if (found === undefined) this.#release(entry);
      else this.#bind(entry, found.node, "below");
    }
  }

  /** The nearest node above that has a firm bond, or ROOT. Firm bonds are all made by then: what was found once stays. */
  #anchorOfNode(node: ThreadNode): number {
    const passed: number[] = [];
    let at = this.#threads.node(node.predecessor);
    while (at !== undefined && !this.#anchors.has(at.id) && !this.#isFirm(at.id)) {
      passed.push(at.id);
      at = this.#threads.node(at.predecessor);
    }
    const anchor = at === undefined ? ROOT : (this.#anchors.get(at.id) ?? at.id);
    for (const id of passed) this.#anchors.set(id, anchor);
    return anchor;
  }

  /**
   * The same for an entry; behind a compaction the client starts at a root, or goes on where it was. It may leave out an answer that it
   * gave up, and wrote a remark in the place of the rest of: then the next one goes on from what that answered.
   */
  #anchorsOfEntry(entry: RecordNode): ReadonlySet<number> {
    const anchors = new Set<number>();
    let isGivenUp = false;
    for (let at = entry; ;) {
      if (at.isRestart || at.predecessor === ROOT) anchors.add(ROOT);
      const before = this.#records.node(at.predecessor);
      if (before === undefined) return anchors;
      const isBound = before.link !== null && isFirm(before);
      const node = isBound ? before.link.node : this.#repeated(before);
      if (node !== undefined) anchors.add(node);
      if (node !== undefined && !(isGivenUp && answers(before.role))) return anchors;
      if (before.matchKey === null && answers(before.role)) isGivenUp = true;
      at = before;
    }
  }

  /** The message of the wire that an entry repeats: the client asked twice from one place, or was told the same twice. */
  #repeated(entry: RecordNode): number | undefined {
    const { id, role, matchKey } = entry;
    if (matchKey === null || isReasoningKey(role, matchKey)) return undefined;
    if (this.#repeats.has(id)) return this.#repeats.get(id);
    const node = this.#threads.withKey(this.#conversationId, matchKey).find((each) => {
      const other = this.#records.ofThreadNode(each.id);
      return other !== undefined && isFirm(other) && this.#isRepeat(entry, other);
    });
    this.#repeats.set(id, node?.id);
    return node?.id;
  }

  /** Whether two entries say the same behind the same: on the wire they are one message. */
  #isRepeat(entry: RecordNode, other: RecordNode): boolean {
    let [one, two]: (RecordNode | undefined)[] = [entry, other];
    while (one !== undefined && two !== undefined && one.id !== two.id) {
      if (plainKey(one.role, one.matchKey ?? "") !== plainKey(two.role, two.matchKey ?? "")) return false;
      one = this.#saidBefore(one);
      two = this.#saidBefore(two);
    }
    return one?.id === two?.id;
  }

  /** The nearest entry above that travels, on this side of a compaction. */
  #saidBefore(entry: RecordNode): RecordNode | undefined {
    for (let at = entry; !at.isRestart;) {
      const before = this.#records.node(at.predecessor);
      if (before === undefined || before.matchKey !== null) return before;
      at = before;
    }
    return undefined;
  }

  #isFirm(node: number): boolean {
    const entry = this.#records.ofThreadNode(node);
    return entry !== undefined && isFirm(entry);
  }

  #bind(entry: RecordNode, node: ThreadNode, bond: Bond): void {
    const known = this.#records.node(entry.id)?.link ?? null;
    if (known?.node === node.id) {
      if (known.bond !== bond) this.#records.setLink(entry.id, { node: node.id, bond });
      this.entries.add(entry.id);
      this.nodes.add(node.id);
      return;
    }
    const other = this.#records.ofThreadNode(node.id);
    if (other !== undefined) this.#release(other);
    if (known !== null) this.#release(entry);
    this.#records.setLink(entry.id, { node: node.id, bond });
    this.entries.add(entry.id);
    this.nodes.add(node.id);
  }

  #release({ id }: RecordNode): void {
    const entry = this.#records.node(id);
    if (entry?.link == null) return;
    this.#records.setLink(id, null);
    this.entries.add(id);
    this.nodes.add(entry.link.node);
    this.#unsettle(entry);
  }

  #unsettle({ role, matchKey }: ThreadNode | RecordNode): void {
    if (matchKey !== null && !answers(role)) this.#unsettled.add(matchKey);
  }
}

/** Fallback names are ours: an entry of such a name is another message. */
export function isNative({ messageId }: ThreadNode): boolean {
  return contentHash(messageId) === undefined;
}

function isFirm({ link: known }: RecordNode): boolean {
  return known !== null && known.bond !== "below";
}

/** Longest common subsequence by match key; where there are several, the one that takes the first entries. */
function commonPairs(path: readonly ThreadNode[], told: readonly RecordNode[]): readonly Pair[] {
  const width = told.length + 1;
  const lengths = new Uint32Array((path.length + 1) * width);
  const nodeKeys = path.map(({ role, matchKey }) => plainKey(role, matchKey));
  const entryKeys = told.map(({ role, matchKey }) => plainKey(role, matchKey ?? ""));
  for (let row = path.length - 1; row >= 0; row--) {
    for (let column = told.length - 1; column >= 0; column--) {
      lengths[row * width + column] =
        nodeKeys[row] === entryKeys[column]
          ? lengths[(row + 1) * width + column + 1]! + 1
          : Math.max(lengths[(row + 1) * width + column]!, lengths[row * width + column + 1]!);
    }
  }
  const pairs: Pair[] = [];
  let [row, column] = [0, 0];
  while (row < path.length && column < told.length) {
    if (nodeKeys[row] === entryKeys[column]) {
      pairs.push({ node: path[row]!, entry: told[column]! });
      [row, column] = [row + 1, column + 1];
    } else if (lengths[(row + 1) * width + column]! >= lengths[row * width + column + 1]!) row += 1;
    else column += 1;
  }
  return pairs;
}

/** Reasoning is one key, whichever sample it is. */
function plainKey(role: string, key: string): string {
  return isReasoningKey(role, key) ? reasoningKey(role) : key;
}
