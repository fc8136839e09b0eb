import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ROOT, type ThreadNode } from "../contract/thread.ts";
import { type Catalog, openCatalog } from "./catalog.ts";

let folder = "";
let catalog: Catalog;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hyp-joins-"));
  catalog = openCatalog(join(folder, "catalog.sqlite"));
});
afterEach(() => {
  catalog.close();
  rmSync(folder, { recursive: true, force: true });
});

const began = "2026-03-01T12:00:00.000Z";
function conversation(id: string, base: string): void {
  catalog.threads.addConversation({ id, base, inferred: true, startedAt: began, failedLeaf: null });
}
const key = (text: string): string => Buffer.from(text.padEnd(16)).toString("hex");
function say(conversationId: string, text: string, above?: ThreadNode, isAnswer = false): ThreadNode {
  return catalog.threads.add({
    conversationId,
    predecessor: above?.id ?? ROOT,
    matchKey: key(text),
    messageId: `${conversationId} ${text}`,
    role: isAnswer ? "assistant" : "user",
    depth: above === undefined ? 0 : above.depth + 1,
    isAnswer,
  });
}
const paths = (id: string): readonly string[] => {
  const nodes = catalog.threadNodes(id);
  const pathOf = (node: ThreadNode): string => {
    const above = nodes.find((each) => each.id === node.predecessor);
    return `${above === undefined ? "" : `${pathOf(above)} / `}${node.messageId}`;
  };
  return nodes.map(pathOf);
};

test("it is one conversation, under either id, with what was remembered of it", () => {
  conversation("h", "h");
  const a = say("h", "a");
  const answer = say("h", "A", a, true);
  catalog.threads.rememberTool("h", "call", "ls");
  catalog.threads.setFailedLeaf("h", answer.id);
  catalog.joinConversation("h", "s", "s");
  const { threads } = catalog;
  expect(threads.conversation("h")).toEqual({
    id: "s",
    base: "s",
    inferred: true,
    startedAt: began,
    failedLeaf: answer.id,
    namedAfter: "h",
  });
  expect(threads.conversation("s")).toEqual(threads.conversation("h"));
  expect(paths("s")).toEqual(["h a", "h a / h A"]);
  expect(threads.toolName("s", "call")).toBe("ls");
  expect(threads.failedConversations("h", 5).map(({ id }) => id)).toEqual(["s"]);
  expect(threads.inferredAnswers(key("A"), 5)).toMatchObject([{ conversationId: "s" }]);
  expect(threads.child("s", ROOT, key("a"))).toMatchObject({ id: a.id, conversationId: "s" });
  // Its number stays taken.
  expect(threads.countConversations("h")).toBe(1);
});

test("of two that are the same session what stands at the same place is one message", () => {
  conversation("h", "h");
  conversation("h:#2", "h");
  const a = say("h", "a");
  say("h", "A", a, true);
  const again = say("h:#2", "a");
  const other = say("h:#2", "A again", again, true);
  const shared = say("h:#2", "b", other);
  const else_ = say("h:#2", "elsewhere");
  catalog.threads.rememberResponse("r", again.id);
  for (const id of ["h", "h:#2"]) catalog.joinConversation(id, "s", "s");
  expect(paths("s")).toEqual([
    "h a",
    "h a / h A",
    "h a / h:#2 A again",
    "h a / h:#2 A again / h:#2 b",
    "h:#2 elsewhere",
  ]);
  expect(catalog.threads.response("r")?.id).toBe(a.id);
  expect(catalog.threads.node(again.id)).toBeUndefined();
  expect(catalog.threadNodes("s").map(({ id }) => id)).toContain(shared.id);
  expect(catalog.threads.conversation("s")?.namedAfter).toBe("h");
  expect(else_.conversationId).toBe("h:#2");
});

test("an id that nothing is known of joins nothing", () => {
  catalog.joinConversation("unheard-of", "s", "s");
  expect(catalog.threads.conversation("s")).toBeUndefined();
});
