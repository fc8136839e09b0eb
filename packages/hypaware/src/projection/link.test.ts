import { afterEach, beforeEach, expect, test } from "vitest";
import type { RecordEntry, RecordNode } from "../contract/record.ts";
import { ROOT, type ThreadNode } from "../contract/thread.ts";
import { type Catalog, openCatalog } from "../store/catalog.ts";
import { link, type LinkableEntry, type LinkableNode } from "./link.ts";
import { matchKey } from "./match-key.ts";

// The catalog is below projection; a test may stand on it.

let catalog: Catalog;
beforeEach(() => {
  catalog = openCatalog(":memory:");
  catalog.threads.addConversation({ id: "c", base: "c", inferred: false, startedAt: "", failedLeaf: null });
});
afterEach(() => catalog.close());

const blocks = (text: string) => [{ type: "text", text }];
const roleOf = (text: string): string => (text.startsWith("answer") ? "assistant" : "user");

/** A message of the wire, named by what it says. `links`: its keys. */
function node(text: string, below?: LinkableNode, ...links: string[]): LinkableNode {
  const at: ThreadNode = catalog.threads.add({
    conversationId: "c",
    predecessor: below?.node.id ?? ROOT,
    matchKey: matchKey(roleOf(text), blocks(text)).key,
    messageId: `${text} below ${below?.node.messageId ?? "root"}`,
    role: roleOf(text),
    depth: below === undefined ? 0 : below.node.depth + 1,
    isAnswer: false,
  });
  catalog.records.rememberLinks(catalog.threads.conversation("c")!, at.id, links);
  return { node: at, links };
}

interface Told {
  readonly uuid: string;
  readonly text?: string;
  readonly role?: string;
  readonly below?: string;
  readonly behind?: string;
  readonly links?: readonly string[];
}

const add = (told: RecordEntry, key: string | null): RecordNode | undefined =>
  catalog.records.addAll([{ entry: told, matchKey: key }], 0)[0];

/** A line. Without a text it does not travel. */
function entry({ uuid, text, role = roleOf(text ?? ""), below, behind, links = [] }: Told): LinkableEntry {
  const content = blocks(text ?? "");
  const told: RecordEntry = {
    conversation_id: "c",
    session_id: "c",
    request_class: "main",
    provider: "p",
    is_on_wire: text !== undefined,
    message: {
      role,
      content,
      message_id: uuid,
      previous_message_id: below === undefined ? [] : [below],
      message_created_at: "2026-03-01T12:00:00.000Z",
      links,
      ...(behind === undefined ? {} : { logical_parent_uuid: behind }),
    },
  };
  const added = add(told, text === undefined ? null : matchKey(role, content).key);
  return { entry: added!, links };
}

function bring(nodes: readonly LinkableNode[], entries: readonly LinkableEntry[]): void {
  link(catalog.threads, catalog.records, "c", { nodes, entries });
}

/** By uuid: which message of the wire an entry is, and why. */
function links(): Record<string, string> {
  return Object.fromEntries(
    catalog.records
      .of("c")
      .map(({ messageId, link: known }: RecordNode) => [
        messageId,
        known === null ? "none" : `${known.bond}: ${catalog.threads.node(known.node)?.messageId}`,
      ]),
  );
}

test("the n-th message with a key is the n-th entry with it", () => {
  const [one] = [node("answer", undefined, "k")];
  const two = node("answer", one, "k");
  const entries = [
    entry({ uuid: "1", text: "answer", links: ["k"] }),
    entry({ uuid: "2", text: "answer", below: "1", links: ["k"] }),
    entry({ uuid: "3", text: "answer", below: "2", links: ["k"] }),
  ];
  bring([one, two], entries);
  expect(links()).toMatchObject({
    1: `key: ${one.node.messageId}`,
    2: `key: ${two.node.messageId}`,
  });
  expect(links()["3"]).toBe("none");
});

