import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { CaptureFrame } from "../contract/frame.ts";
import { encodePayloadAs, saltOf, sealFrame } from "./codec.ts";
import { exchangeFrames } from "./fixtures/exchange.ts";
import { openJournal } from "./journal.ts";
import { readFrames } from "./reader.ts";
import type { DamagedFrame, ReadEntry, ReadOptions } from "./reader.ts";
import { isRunAlive, listRuns } from "./runs.ts";
import { encodeSegmentHeader, headerBytes, segmentPath } from "./segment.ts";

const START = { segment: 0, offset: 0 };
let folder = "";
let dir = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hyp-journal-"));
  dir = join(folder, "run-1");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function write(
  frames: readonly CaptureFrame[],
  segmentBytes = 1e6,
  at = dir,
  runId = "run-1",
): Promise<void> {
  const journal = await openJournal({ dir: at, runId, limits: { segmentBytes } });
  for (const frame of frames) expect(journal.append(frame)).toBe(true);
  await journal.close();
}

function read(options: ReadOptions = { alive: false }): { frames: ReadEntry[]; damage: DamagedFrame[] } {
  const entries = [...readFrames(dir, START, options)];
  return {
    frames: entries.filter(({ frame }) => frame.kind !== "damage"),
    damage: entries.flatMap(({ frame }) => (frame.kind === "damage" ? [frame] : [])),
  };
}

const content = (entries: readonly ReadEntry[]) => entries.map(({ frame }) => frame);

test("frames come back in order, over several segments, and reading can go on at any of them", async () => {
  const frames = [...exchangeFrames(1), ...exchangeFrames(2), ...exchangeFrames(3)];
  await write(frames, 900);
  expect(listRuns(folder)[0]!.segments.length).toBeGreaterThan(3);
  const { frames: entries, damage } = read();
  expect(content(entries)).toEqual(frames);
  expect(damage).toEqual([]);
  for (const [i, entry] of entries.entries()) {
    expect([...readFrames(dir, entry.position)][0]).toEqual(entry);
    expect(content([...readFrames(dir, entry.next)])).toEqual(frames.slice(i + 1));
  }
});

/** For thousands of comparisons: the framework's own comparison of buffers is slow. */
const text = (entries: readonly ReadEntry[]) => entries.map((entry) => JSON.stringify(entry)).join("\n");

test("a journal cut at any byte gives every whole frame before the cut and none that was not written", async () => {
  await write([...exchangeFrames(1, 2, 20), ...exchangeFrames(2, 1, 20).slice(0, 3)]);
  const path = segmentPath(dir, 1);
  const whole = readFileSync(path);
  const { frames } = read();
  for (let length = 0; length <= whole.length; length++) {
    writeFileSync(path, whole.subarray(0, length));
    const expected = frames.filter(({ next }) => next.offset <= length);
    const dead = read();
    expect(text(dead.frames)).toBe(text(expected));
    const end = expected.at(-1)?.next.offset ?? 0;
    const torn = length > Math.max(end, headerBytes("run-1"));
    expect(dead.damage.filter(({ reason }) => reason === "torn")).toHaveLength(torn ? 1 : 0);
    const live = read({ alive: true });
    expect(text(live.frames)).toBe(text(expected));
    if (length >= headerBytes("run-1")) expect(live.damage).toEqual([]);
  }
});

test("one changed byte loses at most the frame that it lies in", async () => {
  await write([...exchangeFrames(1, 2, 20), ...exchangeFrames(2, 1, 20).slice(0, 4)], 800);
  const { frames } = read();
  const { segments } = listRuns(folder)[0]!;
  expect(segments.length).toBeGreaterThan(1);
  for (const { segment, bytes } of segments) {
    const path = segmentPath(dir, segment);
    const whole = readFileSync(path);
    for (let at = 0; at < bytes; at++) {
      const broken = Buffer.from(whole);
      broken[at]! ^= 1 << (at % 8);
      writeFileSync(path, broken);
      const { frames: found, damage } = read();
      const lost = frames.filter(
        (f) => f.position.segment === segment && f.position.offset <= at && at < f.next.offset,
      );
      const kept = frames.filter((frame) => !lost.includes(frame));
      expect(text(found)).toBe(text(kept));
      expect(damage.length).toBeGreaterThan(0);
    }
    writeFileSync(path, whole);
  }
});

test("a live reader waits at a damaged tail and passes damage that has frames behind it", async () => {
  await write(exchangeFrames(1));
  const path = segmentPath(dir, 1);
  const whole = readFileSync(path);
  const { frames } = read();
  const [second, last] = [frames[1]!, frames.at(-1)!];
  const broken = Buffer.from(whole);
  broken[last.next.offset - 1]! ^= 1;
  writeFileSync(path, broken);
  expect(read({ alive: true })).toEqual({ frames: frames.slice(0, -1), damage: [] });
  broken[second.next.offset - 1]! ^= 1;
  writeFileSync(path, broken);
  const { frames: found, damage } = read({ alive: true });
  expect(found).toEqual(frames.filter((f) => f !== second && f !== last));
  expect(damage).toEqual([
    { kind: "damage", reason: "checksum", skippedBytes: second.next.offset - second.position.offset },
  ]);
});

