import { hash } from "node:crypto";
import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { CaptureFrame, JournalPosition } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import { tryLock } from "../disk/lock.ts";
import { readExchange } from "./assemble.ts";
import { FRAME_HEADER_BYTES } from "./codec.ts";
import { conversation, randomFrom, turnFrames } from "./fixtures/conversation.ts";
import { MoodyDisk } from "./fixtures/moody-disk.ts";
import { runId, START, TemporaryRun } from "./fixtures/temporary-run.ts";
import { openJournal } from "./journal.ts";
import { OpenExchanges } from "./open-exchanges.ts";
import { readFrames, scanFrames } from "./reader.ts";
import type { ScannedEntry } from "./reader.ts";
import { decodeDelta } from "./request-delta.ts";
import { lockPath } from "./runs.ts";
import { segmentPath } from "./segment.ts";

const run = new TemporaryRun();

const read = (from = START) => [...readFrames(run.dir, from)].map(({ frame }) => frame);
const kinds = () =>
  [...scanFrames(run.dir, START)].flatMap(({ frame }) => (frame.kind === "damage" ? [] : [frame.kind]));
const count = (kind: string) => kinds().filter((other) => other === kind).length;

/** Frames of bodies that an exchange of this number sends whole to `upstream`. */
function sent(number: number, request: Buffer, upstream = "up"): readonly CaptureFrame[] {
  return turnFrames(number, { request, response: [Buffer.from("answer")] }, upstream);
}

/** For many comparisons of long bodies: short, and telling enough when they differ. */
const text = (frames: readonly object[]) =>
  frames.map((frame) =>
    "bytes" in frame && Buffer.isBuffer(frame.bytes)
      ? JSON.stringify({ ...frame, bytes: hash("sha256", frame.bytes) })
      : JSON.stringify(frame),
  );

/** Every base lies in the segment of its difference; returns how many differences there are. */
function basesAreNear(): number {
  const places = new Map<string, string>();
  const deltas: string[] = [];
  for (const { position, frame } of scanFrames(run.dir, START)) {
    if (frame.kind === "damage") continue;
    places.set(`${position.segment}@${position.offset}`, frame.kind);
    if (frame.kind === "request-delta")
      deltas.push(`${position.segment}@${decodeDelta(frame.payload)!.baseOffset}`);
  }
  for (const base of deltas)
    expect(["request-body", "request-delta", "request-base"]).toContain(places.get(base));
  return deltas.length;
}

test("a conversation is stored as differences and read back byte for byte, in any direction", async () => {
  const frames = conversation(1, 12, 8_000, 30_000).flatMap((turn, i) => turnFrames(i, turn));
  await run.write(frames);
  expect(count("request-body")).toBe(1);
  expect(count("request-delta")).toBe(11);
  expect(text(read())).toEqual(text(frames));
  const open = new OpenExchanges();
  const spans = [...scanFrames(run.dir, START)].flatMap((entry) => open.note(entry) ?? []);
  for (const { exchangeId, from, to } of spans.toReversed()) {
    const body = frames.find((frame) => frame.kind === "request-body" && frame.exchangeId === exchangeId);
    const exchange = await readExchange(run.dir, exchangeId, from, to);
    expect(exchange).toMatchObject({ requestComplete: true, droppedRequestBytes: 0 });
    expect(body?.kind === "request-body" && exchange!.requestBody.equals(body.bytes)).toBe(true);
  }
});