test("between two pairs what is on both ways is linked in order; reminders and attachments stay alone", () => {
  const first = node("answer 1", undefined, "a1");
  const reminder = node("reminder", first);
  const yes = node("yes", reminder);
  const again = node("yes", yes);
  const last = node("answer 2", again, "a2");
  bring([first, reminder, yes, again, last], []);
  bring(
    [],
    [
      entry({ uuid: "1", text: "answer 1", links: ["a1"] }),
      entry({ uuid: "2", below: "1" }),
      entry({ uuid: "3", text: "yes", below: "2" }),
      entry({ uuid: "4", text: "yes", below: "3" }),
      entry({ uuid: "5", text: "answer 2", below: "4", links: ["a2"] }),
    ],
  );
  expect(links()).toEqual({
    1: `key: ${first.node.messageId}`,
    2: "none",
    3: `path: ${yes.node.messageId}`,
    4: `path: ${again.node.messageId}`,
    5: `key: ${last.node.messageId}`,
  });
});

test("a prompt without an answer is linked for the time being, and gives way to what its answer says", () => {
  const dropped = node("reminder", undefined);
  const failed = node("go", dropped);
  bring([dropped, failed], [entry({ uuid: "1", text: "go" })]);
  expect(links()).toEqual({ 1: `below: ${failed.node.messageId}` });
  const other = node("another reminder", undefined);
  const sent = node("go", other);
  const answer = node("answer", sent, "a");
  bring([other, sent, answer], [entry({ uuid: "2", text: "answer", below: "1", links: ["a"] })]);
  expect(links()).toEqual({ 1: `path: ${sent.node.messageId}`, 2: `key: ${answer.node.messageId}` });
});

test("content alone links nothing: below another answer the same words are other words", () => {
  const answer = node("answer", undefined, "a");
  const elsewhere = node("go", undefined);
  bring([answer, elsewhere], []);
  bring(
    [],
    [
      entry({ uuid: "1", text: "answer", links: ["a"] }),
      entry({ uuid: "2", text: "go", below: "1" }),
      entry({ uuid: "3", text: "go", below: "a line that nobody has" }),
    ],
  );
  expect(links()).toEqual({ 1: `key: ${answer.node.messageId}`, 2: "none", 3: "none" });
});

test("a prompt that was sent again is the first line that says it; the other is a line of its own", () => {
  const sent = node("go", undefined);
  const answer = node("answer", sent, "a");
  bring([sent, answer], []);
  bring(
    [],
    [
      entry({ uuid: "1", text: "go" }),
      entry({ uuid: "2", text: "go", below: "1" }),
      entry({ uuid: "3", text: "answer", below: "2", links: ["a"] }),
    ],
  );
  expect(links()).toMatchObject({ 1: `path: ${sent.node.messageId}`, 2: "none" });
});

test("of two lines that say the same, the one that the answer hangs at is the message, whichever came first", () => {
  const sent = node("go", undefined);
  bring([sent], [entry({ uuid: "1", text: "go" }), entry({ uuid: "2", text: "go" })]);
  expect(links()).toEqual({ 1: `below: ${sent.node.messageId}`, 2: "none" });
  const answer = node("answer", sent, "a");
  bring([answer], [entry({ uuid: "3", text: "answer", below: "2", links: ["a"] })]);
  expect(links()).toMatchObject({ 1: "none", 2: `path: ${sent.node.messageId}` });
});

test("what is asked after an answer that was given up is found without it; after one that was not, it is not", () => {
  const asked = node("go", undefined, "k");
  const broken = node("answer that brok", asked, "a");
  const next = node("go on", asked);
  const told = [
    entry({ uuid: "1", text: "go", links: ["k"] }),
    entry({ uuid: "2", text: "answer that brok", below: "1", links: ["a"] }),
    entry({ uuid: "4", text: "go on", below: "2" }),
  ];
  bring([asked, broken, next], told);
  expect(links()["4"]).toBe("none");
  const remark = { uuid: "3", role: "assistant", below: "2" };
  bring([], [entry(remark), entry({ uuid: "5", text: "go on", below: "3" })]);
  expect(links()).toMatchObject({
    2: `key: ${broken.node.messageId}`,
    3: "none",
    4: "none",
    5: `below: ${next.node.messageId}`,
  });
});

