import { readdirSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RegisteredProjector } from "../gateway/capability.ts";
import { chat, exchange } from "./journal-exchange.testkit.ts";
import type { Journal } from "../journal/journal.ts";
import { maintainJournal } from "../journal/maintain.ts";
import { ReprojectHome, changedChat, v2 } from "./reproject-home.testkit.ts";

let home: ReprojectHome;
beforeEach(() => {
  home = new ReprojectHome();
});
afterEach(() => home.close());

const MESSAGES = "SELECT * FROM ai_gateway_messages ORDER BY part_id";
const EXCHANGES = "SELECT * FROM ai_gateway_exchanges ORDER BY exchange_id";
const texts = async () =>
  (await home.rows("SELECT content_text FROM ai_gateway_messages")).flat().map(String).toSorted();
const lastSeq = (): number => home.catalog.changes(0, 10_000).at(-1)?.seq ?? 0;

/** The wire names no conversation. */
const inferred = changedChat((projection) => ({ ...projection, conversation_inferred: true }));

test("an unchanged projector makes no difference, hot or sealed, and a second look neither", async () => {
  await home.run("r1", (journal) => {
    exchange(journal, { turns: ["a"], answer: "A" });
    exchange(journal, { turns: ["a", "A", "b"], answer: "B" });
    exchange(journal, { turns: ["x"], session: "failed", answer: "no", outcome: "upstream_aborted" });
    exchange(journal, { turns: ["x"], session: "failed", answer: "X" });
  });
  await home.record();
  const same = { isEmpty: true, threadChanges: 0, samples: [], scope: { exchanges: 4, keptExchanges: 0 } };
  expect(await home.compare([chat])).toMatchObject(same);
  await home.seal();
  expect(home.catalog.segments.listed().length).toBeGreaterThan(0);
  expect(await home.compare([chat])).toMatchObject(same);
});

test("what a newer projector changes is shown exactly, and a dry run changes nothing", async () => {
  await home.run("r1", (journal) => {
    exchange(journal, { turns: ["a"], answer: "A" });
    exchange(journal, { turns: ["a", "A", "b"], answer: "B" });
    exchange(journal, { turns: ["c"], answer: "C", session: "other" });
  });
  await home.record();
  const before = lastSeq();
  const { datasets, samples } = await home.compare([v2]);
  expect(datasets).toEqual({
    ai_gateway_messages: { added: 0, changed: 1, removed: 0, equal: 5, columns: { prompt_id: 1 } },
    ai_gateway_exchanges: { added: 0, changed: 0, removed: 0, equal: 3, columns: {} },
  });
  expect(samples).toMatchObject([{ kind: "changed", columns: { prompt_id: { old: null, new: "p" } } }]);
  expect(lastSeq()).toBe(before);
  expect(readdirSync(home.paths.tmp)).toEqual([]);
});

test("a commit changes exactly the rows that differ, of hot and of sealed ones, and is the whole truth", async () => {
  await home.run("r1", (journal) => {
    exchange(journal, { turns: ["a"], answer: "A" });
    exchange(journal, { turns: ["a", "A", "b"], answer: "B" });
  });
  await home.record();
  await home.seal();
  await home.run("r2", (journal) => {
    exchange(journal, { turns: ["b"], answer: "B", session: "hot" });
  });
  await home.record();
  const before = lastSeq();
  const untouched = await home.rows(
    "SELECT * FROM ai_gateway_messages WHERE content_text <> 'b' ORDER BY part_id",
  );
  expect(await home.reproject([v2])).toMatchObject({
    datasets: { ai_gateway_messages: { added: 0, changed: 2, removed: 0, equal: 4 } },
  });
  expect(home.catalog.changes(before, 100)).toHaveLength(2);
  expect(
    await home.rows("SELECT * FROM ai_gateway_messages WHERE content_text <> 'b' ORDER BY part_id"),
  ).toEqual(untouched);
  expect(await home.rows("SELECT count(*) FROM ai_gateway_messages WHERE prompt_id = 'p'")).toEqual([[2n]]);
  expect(await home.compare([v2])).toMatchObject({ isEmpty: true });
  expect(await home.problems()).toEqual([]);
});

