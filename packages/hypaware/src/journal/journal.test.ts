import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import type { CaptureFrame, JournalPosition } from "../contract/frame.ts";
import { exchangeFrames } from "./fixtures/exchange.ts";
import { MoodyDisk } from "./fixtures/moody-disk.ts";
import { runId, START, TemporaryRun } from "./fixtures/temporary-run.ts";
import { openJournal } from "./journal.ts";
import { readFrames } from "./reader.ts";
import { listRuns } from "./runs.ts";
import { segmentPath } from "./segment.ts";

const run = new TemporaryRun();

const read = (from = START) => [...readFrames(run.dir, from)].map(({ frame }) => frame);
const many = (count: number) => Array.from({ length: count }, (_none, i) => exchangeFrames(i)).flat();

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("many frames go to the disk in few commits, and flush says up to where", async () => {
  const positions: JournalPosition[] = [];
  const journal = await openJournal({
    dir: run.dir,
    runId,
    onCommit: (position) => positions.push(position),
  });
  expect(await journal.flush()).toEqual({ segment: 1, offset: 0 });
  const frames = many(50);
  for (const frame of frames) expect(journal.append(frame)).toBe(true);
  const end = await journal.flush();
  expect(end).toEqual({ segment: 1, offset: statSync(segmentPath(run.dir, 1)).size });
  expect(journal.stats()).toMatchObject({
    commits: 1,
    queuedBytes: 0,
    droppedFrames: 0,
    lastError: null,
    position: end,
  });
  expect(positions).toEqual([end]);
  expect(read()).toEqual(frames);
  expect(await journal.flush()).toEqual(end);
  await journal.close();
});

test("a frame is durable soon without being asked for, and at once when enough came together", async () => {
  const limits = { commitDelayMs: 400, commitBytes: 10_000 };
  const journal = await openJournal({ dir: run.dir, runId, limits });
  const frames = exchangeFrames(1, 3, 9_000);
  const start = performance.now();
  journal.append(frames[0]!);
  await until(() => journal.stats().commits === 1);
  expect(performance.now() - start).toBeGreaterThan(390);
  for (const frame of frames.slice(1)) journal.append(frame);
  const again = performance.now();
  await until(() => journal.stats().queuedBytes === 0);
  expect(performance.now() - again).toBeLessThan(390);
  await journal.close();
});

test("files are private and begin a new segment at frame borders only", async () => {
  const journal = await openJournal({ dir: run.dir, runId, limits: { segmentBytes: 3_000 } });
  const frames = [...many(20), ...exchangeFrames(99, 2, 5_000), ...many(2)];
  for (const frame of frames) journal.append(frame);
  await journal.close();
  const { segments } = listRuns(run.folder)[0]!;
  expect(segments.length).toBeGreaterThan(5);
  for (const { segment, bytes } of segments) {
    const own = [...readFrames(run.dir, START)].filter(({ position }) => position.segment === segment);
    expect(own.at(-1)!.next.offset).toBe(bytes);
    expect(bytes <= 3_000 || own.length === 1).toBe(true);
    expect(statSync(segmentPath(run.dir, segment)).mode & 0o777).toBe(0o600);
  }
  expect(statSync(run.dir).mode & 0o777).toBe(0o700);
  expect(read()).toEqual(frames);
});

test("a second writer of a run is refused; a later one goes on behind what is there", async () => {
  const journal = await openJournal({ dir: run.dir, runId });
  journal.append(exchangeFrames(1)[0]!);
  await expect(openJournal({ dir: run.dir, runId })).rejects.toMatchObject({ code: "lock_held" });
  await journal.close();
  const next = await openJournal({ dir: run.dir, runId });
  next.append(exchangeFrames(2)[0]!);
  await next.close();
  expect(read()).toEqual([exchangeFrames(1)[0], exchangeFrames(2)[0]]);
});

test("over the queue's bound bodies are dropped and counted, what frames them never is", async () => {
  const disk = new MoodyDisk();
  const stall = Promise.withResolvers<void>();
  disk.stalled = stall.promise;
  const journal = await openJournal({ dir: run.dir, runId, disk, limits: { journalQueueBytes: 20_000 } });
  const kept: CaptureFrame[] = [];
  let dropped = 0;
  for (let i = 0; i < 40; i++) {
    for (const frame of exchangeFrames(i, 2, 1_000)) {
      if (journal.append(frame)) kept.push(frame);
      else {
        expect(["request-body", "response-bytes"]).toContain(frame.kind);
        dropped++;
      }
    }
  }
  expect(dropped).toBeGreaterThan(100);
  expect(kept.filter(({ kind }) => kind === "open" || kind === "close")).toHaveLength(80);
  expect(journal.stats()).toMatchObject({ droppedFrames: dropped });
  stall.resolve();
  await journal.close();
  expect(read()).toEqual(kept);
});

