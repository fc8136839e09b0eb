// Finding the thread again after the client changed its own history.
//
// The request's list left the stored thread at some entry. If the client only edited (cleared a tool result, moved a
// reminder, dropped a turn, compacted), a later answer in the list is one that we stored further down. That answer is
// the anchor: whatever stands before it is an edited past, not news.
//
// Most answers are unique (tool call ids, prose), so the first one that fits exactly one place decides. Where every
// later answer fits several places ("Done.", "Done."), the whole rest is compared with all paths that could be meant:
// the longest common subsequence of list and path wins (tree-match.ts).

import type { ThreadNode, ThreadStore } from "../contract/thread.ts";
import { ROOT } from "../contract/thread.ts";
import { LIMITS } from "../contract/limits.ts";
import { bestEnd, bestStart } from "./tree-match.ts";

/** What alignment knows of one entry of a request's list. */
export interface Step {
  readonly key: string;
  readonly reasoning: boolean;
  /** A role that answers. Only answers are anchors: what people say repeats too easily. */
  readonly answer: boolean;
}

export interface Anchor {
  /** Position in the list. */
  readonly index: number;
  readonly node: ThreadNode;
  /** Entries before it, from where the list left the thread, that stand nowhere on the stored path. */
  readonly edits: number;
}

/** Where to look. */
export interface Scope {
  /** The last answer that was recognised; the anchor is below it. Undefined: anywhere in the conversation. */
  readonly below: ThreadNode | undefined;
  /**
   * Right after a compaction summary its node's id: what the client kept was stored before, so the first match has a
   * smaller one; and what was said last is meant, not what stands nearest. Undefined elsewhere.
   */
  readonly keptBefore: number | undefined;
}

interface Fit {
  readonly index: number;
  readonly nodes: readonly ThreadNode[];
}

interface Compared {
  /** Positions in the list of the entries compared: all but reasoning. */
  readonly columns: readonly number[];
  readonly keys: readonly string[];
  /** Parents before children. */
  readonly places: readonly ThreadNode[];
}

/** How far back in the store's ids the conversation's last message before a compaction is looked for. */
const RECENT_IDS = 256;

export class Resync {
  readonly #threads: ThreadStore;
  readonly #conversationId: string;
  readonly #steps: readonly Step[];
  readonly #byKey = new Map<string, readonly ThreadNode[]>();
  readonly #nodes = new Map<number, ThreadNode | undefined>();
  #cellsLeft: number = LIMITS.alignCells;

  constructor(threads: ThreadStore, conversationId: string, steps: readonly Step[]) {
    this.#threads = threads;
    this.#conversationId = conversationId;
    this.#steps = steps;
  }

  /** The next anchor at or after `from` and before `to`; undefined when nothing there was stored. */
  find(from: number, to: number, { below, keptBefore }: Scope): Anchor | undefined {
    const isBelow = this.#membership(below);
    const places = new Map<string, readonly ThreadNode[]>();
    const fits: Fit[] = [];
    for (let index = from; index < to; index++) {
      const step = this.#steps[index];
      if (step === undefined || step.reasoning || !step.answer) continue;
      const all = places.get(step.key) ?? this.#withKey(step.key).filter(isBelow);
      places.set(step.key, all);
      const kept =
        keptBefore === undefined || fits.length > 0 ? [] : all.filter((node) => node.id < keptBefore);
      const fit = { index, nodes: kept.length > 0 ? this.#byRecency(kept, keptBefore) : all };
      if (fit.nodes.length === 1) return this.#leave(from, [fit], below) ?? nearest(fit, from);
      if (fit.nodes.length > 1) fits.push(fit);
    }
    const [first] = fits;
    if (first === undefined) return undefined;
    if (keptBefore === undefined) return this.#leave(from, fits, below) ?? nearest(first, from);
    return (
      this.#takeUp(from, first, fits) ?? {
        index: first.index,
        node: first.nodes.at(-1)!,
        edits: first.index - from,
      }
    );
  }

