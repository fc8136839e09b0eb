// A list against a tree of paths: longest common subsequences, one row of numbers per node. Cost: nodes times list length.

import type { ThreadNode } from "../contract/thread.ts";
import { isReasoningKey } from "./match-key.ts";

export interface Pair {
  /** Position in the list. */
  readonly column: number;
  readonly node: ThreadNode;
  /** Entries recognised on the way: up to this pair (forwards), or from it on (backwards). */
  readonly matched: number;
}

/**
 * Where the list is best left: the pair up to which most of it stands on one path. Then the fewest entries that stand
 * nowhere; then the path that is as long as the list, since clients replace messages more often than they add or drop them;
 * then the nearest place, of these the latest. `nodes`: parents before children.
 */
export function bestEnd(
  list: readonly string[],
  nodes: readonly ThreadNode[],
  isEnd: (column: number) => boolean,
): Pair | undefined {
  const { keys, keyOf } = numbered(list);
  const rows = new Map<number, Uint32Array>();
  const lengths = new Map<number, number>();
  const above = new Uint32Array(list.length + 1);
  let best: (Pair & { readonly detour: number }) | undefined;
  for (const node of nodes) {
    const previous = rows.get(node.predecessor) ?? above;
    const length = (lengths.get(node.predecessor) ?? 0) + (isReasoningKey(node.role, node.matchKey) ? 0 : 1);
    const row = new Uint32Array(list.length + 1);
    const key = keyOf(node);
    for (let column = 0; column < keys.length; column++) {
      let matched = Math.max(previous[column + 1]!, row[column]!);
      if (keys[column] === key) {
        const pair = { column, node, matched: previous[column]! + 1, detour: Math.abs(length - column - 1) };
        matched = Math.max(matched, pair.matched);
        if (isEnd(column) && (best === undefined || isBetterEnd(pair, best))) best = pair;
      }
      row[column + 1] = matched;
    }
    rows.set(node.id, row);
    lengths.set(node.id, length);
  }
  return best;
}

function isBetterEnd(a: Pair & { readonly detour: number }, b: Pair & { readonly detour: number }): boolean {
  if (a.matched !== b.matched) return a.matched > b.matched;
  if (a.column !== b.column) return a.column < b.column;
  if (a.detour !== b.detour) return a.detour < b.detour;
  return a.node.depth === b.node.depth ? a.node.id > b.node.id : a.node.depth < b.node.depth;
}

/**
 * Where the list is best taken up at `column`: the node from which on most of the rest stands on one path below it; among
 * equals the one in the latest place of `starts`. `nodes`: parents before children.
 */
export function bestStart(
  list: readonly string[],
  nodes: readonly ThreadNode[],
  column: number,
  starts: readonly ThreadNode[],
): Pair | undefined {
  const { keys, keyOf } = numbered(list);
  const rank = new Map(starts.map((node, index) => [node.id, index]));
  const belowNode = new Map<number, Uint32Array>();
  const nothing = new Uint32Array(list.length + 1);
  let best: Pair | undefined;
  for (const node of nodes.toReversed()) {
    const below = belowNode.get(node.id) ?? nothing;
    const row = new Uint32Array(list.length + 1);
    const key = keyOf(node);
    for (let at = list.length - 1; at >= column; at--) {
      const matched = keys[at] === key ? below[at + 1]! + 1 : 0;
      row[at] = Math.max(row[at + 1]!, below[at]!, matched);
      const own = rank.get(node.id);
      if (at !== column || matched === 0 || own === undefined) continue;
      const other = best === undefined ? -1 : rank.get(best.node.id)!;
      if (best === undefined || matched > best.matched || (matched === best.matched && own > other)) {
        best = { column, node, matched };
      }
    }
    belowNode.delete(node.id);
    const siblings = belowNode.get(node.predecessor);
    if (siblings === undefined) belowNode.set(node.predecessor, row);
    else for (let at = column; at < row.length; at++) siblings[at] = Math.max(siblings[at]!, row[at]!);
  }
  return best;
}

/** Numbers for keys: the inner loops compare millions of them. 0 is no key of the list. */
function numbered(list: readonly string[]): { keys: Uint32Array; keyOf: (node: ThreadNode) => number } {
  const numbers = new Map<string, number>();
  for (const key of list) if (!numbers.has(key)) numbers.set(key, numbers.size + 1);
  return {
    keys: Uint32Array.from(list, (key) => numbers.get(key)!),
    keyOf: (node) => numbers.get(node.matchKey) ?? 0,
  };
}