test("messages that come and go are added and removed, and the next exchange goes on from them", async () => {
  const journal = await home.open("r1");
  exchange(journal, { turns: ["a"], answer: "A" });
  exchange(journal, { turns: ["a", "A", "b"], answer: "B" });
  await journal.flush();
  await home.record();
  await home.seal();
  const loud = changedChat((projection) => ({
    ...projection,
    messages: projection.messages.map((message) => ({
      ...message,
      content: `${message.content as string}!`,
    })),
  }));
  const { datasets, samples } = await home.reproject([loud]);
  expect(datasets.ai_gateway_messages).toEqual({ added: 4, changed: 0, removed: 4, equal: 0, columns: {} });
  expect(samples.map(({ kind }) => kind).sort()).toEqual([
    ...Array(4).fill("added"),
    ...Array(4).fill("removed"),
  ]);
  exchange(journal, { turns: ["a", "A", "b", "B", "c"], answer: "C" });
  await journal.flush();
  expect(await home.record([loud])).toBe(1);
  expect(await texts()).toEqual(["A!", "B!", "C!", "a!", "b!", "c!"]);
  expect(await home.compare([loud])).toMatchObject({ isEmpty: true });
});

test("an exchange that no projector knew makes rows when one comes, and its own row says so", async () => {
  await home.run("r1", (journal) => {
    exchange(journal, { turns: ["hello"], answer: "HELLO" });
  });
  await home.record([]);
  expect(home.catalog.counts()).toMatchObject({ exchanges: 1, rows: 0, unprojected: 1 });
  const { datasets } = await home.reproject([chat]);
  expect(datasets.ai_gateway_messages).toMatchObject({ added: 2 });
  expect(datasets.ai_gateway_exchanges.columns).toMatchObject({
    decode_status: 1,
    projector: 1,
    rows_written: 1,
  });
  expect(home.catalog.counts()).toMatchObject({ exchanges: 1, rows: 2, unprojected: 0 });
});

test("since and projector choose whole conversations", async () => {
  const day = 86_400_000;
  await home.run("r1", (journal) => {
    exchange(journal, { turns: ["b"], answer: "B", session: "old", startedAt: 1 * day });
    exchange(journal, { turns: ["b"], answer: "B", session: "both", startedAt: 2 * day });
    exchange(journal, { turns: ["b", "B", "b"], answer: "B", session: "both", startedAt: 9 * day });
    exchange(journal, { turns: ["b"], answer: "B", session: "new", startedAt: 10 * day });
  });
  await home.record();
  expect(await home.compare([v2], { since: 8 * day })).toMatchObject({
    scope: { exchanges: 3, conversations: 2 },
    datasets: { ai_gateway_messages: { changed: 3, equal: 3 } },
  });
  expect(await home.compare([v2], { since: 11 * day })).toMatchObject({
    scope: { exchanges: 0 },
    isEmpty: true,
  });
  const other = {
    ...v2,
    name: "other",
    match: (record) => v2.match(record) && record.ts_start > "1970-01-10T12",
  } as RegisteredProjector;
  // What it would read now …
  const both = [{ ...other, priority: 1 }, chat];
  expect(await home.reproject(both, { projector: "other" })).toMatchObject({
    scope: { exchanges: 1 },
    datasets: { ai_gateway_messages: { changed: 1 }, ai_gateway_exchanges: { changed: 1 } },
  });
  // … and what it has read before it was removed.
  expect(await home.reproject([chat], { projector: "other" })).toMatchObject({ scope: { exchanges: 1 } });
  expect(await home.compare([chat])).toMatchObject({ isEmpty: true });
  await expect(home.compare([chat], { projector: "others" })).rejects.toMatchObject({ code: "usage" });
});

