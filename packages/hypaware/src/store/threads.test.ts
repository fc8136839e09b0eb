import { afterEach, beforeEach, expect, test } from "vitest";
import { ROOT } from "../contract/thread.ts";
import type { ThreadNode } from "../contract/thread.ts";
import { Database } from "./database.ts";
import { Threads } from "./threads.ts";

let database: Database;
let threads: Threads;
beforeEach(() => {
  database = Database.open(":memory:");
  threads = new Threads(database);
});
afterEach(() => database.close());

function conversation(id: string, inferred = false, base = id): void {
  threads.addConversation({ id, base, inferred, startedAt: "2026-11-24T10:00:00.123Z", failedLeaf: null });
}
function add(conversationId: string, predecessor: number, matchKey: string, columns: Partial<ThreadNode> = {}) {
  const node = { conversationId, predecessor, matchKey, role: "user", depth: 0, isAnswer: false };
  return threads.add({ ...node, messageId: `${conversationId}/${predecessor}/${matchKey}`, ...columns });
}

test("a node is found by id, by name, and under its predecessor", () => {
  conversation("a");
  conversation("b");
  const root = add("a", ROOT, "k", { messageId: "m1" });
  const next = add("a", root.id, "k", { depth: 1, role: "assistant", isAnswer: true });
  expect(next.id).toBeGreaterThan(root.id);
  expect(threads.node(next.id)).toEqual(next);
  expect(threads.named("m1")).toEqual(root);
  expect(threads.child("a", ROOT, "k")).toEqual(root);
  expect(threads.child("b", ROOT, "k")).toBeUndefined();
  expect(threads.child("a", next.id, "k")).toBeUndefined();
  expect([root, next].map(({ id }) => threads.hasChildren(id))).toEqual([true, false]);
  expect(threads.withKey("a", "k")).toEqual([root, next]);
  expect(() => add("b", ROOT, "k", { messageId: "m1" })).toThrow(/UNIQUE/);
});

test("answers are found across inferred conversations only, newest first", () => {
  conversation("h", true);
  conversation("h:#2", true, "h");
  conversation("named");
  const nodes = ["h", "h:#2", "named"].map((id) => add(id, ROOT, "answer", { isAnswer: true }));
  const late = add("h", nodes[0]!.id, "answer");
  expect(threads.inferredAnswers("answer", 9).map(({ id }) => id)).toEqual([nodes[1]!.id, nodes[0]!.id]);
  threads.markAnswer(late.id);
  expect(threads.inferredAnswers("answer", 2).map(({ id }) => id)).toEqual([late.id, nodes[1]!.id]);
  expect(threads.node(late.id)!.isAnswer).toBe(true);
});

test("conversations count by base, and failed ones are offered until they are answered", () => {
  for (const id of ["h", "h:#2", "h:#3"]) conversation(id, true, "h");
  conversation("other");
  expect([threads.countConversations("h"), threads.countConversations("none")]).toEqual([3, 0]);
  threads.setFailedLeaf("h", 7);
  threads.setFailedLeaf("h:#3", 8);
  threads.setFailedLeaf("other", 9);
  expect(threads.failedConversations("h", 9).map(({ id, failedLeaf }) => [id, failedLeaf])).toEqual([
    ["h:#3", 8],
    ["h", 7],
  ]);
  expect(threads.failedConversations("h", 1)).toHaveLength(1);
  threads.setFailedLeaf("h:#3", null);
  expect(threads.failedConversations("h", 9).map(({ id }) => id)).toEqual(["h"]);
  expect(threads.conversation("h")).toEqual({
    id: "h",
    base: "h",
    inferred: true,
    startedAt: "2026-11-24T10:00:00.123Z",
    failedLeaf: 7,
  });
});

test("tool names belong to their conversation; the last attempt of a request decides whether it failed", () => {
  conversation("a");
  conversation("b");
  threads.rememberTool("a", "t1", "Bash");
  threads.rememberTool("a", "t1", "Read");
  expect([threads.toolName("a", "t1"), threads.toolName("b", "t1")]).toEqual(["Read", undefined]);

  threads.rememberAttempt("s", "d", "x1", true);
  threads.rememberAttempt("s", "d", "x2", true);
  expect([threads.failedAttempt("s", "d"), threads.failedAttempt("s2", "d")]).toEqual(["x2", undefined]);
  threads.rememberAttempt("s", "d", "x3", false);
  expect(threads.failedAttempt("s", "d")).toBeUndefined();
});

test("a lookup in a long thread stays far under a tenth of a millisecond", () => {
  conversation("long");
  database.transaction(() => {
    for (let at = ROOT, n = 0; n < 20_000; n += 1) at = add("long", at, `key-${n % 500}`).id;
  });
  const started = performance.now();
  for (let n = 1; n <= 2000; n += 1) {
    threads.child("long", n, `key-${n % 500}`);
    threads.node(n);
    threads.hasChildren(n);
    threads.named(`long/${n}/key-${n % 500}`);
  }
  expect((performance.now() - started) / 8000).toBeLessThan(0.1);
});
