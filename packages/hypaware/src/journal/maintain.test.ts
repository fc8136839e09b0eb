import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readExchange } from "./assemble.ts";
import { conversation, turnFrames } from "./fixtures/conversation.ts";
import { openJournal } from "./journal.ts";
import type { Journal } from "./journal.ts";
import { maintainJournal } from "./maintain.ts";
import { OpenExchanges } from "./open-exchanges.ts";
import { readFrames, scanFrames } from "./reader.ts";
import { segmentsToRemove, settledSegments } from "./retention.ts";
import type { RunProgress, RunState } from "./retention.ts";
import { listRuns } from "./runs.ts";
import { segmentPath } from "./segment.ts";

const START = { segment: 0, offset: 0 };
const DAY = 86_400_000;
const NOW = Date.UTC(2026, 6, 1);
let journalDir = "";
beforeEach(() => {
  journalDir = mkdtempSync(join(tmpdir(), "hyp-journal-"));
});
afterEach(() => rmSync(journalDir, { recursive: true, force: true }));

const at = (segment: number, finished = false): RunProgress => ({ low: { segment, offset: 500 }, finished });
const run = (
  runId: string,
  segments: readonly number[],
  progress?: RunProgress,
  alive = false,
): RunState => ({
  runId,
  dir: runId,
  createdMs: 0,
  segments: segments.map((segment) => ({
    segment,
    bytes: 100,
    isCompressed: false,
    writtenMs: NOW - DAY * (9 - segment),
  })),
  progress,
  alive,
});
const numbers = (segments: readonly { readonly segment: number }[]) => segments.map(({ segment }) => segment);

test("settled is what nobody writes and nobody has still to read", () => {
  expect(numbers(settledSegments(run("r", [1, 2, 3])))).toEqual([]);
  expect(numbers(settledSegments(run("r", [1, 2, 3], at(0))))).toEqual([]);
  expect(numbers(settledSegments(run("r", [1, 2, 3], at(3), true)))).toEqual([1, 2]);
  expect(numbers(settledSegments(run("r", [1, 2, 3], at(2), false)))).toEqual([1]);
  expect(numbers(settledSegments(run("r", [1, 2, 3], at(9), true)))).toEqual([1, 2]);
  expect(numbers(settledSegments(run("r", [1, 2, 3], at(3, true), false)))).toEqual([1, 2, 3]);
  expect(numbers(settledSegments(run("r", [1, 2, 3], at(3, true), true)))).toEqual([1, 2]);
});

test("the oldest settled segments go until the rest is within the quota, and those that are too old", () => {
  const runs = [run("a", [1, 4, 7], at(7, true)), run("b", [2, 3, 5], at(5), true), run("c", [6])];
  const removed = (quotaBytes: number, days: number) =>
    segmentsToRemove(runs, { quotaBytes, maxAgeMs: days * DAY, now: NOW }).map(
      ({ dir, segment }) => `${dir}${segment}`,
    );
  expect(removed(700, 90)).toEqual([]);
  expect(removed(450, 90)).toEqual(["a1", "b2", "b3"]);
  expect(removed(0, 90)).toEqual(["a1", "b2", "b3", "a4", "a7"]);
  expect(removed(700, 6)).toEqual(["a1", "b2"]);
  const back = run("d", [8, 2, 3], at(9, true));
  const clockPutBack = { ...back, segments: back.segments.map((one, i) => ({ ...one, segment: i + 1 })) };
  expect(
    numbers(segmentsToRemove([clockPutBack], { quotaBytes: 150, maxAgeMs: 90 * DAY, now: NOW })),
  ).toEqual([1, 2]);
});

/** 20 exchanges; the first run id is the oldest. */
async function write(runId: string): Promise<Journal> {
  const dir = join(journalDir, runId);
  const journal = await openJournal({ dir, runId, limits: { segmentBytes: 40_000 } });
  const turns = conversation(runId.charCodeAt(0), 20, 8_000, 40_000);
  for (const frame of turns.flatMap((turn, i) => turnFrames(i, turn))) journal.append(frame);
  await journal.flush();
  for (const { segment } of listRuns(journalDir).find((one) => one.runId === runId)!.segments) {
    const written = (NOW - (200 - runId.charCodeAt(0)) * DAY) / 1_000 + segment;
    utimesSync(segmentPath(dir, segment), written, written);
  }
  return journal;
}

const segmentsOf = (runId: string) => listRuns(journalDir).find((one) => one.runId === runId)?.segments ?? [];
const frameCount = (runId: string) => [...readFrames(join(journalDir, runId), START)].length;

