import { expect, test } from "vitest";
import type { ThreadStore } from "../contract/thread.ts";
import { ROOT } from "../contract/thread.ts";

const entry = (conversationId: string, predecessor: number, matchKey: string, messageId: string) => ({
  conversationId,
  predecessor,
  matchKey,
  messageId,
  role: "user",
  depth: 0,
  isAnswer: false,
});
const STARTED = "2026-01-02T03:04:05.000Z";

/** What projection relies on, as tests: every ThreadStore has to pass. `make` returns an empty store. */
export function threadStoreContract(make: () => ThreadStore): void {
  const withConversation = (id: string, base = id, inferred = false): ThreadStore => {
    const store = make();
    store.addConversation({ id, base, inferred, startedAt: STARTED, failedLeaf: null });
    return store;
  };

  test("an empty store knows nothing", () => {
    const store = make();
    expect(store.conversation("c")).toBeUndefined();
    expect(store.countConversations("c")).toBe(0);
    expect(store.failedConversations("c", 10)).toEqual([]);
    expect(store.node(1)).toBeUndefined();
    expect(store.child("c", ROOT, "k")).toBeUndefined();
    expect(store.hasChildren(1)).toBe(false);
    expect(store.withKey("c", "k")).toEqual([]);
    expect(store.inferredAnswers("k", 10)).toEqual([]);
    expect(store.named("m")).toBeUndefined();
    expect(store.response("r")).toBeUndefined();
    expect(store.toolName("c", "t")).toBeUndefined();
    expect(store.failedAttempt("s", "d")).toBeUndefined();
  });

  test("a conversation is given back as it was added", () => {
    const store = make();
    const conversation = { id: "h:#2", base: "h", inferred: true, startedAt: STARTED, failedLeaf: null };
    store.addConversation(conversation);
    expect(store.conversation("h:#2")).toEqual(conversation);
    expect(store.countConversations("h")).toBe(1);
    expect(store.countConversations("h:#2")).toBe(0);
  });

  test("a node is given back as it was added, with an ascending id that is never the root's", () => {
    const store = withConversation("c");
    const first = store.add({ ...entry("c", ROOT, "k1", "m1"), depth: 0, isAnswer: true, role: "assistant" });
    const second = store.add({ ...entry("c", first.id, "k2", "m2"), depth: 1 });
    expect(first.id).toBeGreaterThan(ROOT);
    expect(second.id).toBeGreaterThan(first.id);
    expect(first).toEqual({
      id: first.id,
      conversationId: "c",
      predecessor: ROOT,
      matchKey: "k1",
      messageId: "m1",
      role: "assistant",
      depth: 0,
      isAnswer: true,
    });
    expect(store.node(first.id)).toEqual(first);
    expect(store.node(second.id)).toEqual(second);
    expect(store.named("m2")).toEqual(second);
  });

  test("a fork's origin is the first message of another conversation below which it goes on", () => {
    const store = withConversation("c");
    store.addConversation({ id: "d", base: "d", inferred: false, startedAt: STARTED, failedLeaf: null });
    const first = store.add(entry("c", ROOT, "k1", "m1"));
    const second = store.add({ ...entry("c", first.id, "k2", "m2"), depth: 1 });
    expect([store.origin("c"), store.origin("d"), store.origin("e")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    store.add(entry("d", ROOT, "k0", "m0"));
    const own = store.add({ ...entry("d", second.id, "k3", "m3"), depth: 2 });
    store.add({ ...entry("d", own.id, "k4", "m4"), depth: 3 });
    store.add({ ...entry("d", first.id, "k5", "m5"), depth: 1 });
    expect([store.origin("c"), store.origin("d")]).toEqual([undefined, second]);
  });

  test("a child is found by conversation, predecessor and key, and only there", () => {
    const store = withConversation("c");
    store.addConversation({ id: "d", base: "d", inferred: false, startedAt: STARTED, failedLeaf: null });
    const first = store.add(entry("c", ROOT, "k", "m1"));
    const second = store.add({ ...entry("c", first.id, "k", "m2"), depth: 1 });
    const other = store.add(entry("d", ROOT, "k", "m3"));
    expect(store.child("c", ROOT, "k")).toEqual(first);
    expect(store.child("c", first.id, "k")).toEqual(second);
    expect(store.child("c", second.id, "k")).toBeUndefined();
    expect(store.child("d", ROOT, "k")).toEqual(other);
    expect(store.child("d", first.id, "k")).toBeUndefined();
    expect(store.child("c", ROOT, "other")).toBeUndefined();
    expect(store.children("c", first.id)).toEqual([second]);
    expect(store.children("c", second.id)).toEqual([]);
    expect(store.children("d", first.id)).toEqual([]);
    expect(store.hasChildren(first.id)).toBe(true);
    expect(store.hasChildren(second.id)).toBe(false);
  });

  test("a fork may continue below a node of another conversation", () => {
    const store = withConversation("c");
    store.addConversation({
      id: "fork",
      base: "fork",
      inferred: false,
      startedAt: STARTED,
      failedLeaf: null,
    });
    const shared = store.add(entry("c", ROOT, "k", "m1"));
    const own = store.add({ ...entry("fork", shared.id, "k2", "m2"), depth: 1 });
    expect(store.child("fork", shared.id, "k2")).toEqual(own);
    expect(store.child("c", shared.id, "k2")).toBeUndefined();
  });

  test("nodes with a key come oldest first, of one conversation only", () => {
    const store = withConversation("c");
    store.addConversation({ id: "d", base: "d", inferred: false, startedAt: STARTED, failedLeaf: null });
    const first = store.add(entry("c", ROOT, "k", "m1"));
    store.add(entry("d", ROOT, "k", "m2"));
    const third = store.add({ ...entry("c", first.id, "k", "m3"), depth: 1 });
    expect(store.withKey("c", "k")).toEqual([first, third]);
  });

  test("a node can be marked as an answer, and nothing else of it changes", () => {
    const store = withConversation("c");
    const node = store.add(entry("c", ROOT, "k", "m1"));
    store.markAnswer(node.id);
    expect(store.node(node.id)).toEqual({ ...node, isAnswer: true });
    expect(store.child("c", ROOT, "k")?.isAnswer).toBe(true);
    expect(store.withKey("c", "k")[0]?.isAnswer).toBe(true);
    expect(store.named("m1")?.isAnswer).toBe(true);
  });

  test("answers of inferred conversations come newest first, at most as many as asked for", () => {
    const store = withConversation("named");
    for (const id of ["h", "h:#2", "h:#3"]) {
      store.addConversation({ id, base: "h", inferred: true, startedAt: STARTED, failedLeaf: null });
    }
    store.add({ ...entry("named", ROOT, "k", "m0"), isAnswer: true });
    store.add({ ...entry("h", ROOT, "k", "m1"), isAnswer: true });
    store.add({ ...entry("h:#2", ROOT, "k", "m2"), isAnswer: false });
    const late = store.add({ ...entry("h:#3", ROOT, "k", "m3"), isAnswer: false });
    store.markAnswer(late.id);
    expect(store.inferredAnswers("k", 10).map((node) => node.messageId)).toEqual(["m3", "m1"]);
    expect(store.inferredAnswers("k", 1).map((node) => node.messageId)).toEqual(["m3"]);
    expect(store.countConversations("h")).toBe(3);
  });

  test("a failed leaf is kept until it is answered; failed conversations come newest first", () => {
    const store = make();
    for (const [id, inferred] of [
      ["h", true],
      ["h:#2", true],
      ["h:#3", true],
      ["h:#4", false],
    ] as const) {
      store.addConversation({ id, base: "h", inferred, startedAt: STARTED, failedLeaf: null });
      const node = store.add(entry(id, ROOT, "k", `m ${id}`));
      store.setFailedLeaf(id, node.id);
    }
    const ids = (limit: number): string[] => store.failedConversations("h", limit).map((each) => each.id);
    expect(ids(10)).toEqual(["h:#3", "h:#2", "h"]);
    expect(ids(2)).toEqual(["h:#3", "h:#2"]);
    expect(store.conversation("h:#2")?.failedLeaf).toBe(store.named("m h:#2")?.id);
    store.setFailedLeaf("h:#3", null);
    expect(ids(10)).toEqual(["h:#2", "h"]);
    expect(store.conversation("h:#3")?.failedLeaf).toBeNull();
  });

  test("where a response ended is found by its id, the last one wins", () => {
    const store = withConversation("c");
    const first = store.add(entry("c", ROOT, "k", "m1"));
    const second = store.add(entry("c", first.id, "k", "m2"));
    store.rememberResponse("r", first.id);
    expect(store.response("r")).toEqual(first);
    store.rememberResponse("r", second.id);
    expect(store.response("r")).toEqual(second);
    expect(store.response("s")).toBeUndefined();
  });

  test("tool names are remembered per conversation, the last one wins", () => {
    const store = withConversation("c");
    store.addConversation({ id: "d", base: "d", inferred: false, startedAt: STARTED, failedLeaf: null });
    store.rememberTool("c", "t", "Read");
    store.rememberTool("d", "t", "Write");
    expect(store.toolName("c", "t")).toBe("Read");
    store.rememberTool("c", "t", "Grep");
    expect(store.toolName("c", "t")).toBe("Grep");
    expect(store.toolName("c", "u")).toBeUndefined();
  });

  test("a failed attempt is found by scope and digest until the request succeeds", () => {
    const store = make();
    expect(store.hasFailedAttempts("s")).toBe(false);
    store.rememberAttempt("s", "d", "x1", true);
    expect(store.hasFailedAttempts("s")).toBe(true);
    expect(store.hasFailedAttempts("other")).toBe(false);
    expect(store.failedAttempt("s", "d")).toBe("x1");
    expect(store.failedAttempt("other", "d")).toBeUndefined();
    store.rememberAttempt("s", "d", "x2", true);
    expect(store.failedAttempt("s", "d")).toBe("x2");
    store.rememberAttempt("s", "d", "x3", false);
    expect(store.failedAttempt("s", "d")).toBeUndefined();
    expect(store.hasFailedAttempts("s")).toBe(false);
    store.rememberAttempt("s", "never failed", "x4", false);
    expect(store.failedAttempt("s", "never failed")).toBeUndefined();
  });
}