test("what waits is counted as the disk will get it: many differences are one write", async () => {
  const limits = { commitDelayMs: 60_000, commitBytes: 60_000 };
  const journal = await openJournal({ dir: run.dir, runId, limits });
  const turns = conversation(1, 8, 30_000, 34_000).map((turn, i) => turnFrames(i, turn));
  for (const turn of turns.slice(0, 2)) {
    for (const frame of turn) journal.append(frame);
    await journal.flush();
  }
  const { commits } = journal.stats();
  for (const frame of turns.slice(2).flat()) journal.append(frame);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(journal.stats()).toMatchObject({ commits });
  expect(journal.stats().queuedBytes).toBeGreaterThan(3 * limits.commitBytes);
  const exchangeId = turns[0]![0]!.exchangeId;
  const bytes = Buffer.alloc(limits.commitBytes);
  journal.append({ kind: "response-bytes", exchangeId, bytes, arrivals: [], masked: [] });
  while (journal.stats().queuedBytes > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await journal.close();
  expect(count("request-delta")).toBe(7);
});

test("a body whose base was just read is rebuilt without reading the base again", async () => {
  const frames = conversation(2, 3, 8_000, 30_000).flatMap((turn, i) => turnFrames(i, turn));
  await run.write(frames);
  const open = new OpenExchanges();
  const [first, second, third] = [...scanFrames(run.dir, START)].flatMap((entry) => open.note(entry) ?? []);
  await readExchange(run.dir, second!.exchangeId, second!.from, second!.to);
  const path = segmentPath(run.dir, 1);
  const bytes = readFileSync(path);
  bytes.fill(0, first!.from.offset, second!.to.offset);
  writeFileSync(path, bytes);
  const exchange = await readExchange(run.dir, third!.exchangeId, third!.from, third!.to);
  const body = frames.find(
    (frame) => frame.kind === "request-body" && frame.exchangeId === third!.exchangeId,
  );
  expect(body?.kind === "request-body" && exchange!.requestBody.equals(body.bytes)).toBe(true);
});

test("any bodies in any order, with any masked ranges, are rebuilt byte for byte", async () => {
  const stretch = fc.nat({ max: 6 });
  const recipe = fc.record({
    stretches: fc.array(stretch, { minLength: 1, maxLength: 8 }),
    upstream: fc.constantFrom("a", "b"),
    masked: fc.boolean(),
  });
  const parts = Array.from({ length: 7 }, (_none, i) => {
    const random = randomFrom(i + 1);
    return Buffer.from(Array.from({ length: 1_500 + 700 * i }, () => Math.floor(random() * 256)));
  });
  const property = fc.asyncProperty(
    fc.array(recipe, { minLength: 1, maxLength: 30 }),
    fc.constantFrom(20_000, 60_000, 10_000_000),
    async (recipes, segmentBytes) => {
      rmSync(run.dir, { recursive: true, force: true });
      const frames = recipes.flatMap(({ stretches, upstream, masked }, i) =>
        sent(i, Buffer.concat(stretches.map((part) => parts[part]!)), upstream).map((frame) =>
          frame.kind === "request-body" && masked
            ? { ...frame, masked: [{ offset: 1_000, length: 20 }] }
            : frame,
        ),
      );
      await run.write(frames, { segmentBytes });
      expect(text(read())).toEqual(text(frames));
      basesAreNear();
    },
  );
  await fc.assert(property, { numRuns: 40 });
});

test("only bodies that came whole, unencoded and for an upstream become differences, to the same upstream's", async () => {
  const body = conversation(1, 1, 20_000, 20_000)[0]!.request;
  const plain = sent(1, body);
  const encoded = sent(2, body).map((frame): CaptureFrame =>
    frame.kind === "open"
      ? { ...frame, head: { ...frame.head, headers: ["Content-Encoding", "zstd"] } }
      : frame,
  );
  const inPieces = sent(3, body).flatMap((frame): readonly CaptureFrame[] =>
    frame.kind === "request-body"
      ? [
          { ...frame, bytes: body.subarray(0, 5_000), last: false },
          { ...frame, bytes: body.subarray(5_000) },
        ]
      : [frame],
  );
  const unfinished = sent(4, body).map((frame) =>
    frame.kind === "request-body" ? { ...frame, last: false } : frame,
  );
  const unrouted = sent(5, body).map((frame): CaptureFrame =>
    frame.kind === "open" ? { ...frame, head: { ...frame.head, upstream: null } } : frame,
  );
  const frames = [
    plain,
    encoded,
    inPieces,
    unfinished,
    unrouted,
    sent(6, body, "other"),
    sent(7, Buffer.from("hi")),
  ];
  await run.write(frames.flat());
  expect(count("request-delta")).toBe(0);
  rmSync(run.dir, { recursive: true });
  await run.write([...frames.flat(), ...sent(8, body)]);
  expect(count("request-delta")).toBe(1);
  expect(read()).toEqual([...frames.flat(), ...sent(8, body)]);
});

test("after 64 frames a chain ends and a whole body begins the next", async () => {
  const turns = conversation(3, 140, 6_000, 60_000);
  await run.write(turns.flatMap((turn, i) => turnFrames(i, turn)));
  const bodies = kinds().filter((kind) => kind === "request-body" || kind === "request-delta");
  expect(bodies.flatMap((kind, i) => (kind === "request-body" ? [i] : []))).toEqual([0, 64, 128]);
  expect(LIMITS.deltaChain).toBe(64);
  // From the last one on, so that each chain is followed to its beginning.
  const entries = [...readFrames(run.dir, START)].filter(({ frame }) => frame.kind === "request-body");
  for (const i of [63, 127, 139]) {
    const [entry] = [...readFrames(run.dir, entries[i]!.position, { to: entries[i]!.next })];
    expect(entry!.frame.kind === "request-body" && entry!.frame.bytes.equals(turns[i]!.request)).toBe(true);
  }
});

test("each segment begins with a whole body", async () => {
  const frames = conversation(4, 30, 8_000, 40_000).flatMap((turn, i) => turnFrames(i, turn));
  await run.write(frames, { segmentBytes: 40_000 });
  const firsts = new Map<number, string>();
  for (const { position, frame } of scanFrames(run.dir, START)) {
    if (frame.kind.startsWith("request") && !firsts.has(position.segment))
      firsts.set(position.segment, frame.kind);
  }
  expect(firsts.size).toBeGreaterThan(3);
  expect(new Set(firsts.values())).toEqual(new Set(["request-body"]));
  expect(basesAreNear()).toBeGreaterThan(10);
  expect(text(read())).toEqual(text(frames));
});

test("eight conversations at once, to one upstream, keep to their own bodies", async () => {
  const conversations = Array.from({ length: 8 }, (_none, i) => conversation(10 + i, 6, 20_000, 50_000));
  const frames = Array.from({ length: 6 }, (_none, turn) =>
    conversations.flatMap((turns, i) => turnFrames(turn * 8 + i, turns[turn]!)),
  ).flat();
  await run.write(frames);
  expect(text(read())).toEqual(text(frames));
  const wire = frames.reduce((sum, frame) => sum + ("bytes" in frame ? frame.bytes.length : 0), 0);
  expect(readFileSync(segmentPath(run.dir, 1)).length).toBeLessThan(wire * 0.45);
});

test.each(["create", "write", "sync"] as const)(
  "differences in a commit whose %s fails keep their place, and find their base in the new segment",
  async (refuse) => {
    const disk = new MoodyDisk();
    const journal = await openJournal({
      dir: run.dir,
      runId,
      disk,
      limits: { commitDelayMs: 1, segmentBytes: 60_000 },
    });
    const exchanges = conversation(5, 36, 8_000, 30_000).map((turn, i) => turnFrames(i, turn));
    const followed: object[] = [];
    let at: JournalPosition = START;
    const follow = () => {
      for (const { frame, next } of readFrames(run.dir, at)) {
        followed.push(frame);
        at = next;
      }
    };
    for (let i = 0; i < exchanges.length; i += 4) {
      for (const frame of exchanges.slice(i, i + 2).flat()) journal.append(frame);
      await journal.flush();
      if (i % 8 === 0) follow();
      // Sometimes the refused commit is many groups, written while a sync before it took its time.
      const sync = Promise.withResolvers<void>();
      if (i % 8 === 4) disk.slowSync = sync.promise;
      for (const frame of exchanges[i + 2]!) {
        journal.append(frame);
        if (i % 8 === 4) await new Promise((resolve) => setTimeout(resolve, 4));
      }
      follow();
      disk.refuse = refuse;
      // Sometimes the reader sees whole frames of the refused commit, sometimes a beginning, sometimes none.
      disk.partialBytes = [0, 700, 2_500, 100_000][(i / 4) % 4]!;
      const tries = journal.stats().failedCommits;
      for (const frame of exchanges[i + 3]!) journal.append(frame);
      sync.resolve();
      while (journal.stats().failedCommits < tries + 2 && journal.stats().queuedBytes > 0) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        follow();
      }
      disk.refuse = undefined;
    }
    await journal.flush();
    follow();
    const frames = exchanges.flat();
    expect(text(followed)).toEqual(text(frames));
    expect(text(read())).toEqual(text(frames));
    expect(basesAreNear()).toBeGreaterThan(10);
    if (refuse !== "create") expect(count("request-base")).toBeGreaterThan(3);
    await journal.close();
    const open = new OpenExchanges();
    const spans = [...scanFrames(run.dir, START)].flatMap((entry) => open.note(entry) ?? []);
    expect(spans).toHaveLength(36);
    expect(open.all()).toEqual([]);
    for (const [i, { exchangeId, from, to }] of spans.entries())
      expect(
        (await readExchange(run.dir, exchangeId, from, to))!.requestBody.equals(bodyOf(exchanges[i]!)),
      ).toBe(true);
  },
);