test("what is settled is compressed once, what is not is left alone", async () => {
  await (await write("a")).close();
  const living = await write("b");
  await (await write("c")).close();
  const before = ["a", "b", "c"].map(frameCount);
  const cursors = new Map([
    ["a", at(99, true)],
    ["b", at(3)],
  ]);
  const first = await maintainJournal({ journalDir, cursors, maxAgeMs: 365 * DAY, now: NOW });
  expect(first.compressed).toBe(segmentsOf("a").length + 2);
  expect(first.removed).toBe(0);
  expect(segmentsOf("a").every(({ isCompressed }) => isCompressed)).toBe(true);
  expect(
    segmentsOf("b")
      .map(({ isCompressed }) => isCompressed)
      .indexOf(false),
  ).toBe(2);
  expect(segmentsOf("c").some(({ isCompressed }) => isCompressed)).toBe(false);
  expect(["a", "b", "c"].map(frameCount)).toEqual(before);
  expect(await maintainJournal({ journalDir, cursors, maxAgeMs: 365 * DAY, now: NOW })).toEqual({
    ...first,
    compressed: 0,
  });
  await living.close();
});

test("over the quota whole old segments go, never one that is read or written, and every exchange that is left is whole", async () => {
  await (await write("a")).close();
  const living = await write("b");
  await (await write("c")).close();
  const cursors = new Map([
    ["a", at(99, true)],
    ["b", at(99)],
  ]);
  const kept = segmentsOf("c").length + 1;
  const { removed } = await maintainJournal({
    journalDir,
    cursors,
    quotaBytes: 0,
    maxAgeMs: 365 * DAY,
    now: NOW,
  });
  expect(removed).toBeGreaterThan(5);
  expect(readdirSync(journalDir).sort()).toEqual(["b", "c"]);
  expect(segmentsOf("b").length + segmentsOf("c").length).toBe(kept);
  expect([...readFrames(join(journalDir, "b"), START)].some(({ frame }) => frame.kind === "damage")).toBe(
    false,
  );
  // Somebody asks for an exchange that is gone while its gateway still runs.
  const exchangeId = "0".repeat(32);
  expect(
    await readExchange(join(journalDir, "b"), exchangeId, START, { segment: 1, offset: 900 }),
  ).toBeUndefined();
  await living.close();
});

test("within the quota after compressing nothing is removed, and partly removed runs lose only what is removed", async () => {
  await (await write("a")).close();
  const dir = join(journalDir, "a");
  const cursors = new Map([["a", at(99, true)]]);
  const plainBytes = segmentsOf("a").reduce((sum, { bytes }) => sum + bytes, 0);
  const options = { journalDir, cursors, maxAgeMs: 365 * DAY, now: NOW };
  const { removed, bytes } = await maintainJournal({ ...options, quotaBytes: Math.round(plainBytes * 0.9) });
  expect(removed).toBe(0);
  expect(bytes).toBeLessThan(plainBytes * 0.9);
  const exchanges = frameCount("a");
  const half = await maintainJournal({ ...options, quotaBytes: Math.round(bytes / 2) });
  expect(half.removed).toBeGreaterThan(0);
  expect(half.bytes).toBeLessThanOrEqual(bytes / 2);
  expect(segmentsOf("a").length).toBeGreaterThan(0);
  const left = [...readFrames(dir, START)];
  expect(left.length).toBeLessThan(exchanges);
  expect(left.filter(({ frame }) => frame.kind === "damage")).toEqual([]);
  const open = new OpenExchanges();
  for (const entry of scanFrames(dir, START)) {
    const span = open.note(entry);
    const exchange = span && (await readExchange(dir, span.exchangeId, span.from, span.to));
    if (exchange) expect(exchange.droppedResponseBytes).toBe(0);
  }
});

test("the quota holds, too, where a segment cannot be compressed", async () => {
  await (await write("a")).close();
  const last = segmentsOf("a").at(-1)!;
  mkdirSync(`${segmentPath(join(journalDir, "a"), last.segment)}.zst.tmp`);
  const cursors = new Map([["a", at(99, true)]]);
  const options = { journalDir, cursors, maxAgeMs: 365 * DAY, now: NOW };
  await expect(maintainJournal({ ...options, quotaBytes: last.bytes })).rejects.toMatchObject({
    code: "EISDIR",
  });
  expect(segmentsOf("a")).toEqual([last]);
});

test("old segments go whatever the quota; a folder with strangers stays, without a cursor everything stays", async () => {
  await (await write("a")).close();
  await (await write("c")).close();
  const journal = await openJournal({ dir: join(journalDir, "e"), runId: "e" });
  await journal.close();
  writeFileSync(join(journalDir, "a", "notes.txt"), "hello");
  const options = { journalDir, maxAgeMs: 90 * DAY, now: NOW };
  expect(await maintainJournal({ ...options, cursors: new Map() })).toMatchObject({
    compressed: 0,
    removed: 0,
  });
  const cursors = new Map(["a", "c", "e"].map((runId) => [runId, at(99, true)]));
  const { compressed, bytes } = await maintainJournal({ ...options, cursors });
  expect({ compressed, bytes }).toEqual({ compressed: 0, bytes: 0 });
  expect(readdirSync(journalDir)).toEqual(["a"]);
  expect(existsSync(join(journalDir, "a", "notes.txt"))).toBe(true);
});
