import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { homePaths } from "../contract/home.ts";
import type { Projection } from "../contract/projection.ts";
import type { RegisteredProjector } from "../gateway/capability.ts";
import { type Journal, openJournal } from "../journal/journal.ts";
import { createLogger } from "../kernel/log.ts";
import { NO_TELEMETRY } from "../kernel/telemetry.ts";
import { runQuery } from "../query/run.ts";
import { type Catalog, openCatalog } from "../store/catalog.ts";
import { verifyStore } from "../store/verify.ts";
import { chat, exchange } from "./journal-exchange.testkit.ts";
import { Recorder } from "./recorder.ts";
import { compare, reproject, withReprojection } from "./reproject.testkit.ts";

let home: string;
let catalog: Catalog;
const journals: Journal[] = [];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "reprojection-"));
  const paths = homePaths(home);
  for (const folder of [paths.journal, paths.store]) mkdirSync(folder, { recursive: true });
  catalog = openCatalog(paths.catalog);
});
afterEach(async () => {
  for (const journal of journals.splice(0)) await journal.close();
  catalog.close();
  rmSync(home, { recursive: true, force: true });
});

const recorder = (projectors: readonly RegisteredProjector[] = [chat]): Recorder =>
  new Recorder({
    paths: homePaths(home),
    catalog,
    projectors,
    log: createLogger([]),
    telemetry: NO_TELEMETRY,
  });

async function open(runId: string): Promise<Journal> {
  const journal = await openJournal({ dir: join(homePaths(home).journal, runId), runId });
  journals.push(journal);
  return journal;
}

/** A run that ended with these exchanges. */
async function run(runId: string, fill: (journal: Journal) => void): Promise<void> {
  const journal = await openJournal({ dir: join(homePaths(home).journal, runId), runId });
  fill(journal);
  await journal.close();
}

const forget = (runId: string): void => rmSync(join(homePaths(home).journal, runId), { recursive: true });

async function rows(sql: string): Promise<readonly (readonly unknown[])[]> {
  const { catalog: catalogPath, tmp: tmpDir } = homePaths(home);
  return (await runQuery({ catalogPath, tmpDir, sql, timeZone: "UTC" })).rows;
}

const MESSAGES = "SELECT * FROM ai_gateway_messages ORDER BY part_id";
const EXCHANGES = "SELECT * FROM ai_gateway_exchanges ORDER BY exchange_id";
const texts = async () =>
  (await rows("SELECT content_text FROM ai_gateway_messages ")).flat().map(String).toSorted();
const seal = (): Promise<unknown> => recorder().maintain({ everything: true });
const lastSeq = (): number => catalog.changes(0, 10_000).at(-1)?.seq ?? 0;

/** The chat projector, with another view of its result. */
const changed = (change: (projection: Projection) => Projection, name = "chat"): RegisteredProjector => ({
  ...chat,
  name,
  project: (record, context) => change(chat.project(record, context) as Projection),
});
/** Says more of every message that says "b". */
const v2 = changed((projection) => ({
  ...projection,
  messages: projection.messages.map((message) =>
    message.content === "b" ? { ...message, prompt_id: "p" } : message,
  ),
}));
/** The wire names no conversation. */
const inferred = changed((projection) => ({ ...projection, conversation_inferred: true }));

test("an unchanged projector makes no difference, hot or sealed, and a second look neither", async () => {
  await run("r1", (journal) => {
    exchange(journal, { turns: ["a"], answer: "A" });
    exchange(journal, { turns: ["a", "A", "b"], answer: "B" });
    exchange(journal, { turns: ["x"], session: "failed", answer: "no", outcome: "upstream_aborted" });
    exchange(journal, { turns: ["x"], session: "failed", answer: "X" });
  });
  await recorder().pass(true);
  const same = { isEmpty: true, memory: 0, samples: [], scope: { exchanges: 4, keptExchanges: 0 } };
  expect(await compare(home, [chat])).toMatchObject(same);
  await seal();
  expect(catalog.segments.listed().length).toBeGreaterThan(0);
  expect(await compare(home, [chat])).toMatchObject(same);
});

