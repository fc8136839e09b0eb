import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { CaptureFrame } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import { readExchange } from "./assemble.ts";
import { BlockFile } from "./block-file.ts";
import { compressSegment } from "./compress.ts";
import { conversation, randomFrom, turnFrames } from "./fixtures/conversation.ts";
import { exchangeFrames } from "./fixtures/exchange.ts";
import { openJournal } from "./journal.ts";
import { OpenExchanges } from "./open-exchanges.ts";
import { readFrames, scanFrames } from "./reader.ts";
import { listRuns } from "./runs.ts";
import { compressedPath, segmentPath } from "./segment.ts";

const START = { segment: 0, offset: 0 };
const MB = LIMITS.compressedBlockBytes;
const runId = "run-1";
let folder = "";
let dir = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hyp-journal-"));
  dir = join(folder, runId);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function write(frames: readonly CaptureFrame[], segmentBytes = 1e8): Promise<void> {
  const journal = await openJournal({ dir, runId, limits: { segmentBytes } });
  for (const frame of frames) expect(journal.append(frame)).toBe(true);
  await journal.close();
}

/** A conversation, and between its turns bytes that cannot be compressed: three blocks and a bit. */
function longFrames(): readonly CaptureFrame[] {
  const random = randomFrom(9);
  return conversation(8, 26, 8_000, 60_000).flatMap((turn, i) => {
    const bytes = Buffer.from(Array.from({ length: 120_000 }, () => Math.floor(random() * 256)));
    return turnFrames(i, { ...turn, response: [bytes] });
  });
}

const summary = () =>
  [...readFrames(dir, START)].map(({ position, next, frame }) =>
    JSON.stringify([position, next, frame.kind]),
  );

function bodies(): readonly Buffer[] {
  return [...readFrames(dir, START)].flatMap(({ frame }) => ("bytes" in frame ? [frame.bytes] : []));
}

test("a compressed segment reads as before, from every frame on and over block borders, and zstd gives it back", async () => {
  await write(longFrames());
  const plain = readFileSync(segmentPath(dir, 1));
  expect(plain.length).toBeGreaterThan(3 * MB);
  const before = [summary(), bodies()] as const;
  const entries = [...scanFrames(dir, START)].map(({ position, next }) => ({ position, next }));
  const time = new Date(1_700_000_000_000);
  utimesSync(segmentPath(dir, 1), time, time);

  const bytes = await compressSegment(dir, 1);
  expect(readdirSync(dir).sort()).toEqual(["00000001.journal.zst", "lock"]);
  expect(statSync(compressedPath(dir, 1))).toMatchObject({ size: bytes, mtime: time });
  expect(statSync(compressedPath(dir, 1)).mode & 0o777).toBe(0o600);
  expect(listRuns(folder)[0]!.segments).toEqual([
    { segment: 1, bytes, isCompressed: true, writtenMs: time.getTime() },
  ]);
  expect(zstdDecompressSync(readFileSync(compressedPath(dir, 1))).equals(plain)).toBe(true);
  expect(summary()).toEqual(before[0]);
  expect(Buffer.concat(bodies()).equals(Buffer.concat(before[1]))).toBe(true);
  for (const { position, next } of entries)
    expect([...scanFrames(dir, position, { to: next })]).toMatchObject([{ position, next }]);
  const file = BlockFile.open(dir, 1, 64 * 1024)!;
  expect(file.size()).toBe(plain.length);
  for (const offset of [0, MB - 1, MB, 2 * MB - 70_000, 3 * MB - 1, plain.length - 5, plain.length])
    for (const length of [1, 28, 65_536, MB + 3])
      expect(file.bytes(offset, length).equals(plain.subarray(offset, offset + length))).toBe(true);
  file.close();
});

test("exchanges are rebuilt from compressed and plain segments alike, in the same run", async () => {
  const turns = conversation(8, 20, 8_000, 40_000);
  await write(
    turns.flatMap((turn, i) => turnFrames(i, turn)),
    40_000,
  );
  const { segments } = listRuns(folder)[0]!;
  expect(segments.length).toBeGreaterThan(3);
  for (const { segment } of segments) if (segment % 2 === 1) await compressSegment(dir, segment);
  const open = new OpenExchanges();
  const spans = [...scanFrames(dir, START)].flatMap((entry) => open.note(entry) ?? []);
  expect(spans).toHaveLength(20);
  for (const [i, { exchangeId, from, to }] of spans.entries())
    expect((await readExchange(dir, exchangeId, from, to))!.requestBody.equals(turns[i]!.request)).toBe(true);
  // A later writer goes on behind it.
  await write(exchangeFrames(99));
  expect([...readFrames(dir, START)].map(({ frame }) => frame).slice(-exchangeFrames(99).length)).toEqual(
    exchangeFrames(99),
  );
});

test("a kill between any two steps of compressing leaves a segment that reads whole", async () => {
  await write(longFrames().slice(0, 40));
  const before = summary();
  const [plain, compressed] = [segmentPath(dir, 1), compressedPath(dir, 1)];
  copyFileSync(plain, `${plain}.kept`);
  // While the new file was being written, and before it was renamed.
  for (const part of [0, 1_000]) {
    writeFileSync(`${compressed}.tmp`, Buffer.alloc(part, 1));
    expect(summary()).toEqual(before);
    await compressSegment(dir, 1);
    expect(existsSync(`${compressed}.tmp`)).toBe(false);
    expect(summary()).toEqual(before);
    copyFileSync(`${plain}.kept`, plain);
  }
  // Before the plain one was removed: it is the one that is read, and the next call ends the work.
  writeFileSync(compressed, "not what it should be");
  expect(summary()).toEqual(before);
  expect(listRuns(folder)[0]!.segments).toMatchObject([{ segment: 1, isCompressed: false }]);
  await compressSegment(dir, 1);
  expect(existsSync(plain)).toBe(false);
  expect(summary()).toEqual(before);
  await expect(compressSegment(dir, 1)).rejects.toMatchObject({ code: "ENOENT" });
  expect(summary()).toEqual(before);
});

test("damage in a compressed segment costs the blocks it lies in; without its table the segment", async () => {
  await write(longFrames());
  const frames = [...scanFrames(dir, START)].map(({ position, next }) => ({ position, next }));
  await compressSegment(dir, 1);
  const path = compressedPath(dir, 1);
  const whole = readFileSync(path);
  const broken = Buffer.from(whole);
  broken[whole.length >> 1]! ^= 1;
  writeFileSync(path, broken);
  const read = [...scanFrames(dir, START)];
  const damaged = read.filter(({ frame }) => frame.kind === "damage");
  expect(damaged).toHaveLength(1);
  const { position, next } = damaged[0]!;
  expect(next.offset - position.offset).toBeLessThan(MB + 300_000);
  const kept = frames.filter(
    (frame) => frame.next.offset <= position.offset || frame.position.offset >= next.offset,
  );
  expect(read.filter(({ frame }) => frame.kind !== "damage")).toMatchObject(kept);
  expect(kept.length).toBeLessThan(frames.length);
  for (const bytes of [whole.subarray(0, -1), whole.subarray(0, 5), Buffer.alloc(0), Buffer.alloc(50, 255)]) {
    writeFileSync(path, bytes);
    expect([...scanFrames(dir, START)].map(({ frame }) => frame)).toMatchObject([
      { kind: "damage", reason: "header" },
    ]);
  }
});