test("conversations that have lost raw history stay as they are, the others are made anew", async () => {
  await home.run("r1", (journal) => {
    exchange(journal, { turns: ["b"], answer: "B", session: "half" });
    exchange(journal, { turns: ["b"], answer: "B", session: "gone" });
  });
  const journal = await home.open("r2");
  exchange(journal, { turns: ["b", "B", "c"], answer: "C", session: "half" });
  exchange(journal, { turns: ["b"], answer: "B", session: "whole" });
  await journal.flush();
  await home.record();
  home.forget("r1");
  const kept = await home.rows(
    "SELECT * FROM ai_gateway_messages WHERE conversation_id <> 'whole' ORDER BY part_id",
  );
  expect(await home.reproject([v2])).toMatchObject({
    scope: { exchanges: 1, conversations: 1, keptExchanges: 3, keptConversations: 2 },
    datasets: { ai_gateway_messages: { changed: 1, equal: 1, removed: 0 } },
  });
  expect(
    await home.rows("SELECT * FROM ai_gateway_messages WHERE conversation_id <> 'whole' ORDER BY part_id"),
  ).toEqual(kept);
  // What was kept is still recognised.
  exchange(journal, { turns: ["b", "B", "c", "C", "d"], answer: "D", session: "half" });
  await journal.flush();
  await home.record([v2]);
  expect(await home.rows("SELECT count(*) FROM ai_gateway_messages WHERE conversation_id = 'half'")).toEqual([
    [6n],
  ]);
});

test("where all that was asked for has lost raw history, it is refused", async () => {
  await home.run("r1", (journal) => {
    exchange(journal, { turns: ["a"], answer: "A" });
  });
  await home.record();
  home.forget("r1");
  await expect(home.compare([v2])).rejects.toMatchObject({ code: "journal_incomplete" });
  expect(home.catalog.counts()).toMatchObject({ exchanges: 1, rows: 2 });
});

test("conversations that the wire does not name keep their names when others of the same prompt are lost or come", async () => {
  const alike = (journal: Journal, count: number): void => {
    for (let i = 0; i < count; i++) exchange(journal, { turns: ["b"], answer: "B" });
  };
  await home.run("r1", (journal) => alike(journal, 10));
  await home.run("r2", (journal) => alike(journal, 10));
  await home.run("r3", (journal) => alike(journal, 10));
  await home.record([inferred]);
  const names = "SELECT DISTINCT conversation_id FROM ai_gateway_messages ORDER BY 1";
  const before = await home.rows(names);
  expect(before).toHaveLength(30);
  home.forget("r2");
  expect(await home.compare([inferred])).toMatchObject({
    isEmpty: true,
    scope: { exchanges: 20, keptConversations: 10 },
  });
  const better = changedChat((projection) => ({ ...projection, conversation_inferred: true, model: "m" }));
  expect(await home.reproject([better])).toMatchObject({
    datasets: { ai_gateway_messages: { added: 0, removed: 0, changed: 40, columns: { model: 40 } } },
  });
  expect(await home.rows(names)).toEqual(before);
  await home.run("r4", (journal) => alike(journal, 1));
  await home.record([better]);
  expect(await home.rows(names)).toHaveLength(31);
});

test("a native name never becomes a fallback one: such conversations are kept", async () => {
  const native = changedChat((projection) => ({
    ...projection,
    messages: projection.messages.map((message, index) => ({
      ...message,
      message_id: `${projection.conversation_id}-${index}`,
    })),
  }));
  await home.run("r1", (journal) => {
    exchange(journal, { turns: ["a"], answer: "A", session: "it's \0 native" });
  });
  await home.record([native]);
  await home.run("r2", (journal) => {
    exchange(journal, { turns: ["b"], answer: "B", session: "fallback" });
  });
  await home.record();
  const before = await home.rows(MESSAGES);
  const found = await home.compare([changedChat((projection) => ({ ...projection, model: "m" }))]);
  expect(found).toMatchObject({
    kept: { exchanges: 1, conversations: 1 },
    scope: { exchanges: 1, conversations: 1 },
    datasets: { ai_gateway_messages: { added: 0, removed: 0, changed: 2 } },
  });
  expect(await home.reproject([native])).toMatchObject({
    kept: { exchanges: 0 },
    datasets: { ai_gateway_messages: { added: 2, removed: 2 } },
  });
  expect(await home.rows(MESSAGES)).toHaveLength(before.length);
});