test("frames that nobody can write are dropped without an exception", async () => {
  const journal = await openJournal({ dir: run.dir, runId });
  const good = exchangeFrames(1)[0]!;
  const body = {
    kind: "request-body",
    exchangeId: good.exchangeId,
    bytes: Buffer.alloc(1),
    last: true,
  } as const;
  expect(journal.append({ ...good, exchangeId: "no id" })).toBe(false);
  expect(journal.append({ ...body, masked: [{ offset: -1, length: 2 }] })).toBe(false);
  expect(journal.append(good)).toBe(true);
  await journal.close();
  expect(journal.append(good)).toBe(false);
  expect(journal.stats().droppedFrames).toBe(3);
  expect(read()).toEqual([good]);
});

test.each(["create", "write", "sync"] as const)(
  "a failing %s loses nothing and doubles nothing, also for a reader that was ahead",
  async (refuse) => {
    const disk = new MoodyDisk();
    const errors: string[] = [];
    const note = (event: string) => void errors.push(event);
    const log = { debug: note, info: note, warn: note, error: note };
    const limits = { commitDelayMs: 1, segmentBytes: refuse === "create" ? 1_200 : 4_000 };
    const journal = await openJournal({ dir: run.dir, runId, disk, log, limits });
    const frames = many(16);
    const followed: unknown[] = [];
    let at: JournalPosition = START;
    const follow = () => {
      for (const { frame, next } of readFrames(run.dir, at)) {
        followed.push(frame);
        at = next;
      }
    };
    for (let i = 0; i < frames.length; i += 16) {
      await journal.flush();
      follow();
      disk.refuse = refuse;
      disk.partialBytes = 10 * i + 7;
      const tries = journal.stats().failedCommits;
      for (const frame of frames.slice(i, i + 2)) journal.append(frame);
      for (const more of [1, 2]) {
        await until(() => journal.stats().failedCommits >= tries + more || journal.stats().queuedBytes === 0);
        follow();
      }
      disk.refuse = undefined;
      for (const frame of frames.slice(i + 2, i + 16)) journal.append(frame);
    }
    await journal.flush();
    follow();
    expect(followed).toEqual(frames);
    expect(read()).toEqual(frames);
    expect(journal.stats().failedCommits).toBeGreaterThan(4);
    expect(journal.stats()).toMatchObject({ droppedFrames: 0, lastError: null });
    expect(errors.slice(0, 2)).toEqual(["journal.write_failed", "journal.recovered"]);
    await journal.close();
  },
);

test("a slow sync keeps no frame in memory, and what was written beside it is acknowledged by the next one", async () => {
  const disk = new MoodyDisk();
  const journal = await openJournal({ dir: run.dir, runId, disk, limits: { commitDelayMs: 1 } });
  const sync = Promise.withResolvers<void>();
  disk.slowSync = sync.promise;
  const frames = many(30);
  for (let i = 0; i < frames.length; i += 6) {
    for (const frame of frames.slice(i, i + 6)) journal.append(frame);
    await until(() => read().length === i + 6);
  }
  expect(journal.stats()).toMatchObject({ commits: 0, position: { segment: 1, offset: 0 } });
  const flushed = journal.flush();
  sync.resolve();
  expect((await flushed).offset).toBe(statSync(segmentPath(run.dir, 1)).size);
  expect(journal.stats()).toMatchObject({ commits: 2, queuedBytes: 0 });
  await journal.close();
});

test.each(["write", "sync"] as const)(
  "groups that were written beside a slow sync are written again when a %s fails, for a reader that has seen them, too",
  async (refuse) => {
    const disk = new MoodyDisk();
    const journal = await openJournal({ dir: run.dir, runId, disk, limits: { commitDelayMs: 1 } });
    const frames = many(40);
    for (const frame of frames.slice(0, 6)) journal.append(frame);
    await journal.flush();
    const sync = Promise.withResolvers<void>();
    disk.slowSync = sync.promise;
    const followed: unknown[] = [];
    let at: JournalPosition = START;
    const follow = () => {
      for (const { frame, next } of readFrames(run.dir, at)) {
        followed.push(frame);
        at = next;
      }
    };
    for (let i = 6; i < 60; i += 9) {
      for (const frame of frames.slice(i, i + 9)) journal.append(frame);
      await until(() => read().length === i + 9);
      follow();
    }
    disk.refuse = refuse;
    for (const frame of frames.slice(60, 70)) journal.append(frame);
    sync.resolve();
    await until(() => journal.stats().failedCommits > 1);
    follow();
    disk.refuse = undefined;
    for (const frame of frames.slice(70)) journal.append(frame);
    await journal.flush();
    follow();
    expect(followed).toEqual(frames);
    expect(read()).toEqual(frames);
    expect(journal.stats().droppedFrames).toBe(0);
    await journal.close();
  },
);