test("a bond for the time being ends when the line above it is found elsewhere", () => {
  const sent = node("go", undefined);
  bring(
    [sent],
    [entry({ uuid: "1", text: "answer", links: ["a"] }), entry({ uuid: "2", text: "go", below: "1" })],
  );
  expect(links()).toEqual({ 1: "none", 2: `below: ${sent.node.messageId}` });
  const answer = node("answer", undefined, "a");
  bring([answer], []);
  expect(links()).toEqual({ 1: `key: ${answer.node.messageId}`, 2: "none" });
  const again = node("go", answer);
  bring([again], []);
  expect(links()).toMatchObject({ 2: `below: ${again.node.messageId}` });
});

test("behind a compaction the summary is a root, and what follows goes on where the wire does", () => {
  const before = node("answer 1", undefined, "a1");
  const summary = node("summary", undefined);
  const next = node("next", before);
  const after = node("answer 2", next, "a2");
  bring([before, summary, next, after], []);
  bring(
    [],
    [
      entry({ uuid: "1", text: "answer 1", links: ["a1"] }),
      entry({ uuid: "2", behind: "1" }),
      entry({ uuid: "3", text: "summary", below: "2" }),
      entry({ uuid: "4", text: "next", below: "3" }),
      entry({ uuid: "5", text: "answer 2", below: "4", links: ["a2"] }),
    ],
  );
  expect(links()).toMatchObject({
    3: `below: ${summary.node.messageId}`,
    4: `path: ${next.node.messageId}`,
    5: `key: ${after.node.messageId}`,
  });
});

test("a fork's lines keep their first conversation, and are linked in both", () => {
  entry({ uuid: "1", text: "answer", links: ["a"] });
  const copy = { ...catalog.records.payload(1), conversation_id: "fork" };
  expect(add(copy, matchKey("assistant", blocks("answer")).key)).toMatchObject({
    isHome: false,
    conversationId: "fork",
  });
  expect(add(copy, null)).toBeUndefined();
  expect(catalog.records.named("c", "1")?.isHome).toBe(true);
});

test("an answer that is repeated from one place is one message on the wire: what follows either line of it is found below it", () => {
  const asked = node("go", undefined);
  const answer = node("answer", asked, "a1");
  const next = node("next", answer);
  const last = node("answer 2", next, "a2");
  const open = node("open", answer);
  bring([asked, answer, next, last, open], []);
  bring(
    [],
    [
      entry({ uuid: "1", text: "go" }),
      entry({ uuid: "2", text: "answer", below: "1", links: ["a1"] }),
      // Asked again, and told the same: no message of the wire has its key.
      entry({ uuid: "3", text: "go" }),
      entry({ uuid: "4", text: "answer", below: "3", links: ["a1 again"] }),
      entry({ uuid: "5", text: "next", below: "4" }),
      entry({ uuid: "6", text: "answer 2", below: "5", links: ["a2"] }),
      entry({ uuid: "7", text: "open", below: "4" }),
      // The same words behind something else are others.
      entry({ uuid: "8", text: "other" }),
      entry({ uuid: "9", text: "answer", below: "8", links: ["a3"] }),
      entry({ uuid: "10", text: "open", below: "9" }),
    ],
  );
  expect(links()).toMatchObject({
    2: `key: ${answer.node.messageId}`,
    4: "none",
    5: `path: ${next.node.messageId}`,
    6: `key: ${last.node.messageId}`,
    7: `below: ${open.node.messageId}`,
    10: "none",
  });
});

test("in a fork of a compacted session the summary stands before what was kept, which the record has before it", () => {
  const summary = node("summary", undefined);
  const kept = node("answer 1", summary);
  const next = node("next", kept);
  const after = node("answer 2", next, "a2");
  bring([summary, kept, next, after], []);
  bring(
    [],
    [
      entry({ uuid: "1", text: "go" }),
      entry({ uuid: "2", text: "answer 1", below: "1", links: ["a1"] }),
      entry({ uuid: "3", behind: "2" }),
      entry({ uuid: "4", text: "summary", below: "3" }),
      entry({ uuid: "5", text: "next", below: "4" }),
      entry({ uuid: "6", text: "answer 2", below: "5", links: ["a2"] }),
    ],
  );
  expect(links()).toMatchObject({
    2: `path: ${kept.node.messageId}`,
    4: `path: ${summary.node.messageId}`,
    5: `path: ${next.node.messageId}`,
  });
});
