import { expect, test } from "vitest";
import type { ThreadNode } from "../contract/thread.ts";
import { KnownNodes } from "./known-nodes.ts";

const node = (id: number, conversationId: string, change: Partial<ThreadNode> = {}): ThreadNode => ({
  id,
  conversationId,
  predecessor: id - 1,
  matchKey: "k",
  messageId: `m${id}`,
  role: "user",
  depth: 0,
  isAnswer: false,
  ...change,
});

test("a node is found by its id and by its place in its conversation", () => {
  const known = new KnownNodes(10);
  const one = known.add(node(1, "a"));
  expect(known.node(1)).toBe(one);
  expect(known.child("a", 0, "k")).toBe(one);
  expect([known.child("b", 0, "k"), known.child("a", 1, "k"), known.child("a", 0, "other")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  const marked = known.add({ ...one, isAnswer: true });
  expect([known.node(1), known.child("a", 0, "k")]).toEqual([marked, marked]);
  known.clear();
  expect([known.node(1), known.child("a", 0, "k")]).toEqual([undefined, undefined]);
});

test("of many that follow the same node each is found, and goes with its conversation", () => {
  const known = new KnownNodes(3);
  const below = [1, 2, 3].map((id) => known.add(node(id, "a", { predecessor: 0, matchKey: `k${id}` })));
  expect([1, 2, 3].map((id) => known.child("a", 0, `k${id}`))).toEqual(below);
  const marked = known.add({ ...below[1]!, isAnswer: true });
  expect([known.child("a", 0, "k2"), known.child("a", 0, "k4")]).toEqual([marked, undefined]);
  known.add(node(4, "b"));
  expect([1, 2, 3, 4].map((id) => known.node(id)?.id)).toEqual([undefined, undefined, undefined, 4]);
});

test("a node that was made is a leaf until something is made below it, one that was read never is", () => {
  const known = new KnownNodes(3);
  known.add(node(1, "a"));
  known.grow(node(2, "a"));
  expect([known.isLeaf(1), known.isLeaf(2)]).toEqual([false, true]);
  known.grow(node(3, "b", { predecessor: 2 }));
  expect([known.isLeaf(2), known.isLeaf(3)]).toEqual([false, true]);
  known.grow(node(4, "b"));
  known.grow(node(5, "c", { predecessor: 0 }));
  expect([known.isLeaf(3), known.isLeaf(4), known.isLeaf(5)]).toEqual([false, true, true]);
  known.clear();
  expect(known.isLeaf(5)).toBe(false);
});

test("conversations go as a whole, the one that grew last at the end", () => {
  const known = new KnownNodes(3);
  for (const [id, conversation] of [
    [1, "a"],
    [2, "b"],
    [3, "a"],
    [4, "c"],
  ] as const)
    known.add(node(id, conversation));
  expect([1, 2, 3, 4].map((id) => known.node(id)?.conversationId)).toEqual(["a", undefined, "a", "c"]);
  for (const id of [5, 6, 7]) known.add(node(id, "c"));
  expect([1, 3, 4, 5, 6, 7].map((id) => known.node(id))).toEqual(Array<undefined>(6).fill(undefined));
  expect(known.child("c", 6, "k")).toBeUndefined();
});