test("a sync that fails while the next group is being written stops nothing", async () => {
  const disk = new MoodyDisk();
  const journal = await openJournal({ dir: run.dir, runId, disk, limits: { commitDelayMs: 1 } });
  const frames = many(3);
  const sync = Promise.withResolvers<void>();
  disk.slowSync = sync.promise;
  for (const frame of frames.slice(0, 6)) journal.append(frame);
  await until(() => read().length === 6);
  const write = Promise.withResolvers<void>();
  disk.stalled = write.promise;
  for (const frame of frames.slice(6, 12)) journal.append(frame);
  await until(() => disk.writing > 0);
  disk.refuse = "sync";
  sync.resolve();
  await new Promise((resolve) => setTimeout(resolve, 20));
  write.resolve();
  await until(() => journal.stats().failedCommits > 0);
  disk.refuse = undefined;
  for (const frame of frames.slice(12)) journal.append(frame);
  await journal.flush();
  expect(read()).toEqual(frames);
  await journal.close();
});

test("a full disk is tried again until it takes everything, within a second", async () => {
  const disk = new MoodyDisk();
  const journal = await openJournal({ dir: run.dir, runId, disk });
  disk.refuse = "create";
  const frames = many(3);
  for (const frame of frames) expect(journal.append(frame)).toBe(true);
  const flushed = journal.flush();
  await until(() => journal.stats().failedCommits > 3);
  expect(journal.stats()).toMatchObject({ commits: 0, lastError: "ENOSPC: no space left on device" });
  disk.refuse = undefined;
  const start = performance.now();
  await flushed;
  expect(performance.now() - start).toBeLessThan(1_000);
  expect(journal.stats()).toMatchObject({ droppedFrames: 0, lastError: null });
  expect(read()).toEqual(frames);
  await journal.close();
});

test("a journal whose disk refuses for good closes all the same and says what it lost", async () => {
  const disk = new MoodyDisk();
  const journal = await openJournal({ dir: run.dir, runId, disk });
  const frames = exchangeFrames(1);
  journal.append(frames[0]!);
  const durable = await journal.flush();
  disk.refuse = "write";
  for (const frame of frames.slice(1)) journal.append(frame);
  const flushed = journal.flush();
  await journal.close();
  expect(await flushed).toEqual(durable);
  expect(journal.stats().droppedFrames).toBe(frames.length - 1);
  expect(read()).toEqual(frames.slice(0, 1));
});

const WRITER = `
  const [journalUrl, framesUrl, dir] = process.argv.slice(1);
  const { openJournal } = await import(journalUrl);
  const { exchangeFrames } = await import(framesUrl);
  const journal = await openJournal({ dir, runId: "run-1", limits: { segmentBytes: 20_000 } });
  for (let i = 0; ; i++) {
    for (const frame of exchangeFrames(i)) journal.append(frame);
    if (i % 3 === 0) {
      await journal.flush();
      process.stdout.write(i + "\\n");
    }
  }
`;

test("what was flushed before kill -9 is there, and nothing half", async () => {
  const modules = ["./journal.ts", "./fixtures/exchange.ts"].map(
    (name) => new URL(name, import.meta.url).href,
  );
  for (const lines of [1, 20, 90]) {
    rmSync(run.dir, { recursive: true, force: true });
    const child = spawn(process.execPath, ["--input-type=module", "-e", WRITER, ...modules, run.dir], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    let flushed = -1;
    let seen = 0;
    for await (const line of createInterface(child.stdout)) {
      flushed = Number(line);
      if (++seen === lines) child.kill("SIGKILL");
    }
    await exited;
    expect(seen).toBeGreaterThanOrEqual(lines);
    const frames = read().filter(({ kind }) => kind !== "damage");
    const closed = frames.filter(({ kind }) => kind === "close").length;
    expect(closed).toBeGreaterThanOrEqual(flushed + 1);
    expect(frames).toEqual(many(closed + 1).slice(0, frames.length));
  }
});
