import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import { expect, test } from "vitest";
import type { CaptureFrame } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import { readExchange } from "./assemble.ts";
import { BlockFile } from "./block-file.ts";
import { compressSegment } from "./compress.ts";
import { conversation, randomFrom, turnFrames } from "./fixtures/conversation.ts";
import { exchangeFrames } from "./fixtures/exchange.ts";
import { START, TemporaryRun } from "./fixtures/temporary-run.ts";
import { OpenExchanges } from "./open-exchanges.ts";
import { readFrames, scanFrames } from "./reader.ts";
import { listRuns } from "./runs.ts";
import { compressedPath, segmentPath } from "./segment.ts";

const MB = LIMITS.compressedBlockBytes;
const run = new TemporaryRun();

/** A conversation, and between its turns bytes that cannot be compressed: three blocks and a bit. */
function longFrames(): readonly CaptureFrame[] {
  const random = randomFrom(9);
  return conversation(8, 26, 8_000, 60_000).flatMap((turn, i) => {
    const bytes = Buffer.from(Array.from({ length: 120_000 }, () => Math.floor(random() * 256)));
    return turnFrames(i, { ...turn, response: [bytes] });
  });
}

const summary = () =>
  [...readFrames(run.dir, START)].map(({ position, next, frame }) =>
    JSON.stringify([position, next, frame.kind]),
  );

function bodies(): readonly Buffer[] {
  return [...readFrames(run.dir, START)].flatMap(({ frame }) => ("bytes" in frame ? [frame.bytes] : []));
}

test("a compressed segment reads as before, from every frame on and over block borders, and zstd gives it back", async () => {
  await run.write(longFrames());
  const plain = readFileSync(segmentPath(run.dir, 1));
  expect(plain.length).toBeGreaterThan(3 * MB);
  const before = [summary(), bodies()] as const;
  const entries = [...scanFrames(run.dir, START)].map(({ position, next }) => ({ position, next }));
  const time = new Date(1_700_000_000_000);
  utimesSync(segmentPath(run.dir, 1), time, time);

  const bytes = await compressSegment(run.dir, 1);
  expect(readdirSync(run.dir).sort()).toEqual(["00000001.journal.zst", "lock"]);
  expect(statSync(compressedPath(run.dir, 1))).toMatchObject({ size: bytes, mtime: time });
  expect(statSync(compressedPath(run.dir, 1)).mode & 0o777).toBe(0o600);
  expect(listRuns(run.folder)[0]!.segments).toEqual([
    { segment: 1, bytes, isCompressed: true, writtenMs: time.getTime() },
  ]);
  expect(zstdDecompressSync(readFileSync(compressedPath(run.dir, 1))).equals(plain)).toBe(true);
  expect(summary()).toEqual(before[0]);
  expect(Buffer.concat(bodies()).equals(Buffer.concat(before[1]))).toBe(true);
  for (const { position, next } of entries)
    expect([...scanFrames(run.dir, position, { to: next })]).toMatchObject([{ position, next }]);
  const file = BlockFile.open(run.dir, 1, 64 * 1024)!;
  expect(file.size()).toBe(plain.length);
  for (const offset of [0, MB - 1, MB, 2 * MB - 70_000, 3 * MB - 1, plain.length - 5, plain.length])
    for (const length of [1, 28, 65_536, MB + 3])
      expect(file.bytes(offset, length).equals(plain.subarray(offset, offset + length))).toBe(true);
  file.close();
});

test("exchanges are rebuilt from compressed and plain segments alike, in the same run", async () => {
  const turns = conversation(8, 20, 8_000, 40_000);
  await run.write(
    turns.flatMap((turn, i) => turnFrames(i, turn)),
    { segmentBytes: 40_000 },
  );
  const { segments } = listRuns(run.folder)[0]!;
  expect(segments.length).toBeGreaterThan(3);
  for (const { segment } of segments) if (segment % 2 === 1) await compressSegment(run.dir, segment);
  const open = new OpenExchanges();
  const spans = [...scanFrames(run.dir, START)].flatMap((entry) => open.note(entry) ?? []);
  expect(spans).toHaveLength(20);
  for (const [i, { exchangeId, from, to }] of spans.entries())
    expect((await readExchange(run.dir, exchangeId, from, to))!.requestBody.equals(turns[i]!.request)).toBe(
      true,
    );
  // A later writer goes on behind it.
  await run.write(exchangeFrames(99));
  expect([...readFrames(run.dir, START)].map(({ frame }) => frame).slice(-exchangeFrames(99).length)).toEqual(
    exchangeFrames(99),
  );
});

test("a kill between any two steps of compressing leaves a segment that reads whole", async () => {
  await run.write(longFrames().slice(0, 40));
  const before = summary();
  const [plain, compressed] = [segmentPath(run.dir, 1), compressedPath(run.dir, 1)];
  copyFileSync(plain, `${plain}.kept`);
  // While the new file was being written, and before it was renamed.
  for (const part of [0, 1_000]) {
    writeFileSync(`${compressed}.tmp`, Buffer.alloc(part, 1));
    expect(summary()).toEqual(before);
    await compressSegment(run.dir, 1);
    expect(existsSync(`${compressed}.tmp`)).toBe(false);
    expect(summary()).toEqual(before);
    copyFileSync(`${plain}.kept`, plain);
  }
  // Before the plain one was removed: it is the one that is read, and the next call ends the work.
  writeFileSync(compressed, "not what it should be");
  expect(summary()).toEqual(before);
  expect(listRuns(run.folder)[0]!.segments).toMatchObject([{ segment: 1, isCompressed: false }]);
  await compressSegment(run.dir, 1);
  expect(existsSync(plain)).toBe(false);
  expect(summary()).toEqual(before);
  await expect(compressSegment(run.dir, 1)).rejects.toMatchObject({ code: "ENOENT" });
  expect(summary()).toEqual(before);
});

test("damage in a compressed segment costs the blocks it lies in; without its table the segment", async () => {
  await run.write(longFrames());
  const frames = [...scanFrames(run.dir, START)].map(({ position, next }) => ({ position, next }));
  await compressSegment(run.dir, 1);
  const path = compressedPath(run.dir, 1);
  const whole = readFileSync(path);
  const broken = Buffer.from(whole);
  broken[whole.length >> 1]! ^= 1;
  writeFileSync(path, broken);
  const read = [...scanFrames(run.dir, START)];
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
    expect([...scanFrames(run.dir, START)].map(({ frame }) => frame)).toMatchObject([
      { kind: "damage", reason: "header" },
    ]);
  }
});