test("what a newer projector changes is shown exactly, and a dry run changes nothing", async () => {
  await run("r1", (journal) => {
    exchange(journal, { turns: ["a"], answer: "A" });
    exchange(journal, { turns: ["a", "A", "b"], answer: "B" });
    exchange(journal, { turns: ["c"], answer: "C", session: "other" });
  });
  await recorder().pass(true);
  const before = lastSeq();
  const { datasets, samples } = await compare(home, [v2]);
  expect(datasets).toEqual({
    ai_gateway_messages: { added: 0, changed: 1, removed: 0, equal: 5, columns: { prompt_id: 1 } },
    ai_gateway_exchanges: { added: 0, changed: 0, removed: 0, equal: 3, columns: {} },
  });
  expect(samples).toMatchObject([{ kind: "changed", columns: { prompt_id: { old: null, new: "p" } } }]);
  expect(lastSeq()).toBe(before);
  expect(readdirSync(homePaths(home).tmp)).toEqual([]);
});

test("a commit changes exactly the rows that differ, of hot and of sealed ones, and is the whole truth", async () => {
  await run("r1", (journal) => {
    exchange(journal, { turns: ["a"], answer: "A" });
    exchange(journal, { turns: ["a", "A", "b"], answer: "B" });
  });
  await recorder().pass(true);
  await seal();
  await run("r2", (journal) => {
    exchange(journal, { turns: ["b"], answer: "B", session: "hot" });
  });
  await recorder().pass(true);
  const before = lastSeq();
  const untouched = await rows(
    "SELECT * FROM ai_gateway_messages WHERE content_text <> 'b' ORDER BY part_id",
  );
  expect(await reproject(home, [v2])).toMatchObject({
    datasets: { ai_gateway_messages: { added: 0, changed: 2, removed: 0, equal: 4 } },
  });
  expect(catalog.changes(before, 100)).toHaveLength(2);
  expect(await rows("SELECT * FROM ai_gateway_messages WHERE content_text <> 'b' ORDER BY part_id")).toEqual(
    untouched,
  );
  expect(await rows("SELECT count(*) FROM ai_gateway_messages WHERE prompt_id = 'p'")).toEqual([[2n]]);
  expect(await compare(home, [v2])).toMatchObject({ isEmpty: true });
  const { catalog: catalogPath, segments: segmentsDir, tmp: tmpDir } = homePaths(home);
  const { problems } = await verifyStore({ catalogPath, segmentsDir, tmpDir, memoryMB: 256 });
  expect(problems).toEqual([]);
});

test("messages that come and go are added and removed, and the next exchange goes on from them", async () => {
  const journal = await open("r1");
  exchange(journal, { turns: ["a"], answer: "A" });
  exchange(journal, { turns: ["a", "A", "b"], answer: "B" });
  await journal.flush();
  await recorder().pass();
  await seal();
  const loud = changed((projection) => ({
    ...projection,
    messages: projection.messages.map((message) => ({
      ...message,
      content: `${message.content as string}!`,
    })),
  }));
  const { datasets, samples } = await reproject(home, [loud]);
  expect(datasets.ai_gateway_messages).toEqual({ added: 4, changed: 0, removed: 4, equal: 0, columns: {} });
  expect(samples.map(({ kind }) => kind).sort()).toEqual([
    ...Array(4).fill("added"),
    ...Array(4).fill("removed"),
  ]);
  exchange(journal, { turns: ["a", "A", "b", "B", "c"], answer: "C" });
  await journal.flush();
  expect(await recorder([loud]).pass()).toBe(1);
  expect(await texts()).toEqual(["A!", "B!", "C!", "a!", "b!", "c!"]);
  expect(await compare(home, [loud])).toMatchObject({ isEmpty: true });
});

test("an exchange that no projector knew makes rows when one comes, and its own row says so", async () => {
  await run("r1", (journal) => {
    exchange(journal, { turns: ["hello"], answer: "HELLO" });
  });
  await recorder([]).pass(true);
  expect(catalog.counts()).toMatchObject({ exchanges: 1, rows: 0, unprojected: 1 });
  const { datasets } = await reproject(home, [chat]);
  expect(datasets.ai_gateway_messages).toMatchObject({ added: 2 });
  expect(datasets.ai_gateway_exchanges.columns).toMatchObject({
    decode_status: 1,
    projector: 1,
    rows_written: 1,
  });
  expect(catalog.counts()).toMatchObject({ exchanges: 1, rows: 2, unprojected: 0 });
});