test("a living run's difference whose base is still to be written is waited for, a dead one's is lost", async () => {
  const disk = new MoodyDisk();
  const journal = await openJournal({ dir: run.dir, runId, disk });
  const [first, second] = conversation(21, 2, 8_000, 10_000).map((turn, i) => turnFrames(i, turn));
  for (const frame of first!) journal.append(frame);
  await journal.flush();
  disk.refuse = "sync";
  for (const frame of second!) journal.append(frame);
  while (journal.stats().failedCommits === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  disk.refuse = undefined;
  const to = await journal.flush();
  const entries = [...scanFrames(run.dir, START)].filter(({ position }) => position.segment === 2);
  const base = entries.at(-1)!;
  expect(base.frame.kind).toBe("request-base");
  const { exchangeId } = second![0]!;
  const exchange = () => readExchange(run.dir, exchangeId, START, to);
  expect((await exchange())!.requestBody.equals(bodyOf(second!))).toBe(true);

  // Another run's place, so that nothing of it is known already.
  await journal.close();
  const other = join(run.folder, "elsewhere", runId);
  cpSync(run.dir, other, { recursive: true });
  run.dir = other;
  for (const length of [base.next.offset - 1, base.position.offset + 10, base.position.offset]) {
    truncateSync(segmentPath(run.dir, 2), length);
    const lock = tryLock(lockPath(run.dir))!;
    await expect(exchange()).rejects.toThrow("not whole yet");
    expect(text(read())).toEqual(text([...first!, second![0]!]));
    lock.release();
    expect(await exchange()).toMatchObject({
      requestBody: Buffer.alloc(0),
      requestComplete: false,
      droppedRequestBytes: bodyOf(second!).length,
    });
    expect([...readFrames(run.dir, START)].map(({ frame }) => frame)).toContainEqual(
      expect.objectContaining({ kind: "damage", reason: "base" }),
    );
  }
});

function bodyOf(frames: readonly CaptureFrame[]): Buffer {
  const frame = frames.find(({ kind }) => kind === "request-body");
  return frame?.kind === "request-body" ? frame.bytes : Buffer.alloc(0);
}

test("a damaged frame loses its own body and those that are rebuilt from it, never gives a wrong one", async () => {
  const here = conversation(6, 10, 8_000, 30_000).map((turn, i) => turnFrames(2 * i, turn, "a"));
  const there = conversation(7, 10, 9_000, 30_000).map((turn, i) => turnFrames(2 * i + 1, turn, "b"));
  const exchanges = here.flatMap((frames, i) => [frames, there[i]!]);
  await run.write(exchanges.flat());
  const path = segmentPath(run.dir, 1);
  const whole = readFileSync(path);
  const isBody = ({ frame }: ScannedEntry) => frame.kind === "request-body" || frame.kind === "request-delta";
  const bodies = [...scanFrames(run.dir, START)].filter(isBody).map(({ position }) => position.offset);
  expect(bodies).toHaveLength(20);
  const open = new OpenExchanges();
  const spans = [...scanFrames(run.dir, START)].flatMap((entry) => open.note(entry) ?? []);
  for (const damaged of [0, 8, 19]) {
    // Read from the last on: so none is rebuilt from one that this process still knows.
    const broken = Buffer.from(whole);
    broken[bodies[damaged]! + FRAME_HEADER_BYTES + 40]! ^= 1;
    writeFileSync(path, broken);
    for (const [i, { exchangeId, from, to }] of spans.toReversed().entries()) {
      const number = spans.length - 1 - i;
      const isLost = number % 2 === damaged % 2 && number >= damaged;
      const exchange = await readExchange(run.dir, exchangeId, from, to);
      const body = bodyOf(exchanges[number]!);
      const known = exchange!.requestBody.equals(body);
      expect(known || exchange!.requestBody.length === 0).toBe(true);
      expect(exchange).toMatchObject(
        known
          ? { requestComplete: true, droppedRequestBytes: 0 }
          : { requestComplete: false, droppedRequestBytes: body.length },
      );
      expect(known).toBe(!isLost);
    }
  }
});