test("conversations that share messages are one unit, and nodes keep their ids for those that stand on them", async () => {
  const native = changedChat((projection) => ({
    ...projection,
    messages: projection.messages.map((message) => ({
      ...message,
      message_id: `native ${message.content as string}`,
    })),
  }));
  const better: RegisteredProjector = {
    ...native,
    project: async (record, context) => ({ ...(await native.project(record, context))!, model: "m" }),
  };
  const journal = await home.open("r1");
  exchange(journal, { turns: ["a"], answer: "A", session: "trunk", startedAt: 1_000 });
  exchange(journal, { turns: ["a", "A", "b"], answer: "B", session: "fork", startedAt: 9_000 });
  exchange(journal, { turns: ["x"], answer: "X", session: "apart", startedAt: 1_000 });
  await journal.flush();
  await home.record([native]);
  const node = () => home.catalog.threads.named("native A");
  const before = node();
  expect(await home.reproject([better], { since: 9_000 })).toMatchObject({
    scope: { exchanges: 2, conversations: 2 },
    datasets: { ai_gateway_messages: { changed: 4, equal: 0 } },
    threadChanges: 0,
  });
  // Without the trunk's last message all below it stands elsewhere; it keeps its id where it stays.
  const shorter: RegisteredProjector = {
    ...better,
    async project(record, context) {
      const projection = (await better.project(record, context))!;
      return { ...projection, messages: projection.messages.filter(({ content }) => content !== "a") };
    },
  };
  expect(await home.reproject([shorter])).toMatchObject({
    datasets: { ai_gateway_messages: { removed: 1 } },
  });
  expect(node()).toMatchObject({ id: before!.id, predecessor: 0, depth: 0 });
  exchange(journal, { turns: ["a", "A", "b", "B", "c"], answer: "C", session: "fork" });
  await journal.flush();
  await home.record([shorter]);
  expect(await texts()).toEqual(["A", "B", "C", "X", "b", "c", "x"]);
  expect(await home.compare([shorter])).toMatchObject({ isEmpty: true, threadChanges: 0 });
});

test("requests that were stored as differences and compressed since give the same rows again", async () => {
  await home.run("r1", (journal) => {
    const turns = [`question ${"of many words ".repeat(1_000)}`];
    for (let turn = 1; turn <= 10; turn++) {
      exchange(journal, { turns, answer: `ANSWER ${turn}` });
      turns.push(`ANSWER ${turn}`, `and ${turn}`);
    }
  });
  await home.record();
  const { journal: journalDir } = home.paths;
  const maintained = await maintainJournal({ journalDir, cursors: home.catalog.cursors() });
  expect(maintained).toMatchObject({ compressed: 1, removed: 0 });
  expect(await home.compare([chat])).toMatchObject({ isEmpty: true, scope: { exchanges: 10 } });
});

test("gateways that ran side by side are replayed in the order of their ends", async () => {
  const [one, two] = [await home.open("r1"), await home.open("r2")];
  const began = Date.now();
  const turns: string[] = [];
  for (const [index, letter] of ["a", "b", "c", "d"].entries()) {
    const journal = index % 2 === 0 ? one : two;
    turns.push(letter);
    exchange(journal, { turns, answer: letter.toUpperCase(), startedAt: began + 1_000 * index });
    turns.push(letter.toUpperCase());
    await journal.flush();
    await home.record();
  }
  const unfinished = exchange(one, { turns: ["open"], session: "open" });
  await one.flush();
  await home.record();
  expect(await home.compare([chat])).toMatchObject({ isEmpty: true, scope: { exchanges: 4 } });
  await one.close();
  await home.record();
  expect(home.catalog.exchange(unfinished)).toMatchObject({ row: { outcome: "interrupted" } });
  expect(await home.compare([chat])).toMatchObject({ isEmpty: true, scope: { exchanges: 5 } });
  expect(await home.rows(EXCHANGES)).toHaveLength(5);
});