test("since and projector choose whole conversations", async () => {
  const day = 86_400_000;
  await run("r1", (journal) => {
    exchange(journal, { turns: ["b"], answer: "B", session: "old", startedAt: 1 * day });
    exchange(journal, { turns: ["b"], answer: "B", session: "both", startedAt: 2 * day });
    exchange(journal, { turns: ["b", "B", "b"], answer: "B", session: "both", startedAt: 9 * day });
    exchange(journal, { turns: ["b"], answer: "B", session: "new", startedAt: 10 * day });
  });
  await recorder().pass(true);
  expect(await compare(home, [v2], { since: 8 * day })).toMatchObject({
    scope: { exchanges: 3, conversations: 2 },
    datasets: { ai_gateway_messages: { changed: 3, equal: 3 } },
  });
  expect(await compare(home, [v2], { since: 11 * day })).toMatchObject({
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
  expect(await reproject(home, both, { projector: "other" })).toMatchObject({
    scope: { exchanges: 1 },
    datasets: { ai_gateway_messages: { changed: 1 }, ai_gateway_exchanges: { changed: 1 } },
  });
  // … and what it has read before it was removed.
  expect(await reproject(home, [chat], { projector: "other" })).toMatchObject({ scope: { exchanges: 1 } });
  expect(await compare(home, [chat])).toMatchObject({ isEmpty: true });
  await expect(compare(home, [chat], { projector: "others" })).rejects.toMatchObject({ code: "usage" });
});

test("conversations that have lost raw history stay as they are, the others are made anew", async () => {
  await run("r1", (journal) => {
    exchange(journal, { turns: ["b"], answer: "B", session: "half" });
    exchange(journal, { turns: ["b"], answer: "B", session: "gone" });
  });
  const journal = await open("r2");
  exchange(journal, { turns: ["b", "B", "c"], answer: "C", session: "half" });
  exchange(journal, { turns: ["b"], answer: "B", session: "whole" });
  await journal.flush();
  await recorder().pass(true);
  forget("r1");
  const kept = await rows(
    "SELECT * FROM ai_gateway_messages WHERE conversation_id <> 'whole' ORDER BY part_id",
  );
  expect(await reproject(home, [v2])).toMatchObject({
    scope: { exchanges: 1, conversations: 1, keptExchanges: 3, keptConversations: 2 },
    datasets: { ai_gateway_messages: { changed: 1, equal: 1, removed: 0 } },
  });
  expect(
    await rows("SELECT * FROM ai_gateway_messages WHERE conversation_id <> 'whole' ORDER BY part_id"),
  ).toEqual(kept);
  // What was kept is still recognised.
  exchange(journal, { turns: ["b", "B", "c", "C", "d"], answer: "D", session: "half" });
  await journal.flush();
  await recorder([v2]).pass();
  expect(await rows("SELECT count(*) FROM ai_gateway_messages WHERE conversation_id = 'half'")).toEqual([
    [6n],
  ]);
});

test("where all that was asked for has lost raw history, it is refused", async () => {
  await run("r1", (journal) => {
    exchange(journal, { turns: ["a"], answer: "A" });
  });
  await recorder().pass(true);
  forget("r1");
  await expect(compare(home, [v2])).rejects.toMatchObject({ code: "journal_incomplete" });
  expect(catalog.counts()).toMatchObject({ exchanges: 1, rows: 2 });
});

test("conversations that the wire does not name keep their names when others of the same prompt are lost or come", async () => {
  const alike = (journal: Journal, count: number): void => {
    for (let i = 0; i < count; i++) exchange(journal, { turns: ["b"], answer: "B" });
  };
  await run("r1", (journal) => alike(journal, 10));
  await run("r2", (journal) => alike(journal, 10));
  await run("r3", (journal) => alike(journal, 10));
  await recorder([inferred]).pass(true);
  const names = "SELECT DISTINCT conversation_id FROM ai_gateway_messages ORDER BY 1";
  const before = await rows(names);
  expect(before).toHaveLength(30);
  forget("r2");
  expect(await compare(home, [inferred])).toMatchObject({
    isEmpty: true,
    scope: { exchanges: 20, keptConversations: 10 },
  });
  const better = changed((projection) => ({ ...projection, conversation_inferred: true, model: "m" }));
  expect(await reproject(home, [better])).toMatchObject({
    datasets: { ai_gateway_messages: { added: 0, removed: 0, changed: 40, columns: { model: 40 } } },
  });
  expect(await rows(names)).toEqual(before);
  await run("r4", (journal) => alike(journal, 1));
  await recorder([better]).pass(true);
  expect(await rows(names)).toHaveLength(31);
});

test("a native name never becomes a fallback one: such conversations are kept", async () => {
  const native = changed((projection) => ({
    ...projection,
    messages: projection.messages.map((message, index) => ({
      ...message,
      message_id: `${projection.conversation_id}-${index}`,
    })),
  }));
  await run("r1", (journal) => {
    exchange(journal, { turns: ["a"], answer: "A", session: "native" });
  });
  await recorder([native]).pass(true);
  await run("r2", (journal) => {
    exchange(journal, { turns: ["b"], answer: "B", session: "fallback" });
  });
  await recorder().pass(true);
  const before = await rows(MESSAGES);
  const found = await compare(home, [changed((projection) => ({ ...projection, model: "m" }))]);
  expect(found).toMatchObject({
    kept: { exchanges: 1, conversations: 1 },
    scope: { exchanges: 1, conversations: 1 },
    datasets: { ai_gateway_messages: { added: 0, removed: 0, changed: 2 } },
  });
  expect(await reproject(home, [native])).toMatchObject({
    kept: { exchanges: 0 },
    datasets: { ai_gateway_messages: { added: 2, removed: 2 } },
  });
  expect(await rows(MESSAGES)).toHaveLength(before.length);
});

test("exchanges that come to the scope between comparison and commit are taken along", async () => {
  const journal = await open("r1");
  exchange(journal, { turns: ["b"], answer: "B" });
  await journal.flush();
  await recorder().pass();
  await withReprojection(home, [v2], {}, async (reprojection) => {
    expect(await reprojection.compare()).toMatchObject({ datasets: { ai_gateway_messages: { changed: 1 } } });
    exchange(journal, { turns: ["b", "B", "b"], answer: "B" });
    await journal.flush();
    await recorder().pass();
    const before = await rows(MESSAGES);
    expect(await reprojection.commit()).toBe("stale");
    expect(await rows(MESSAGES)).toEqual(before);
    expect(await reprojection.compare()).toMatchObject({ datasets: { ai_gateway_messages: { changed: 2 } } });
    // What comes to other conversations does not matter.
    exchange(journal, { turns: ["b"], answer: "B", session: "other" });
    await journal.flush();
    await recorder().pass();
    expect(await reprojection.commit()).toBe("committed");
  });
  expect(await rows("SELECT count(*) FROM ai_gateway_messages WHERE prompt_id = 'p'")).toEqual([[2n]]);
  expect(await reproject(home, [v2])).toMatchObject({
    datasets: { ai_gateway_messages: { changed: 1, equal: 5 } },
  });
});

test("of two reprojections at the same time the second is told so and has changed nothing", async () => {
  await run("r1", (journal) => {
    exchange(journal, { turns: ["b"], answer: "B" });
  });
  await recorder().pass(true);
  await withReprojection(
    home,
    [changed((projection) => ({ ...projection, model: "late" }))],
    {},
    async (late) => {
      await late.compare();
      await reproject(home, [v2]);
      const after = await rows(MESSAGES);
      expect(await late.commit()).toBe("stale");
      await expect(late.compare()).rejects.toMatchObject({ code: "store_moved" });
      expect(await rows(MESSAGES)).toEqual(after);
    },
  );
});

test("gateways that ran side by side are replayed in the order of their ends", async () => {
  const [one, two] = [await open("r1"), await open("r2")];
  const began = Date.now();
  const turns: string[] = [];
  for (const [index, letter] of ["a", "b", "c", "d"].entries()) {
    const journal = index % 2 === 0 ? one : two;
    turns.push(letter);
    exchange(journal, { turns, answer: letter.toUpperCase(), startedAt: began + 1_000 * index });
    turns.push(letter.toUpperCase());
    await journal.flush();
    await recorder().pass();
  }
  const unfinished = exchange(one, { turns: ["open"], session: "open" });
  await one.flush();
  await recorder().pass();
  expect(await compare(home, [chat])).toMatchObject({ isEmpty: true, scope: { exchanges: 4 } });
  await one.close();
  await recorder().pass(true);
  expect(catalog.exchange(unfinished)).toMatchObject({ row: { outcome: "interrupted" } });
  expect(await compare(home, [chat])).toMatchObject({ isEmpty: true, scope: { exchanges: 5 } });
  expect(await rows(EXCHANGES)).toHaveLength(5);
});