test("frames inside a body are not taken for frames when the body's own frame is damaged", async () => {
  await write(exchangeFrames(1));
  const copy = readFileSync(segmentPath(dir, 1));
  rmSync(dir, { recursive: true });
  const body: CaptureFrame = {
    kind: "request-body",
    exchangeId: "0".repeat(32),
    bytes: copy,
    masked: [],
    last: true,
  };
  await write([body, ...exchangeFrames(2)]);
  const path = segmentPath(dir, 1);
  const broken = readFileSync(path);
  broken[headerBytes("run-1") + 28]! ^= 1;
  writeFileSync(path, broken);
  const { frames, damage } = read();
  expect(content(frames)).toEqual(exchangeFrames(2));
  expect(damage).toHaveLength(1);
});

test("zeroed pages, lost segments, swapped segments and a newer version cost only themselves", async () => {
  const frames = Array.from({ length: 12 }, (_none, i) => exchangeFrames(i)).flat();
  await write(frames, 2000);
  const { frames: all } = read();
  const inSegments = (...wanted: number[]) => all.filter(({ position }) => wanted.includes(position.segment));
  const numbers = listRuns(folder)[0]!.segments.map(({ segment }) => segment);
  expect(numbers.length).toBeGreaterThan(5);
  const others = (...gone: number[]) => inSegments(...numbers.filter((segment) => !gone.includes(segment)));
  const [two, three] = [readFileSync(segmentPath(dir, 2)), readFileSync(segmentPath(dir, 3))];

  writeFileSync(segmentPath(dir, 2), Buffer.alloc(two.length));
  expect(read().frames).toEqual(others(2));
  writeFileSync(segmentPath(dir, 2), three);
  writeFileSync(segmentPath(dir, 3), two);
  expect(read().frames).toEqual(others(2, 3));
  expect(read().damage.length).toBeGreaterThan(0);
  writeFileSync(segmentPath(dir, 2), two);
  rmSync(segmentPath(dir, 3));
  expect(read().frames).toEqual(others(3));
  expect(read().damage).toEqual([{ kind: "damage", reason: "missing", skippedBytes: 0 }]);
  mkdirSync(segmentPath(dir, 3));
  expect(read().frames).toEqual(others(3));
  rmSync(segmentPath(dir, 3), { recursive: true });
  const newer = encodeSegmentHeader({
    version: 2,
    segment: 3,
    createdMs: 0,
    previousEnd: two.length,
    runId: "run-1",
  });
  writeFileSync(segmentPath(dir, 3), Buffer.concat([newer, three.subarray(newer.length)]));
  expect(read().frames).toEqual(others(3));
  expect(read().damage).toEqual([{ kind: "damage", reason: "version", skippedBytes: three.length }]);
});

test("a frame with a payload that cannot be decoded is reported, and unknown kinds are passed on", () => {
  mkdirSync(dir);
  const header = encodeSegmentHeader({
    version: 1,
    segment: 1,
    createdMs: 0,
    previousEnd: 0,
    runId: "run-1",
  });
  const parts = [header];
  for (const [kind, payload] of [
    [50, "not json"],
    [99, "of the future"],
  ] as const) {
    const encoded = encodePayloadAs("gap", "0".repeat(32), [Buffer.from(payload)], false)!;
    encoded.header[4] = kind;
    parts.push(...sealFrame(encoded, saltOf("run-1", 1), Buffer.concat(parts).length));
  }
  writeFileSync(segmentPath(dir, 1), Buffer.concat(parts));
  expect(content([...readFrames(dir, START)])).toEqual([
    { kind: "damage", reason: "payload", skippedBytes: 36 },
    { kind: "unknown", exchangeId: "0".repeat(32) },
  ]);
});

test("reading one exchange skips the others, and finds its frames behind damage in one of them", async () => {
  const exchanges = [1, 2, 3].map((number) => exchangeFrames(number, 4, 500));
  const mixed = exchanges[0]!.flatMap((_frame, i) => exchanges.map((frames) => frames[i]!));
  await write(mixed, 1500);
  const { frames: all } = read();
  const exchangeId = exchanges[1]![0]!.exchangeId;
  expect(content(read({ alive: false, exchangeId }).frames)).toEqual(exchanges[1]);
  for (const entry of all.filter(({ frame }) => frame.kind !== "damage" && frame.exchangeId !== exchangeId)) {
    const path = segmentPath(dir, entry.position.segment);
    const whole = readFileSync(path);
    for (const at of [0, 2, 3, 4, 8]) {
      const broken = Buffer.from(whole);
      broken[entry.position.offset + at]! ^= 0x11;
      writeFileSync(path, broken);
      expect(content(read({ alive: false, exchangeId }).frames)).toEqual(exchanges[1]);
    }
    writeFileSync(path, whole);
  }
});

test("runs are listed oldest first, dead or alive; strangers in the folder are passed over", async () => {
  expect(listRuns(join(folder, "none"))).toEqual([]);
  await write(exchangeFrames(1), 1e6, join(folder, "run-b"), "run-b");
  await new Promise((resolve) => setTimeout(resolve, 5));
  const journal = await openJournal({ dir: join(folder, "run-a"), runId: "run-a" });
  journal.append(exchangeFrames(2)[0]!);
  await journal.flush();
  writeFileSync(join(folder, "notes.txt"), "hello");
  writeFileSync(join(folder, "run-a", "notes.txt"), "hello");
  const runs = listRuns(folder);
  expect(runs.map(({ runId }) => runId)).toEqual(["run-b", "run-a"]);
  expect(runs.map(({ segments }) => segments.map(({ segment }) => segment))).toEqual([[1], [1]]);
  expect(runs.map((run) => isRunAlive(run.dir))).toEqual([false, true]);
  await journal.close();
  expect(isRunAlive(runs[1]!.dir)).toBe(false);
});
