import { cpuTimer } from "@hypaware/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ROOT } from "../contract/thread.ts";
import { threadStoreContract } from "../projection/thread-contract.testkit.ts";
import { Database } from "./database.ts";
import { Threads } from "./threads.ts";

let database: Database;
let threads: Threads;
beforeEach(() => {
  database = Database.open(":memory:");
  threads = new Threads(database);
});
afterEach(() => database.close());

threadStoreContract(() => threads);

test("a name and a place in a thread are taken once", () => {
  threads.addConversation({ id: "a", base: "a", inferred: false, startedAt: "t", failedLeaf: null });
  const node = {
    conversationId: "a",
    predecessor: ROOT,
    matchKey: "k",
    role: "user",
    depth: 0,
    isAnswer: false,
  };
  threads.add({ ...node, messageId: "m1" });
  expect(() => threads.add({ ...node, matchKey: "k2", messageId: "m1" })).toThrow(/UNIQUE/);
  expect(() => threads.add({ ...node, messageId: "m2" })).toThrow(/UNIQUE/);
  expect(() => threads.add({ ...node, conversationId: "nobody", messageId: "m3" })).toThrow(/NOT NULL/);
});

test("a lookup in a long thread stays far under a tenth of a millisecond", () => {
  threads.addConversation({ id: "long", base: "long", inferred: false, startedAt: "t", failedLeaf: null });
  database.transaction(() => {
    const node = { conversationId: "long", role: "user", depth: 0, isAnswer: false };
    for (let at = ROOT, n = 0; n < 20_000; n += 1)
      at = threads.add({ ...node, predecessor: at, matchKey: `key-${n % 500}`, messageId: `name-${n}` }).id;
  });
  const cpuMs = cpuTimer();
  for (let n = 1; n <= 2000; n += 1) {
    threads.child("long", n, `key-${n % 500}`);
    threads.node(n);
    threads.hasChildren(n);
    threads.named(`name-${n}`);
  }
  expect(cpuMs() / 8000).toBeLessThan(0.1);
});

test("what a transaction added is forgotten when it is rolled back", () => {
  threads.addConversation({ id: "a", base: "a", inferred: false, startedAt: "t", failedLeaf: null });
  const node = { conversationId: "a", role: "user", depth: 0, isAnswer: false };
  const first = threads.add({ ...node, predecessor: ROOT, matchKey: "k1", messageId: "m1" });
  expect(() =>
    database.transaction(() => {
      threads.markAnswer(first.id);
      threads.add({ ...node, predecessor: first.id, matchKey: "k2", messageId: "m2" });
      expect(threads.child("a", first.id, "k2")?.messageId).toBe("m2");
      throw new Error("no");
    }),
  ).toThrow("no");
  expect(threads.child("a", first.id, "k2")).toBeUndefined();
  expect(threads.node(first.id + 1)).toBeUndefined();
  expect(threads.child("a", ROOT, "k1")).toEqual(first);
});

test("what is remembered of a conversation follows what is written, and goes with a rollback", () => {
  const conversation = { id: "a", base: "a", inferred: true, startedAt: "t", failedLeaf: null };
  const node = { conversationId: "a", predecessor: ROOT, role: "user", depth: 0, isAnswer: false };
  expect(() =>
    database.transaction(() => {
      threads.addConversation(conversation);
      expect(threads.conversation("a")).toEqual(conversation);
      throw new Error("no");
    }),
  ).toThrow("no");
  expect(threads.conversation("a")).toBeUndefined();

  threads.addConversation(conversation);
  expect(threads.child("a", ROOT, "k")).toBeUndefined();
  const made = threads.add({ ...node, matchKey: "k", messageId: "m" });
  expect(threads.child("a", ROOT, "k")).toEqual(made);
  expect(new Threads(database).child("a", ROOT, "k")).toEqual(made);
  expect(threads.conversation("a")).toEqual(conversation);
  threads.setFailedLeaf("a", made.id);
  expect(threads.conversation("a")).toEqual({ ...conversation, failedLeaf: made.id });
  database.run("UPDATE conversations SET started_at = 'later' WHERE id = 'a'");
  threads.forgetKnown();
  expect(threads.conversation("a")?.startedAt).toBe("later");
});