  /** Jumps over everything that was edited: to the last answer that still stands on the best path. */
  #leave(from: number, fits: readonly Fit[], below: ThreadNode | undefined): Anchor | undefined {
    const compared = this.#compared(from, fits, below);
    if (compared === undefined) return undefined;
    const { columns, keys, places } = compared;
    const isEnd = new Set(fits.map((fit) => fit.index));
    const end = bestEnd(keys, places, (column) => isEnd.has(columns[column]!));
    return end && { index: columns[end.column]!, node: end.node, edits: end.column + 1 - end.matched };
  }

  /** After a compaction: to the place from which on the rest of the list goes on best. */
  #takeUp(from: number, first: Fit, fits: readonly Fit[]): Anchor | undefined {
    const compared = this.#compared(from, fits, undefined);
    if (compared === undefined) return undefined;
    const { columns, keys, places } = compared;
    const start = bestStart(keys, places, columns.indexOf(first.index), first.nodes);
    if (start === undefined) return undefined;
    let before: ThreadNode | undefined = this.#node(start.node.predecessor);
    let column = start.column - 1;
    while (before !== undefined && column >= 0 && before.matchKey === keys[column]) {
      before = this.#node(before.predecessor);
      column -= 1;
    }
    return { index: first.index, node: start.node, edits: column + 1 };
  }

  /** The most recent one last: on the path that was extended last before `keptBefore`, then by age. */
  #byRecency(nodes: readonly ThreadNode[], keptBefore = Number.POSITIVE_INFINITY): readonly ThreadNode[] {
    if (nodes.length < 2) return nodes;
    const recent = new Set<number>();
    for (let id = keptBefore - 1; id > ROOT && id > keptBefore - RECENT_IDS && recent.size === 0; id--) {
      let node = this.#node(id);
      if (node?.conversationId !== this.#conversationId) continue;
      for (; node !== undefined; node = this.#node(node.predecessor)) recent.add(node.id);
    }
    return [...nodes.filter((node) => !recent.has(node.id)), ...nodes.filter((node) => recent.has(node.id))];
  }

  /** List and tree of one comparison; undefined when it takes more cells than are left. */
  #compared(from: number, fits: readonly Fit[], below: ThreadNode | undefined): Compared | undefined {
    const columns: number[] = [];
    for (let index = from; index <= fits.at(-1)!.index; index++) {
      if (this.#steps[index]?.reasoning === false) columns.push(index);
    }
    const places = this.#paths(fits, below, this.#cellsLeft / (columns.length + 1));
    if (places === undefined) return undefined;
    this.#cellsLeft -= places.length * (columns.length + 1);
    return { columns, keys: columns.map((index) => this.#steps[index]!.key), places };
  }

  /** All nodes on the ways from `below` down to the fits, parents first; undefined when there are more than `limit`. */
  #paths(
    fits: readonly Fit[],
    below: ThreadNode | undefined,
    limit: number,
  ): readonly ThreadNode[] | undefined {
    const places = new Map<number, ThreadNode>();
    for (const nodes of new Set(fits.map((fit) => fit.nodes))) {
      for (const fit of nodes) {
        for (
          let node: ThreadNode | undefined = fit;
          node !== undefined && node.id !== below?.id && !places.has(node.id);
          node = this.#node(node.predecessor)
        ) {
          places.set(node.id, node);
          if (places.size > limit) return undefined;
        }
      }
    }
    return [...places.values()].sort((a, b) => a.depth - b.depth);
  }

  /** A test for "is a proper descendant of `top`"; each node is climbed from once. */
  #membership(top: ThreadNode | undefined): (node: ThreadNode) => boolean {
    if (top === undefined) return () => true;
    const known = new Map<number, boolean>();
    return (node) => {
      const climbed: number[] = [];
      let at: ThreadNode | undefined = node;
      let verdict = false;
      while (at !== undefined && at.depth > top.depth) {
        const remembered = known.get(at.id);
        if (remembered !== undefined) {
          verdict = remembered;
          break;
        }
        climbed.push(at.id);
        if (at.predecessor === top.id) {
          verdict = true;
          break;
        }
        at = this.#node(at.predecessor);
      }
      for (const id of climbed) known.set(id, verdict);
      return verdict;
    };
  }

  #withKey(key: string): readonly ThreadNode[] {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const nodes = this.#threads.withKey(this.#conversationId, key);
    this.#byKey.set(key, nodes);
    for (const node of nodes) this.#nodes.set(node.id, node);
    return nodes;
  }

  #node(id: number): ThreadNode | undefined {
    if (this.#nodes.has(id)) return this.#nodes.get(id);
    const node = this.#threads.node(id);
    this.#nodes.set(id, node);
    return node;
  }
}

/** Without a comparison, where one would take too long: the nearest place, of these the latest. */
function nearest({ index, nodes }: Fit, from: number): Anchor {
  const node = nodes.reduce((best, each) =>
    each.depth < best.depth || (each.depth === best.depth && each.id > best.id) ? each : best,
  );
  return { index, node, edits: index - from };
}
