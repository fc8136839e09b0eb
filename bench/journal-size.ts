// How much of the wire's body bytes the journal takes, for a generated conversation of 40 turns (requests 43 to 200 KB) and for
// eight of them interleaved: as it is written, and after compression. Every body is read back and compared. Then what storing
// one body of 200 KB costs, whole and as a difference. Prints JSON; exits 1 above 15 % (alone) or 20 % (eight), or when a body
// differs.
//
//   node bench/journal-size.ts

import { median } from "../flows/lib/median.ts";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CaptureFrame } from "../packages/hypaware/src/contract/frame.ts";
import { readExchange } from "../packages/hypaware/src/journal/assemble.ts";
import {
  conversation,
  turnFrames,
  type Turn,
} from "../packages/hypaware/src/journal/fixtures/conversation.ts";
import { openJournal } from "../packages/hypaware/src/journal/journal.ts";
import { maintainJournal } from "../packages/hypaware/src/journal/maintain.ts";
import { OpenExchanges } from "../packages/hypaware/src/journal/open-exchanges.ts";
import { scanFrames } from "../packages/hypaware/src/journal/reader.ts";
import { listRuns } from "../packages/hypaware/src/journal/runs.ts";
import { segmentPath } from "../packages/hypaware/src/journal/segment.ts";

const KB = 1024;
const TURNS = 40;
const START = { segment: 0, offset: 0 };

interface Kept {
  readonly journalDir: string;
  readonly dir: string;
  readonly turns: readonly Turn[];
}

async function write(turns: readonly Turn[], upstream = "up", pauseMs = 2): Promise<Kept> {
  const journalDir = mkdtempSync(join(tmpdir(), "hyp-bench-"));
  const dir = join(journalDir, "run");
  const journal = await openJournal({ dir, runId: "run" });
  for (const [i, turn] of turns.entries()) {
    for (const frame of turnFrames(i, turn, upstream)) journal.append(frame);
    await sleep(pauseMs);
  }
  await sleep(1_000);
  await journal.close();
  return { journalDir, dir, turns };
}

const diskBytes = ({ journalDir }: Kept): number =>
  listRuns(journalDir)
    .flatMap(({ segments }) => segments)
    .reduce((sum, { bytes }) => sum + bytes, 0);
const responseOf = ({ response }: Turn): Buffer => Buffer.concat(response);
const wireBytes = ({ turns }: Kept): number =>
  turns.reduce((sum, turn) => sum + turn.request.length + responseOf(turn).length, 0);

/** Numbers of the exchanges that are not what was sent, and how long all took. */
async function differing({
  dir,
  turns,
}: Kept): Promise<{ readonly lost: readonly number[]; readonly ms: number }> {
  const started = performance.now();
  const open = new OpenExchanges();
  const lost: number[] = [];
  for (const entry of scanFrames(dir, START)) {
    const span = open.note(entry);
    if (!span) continue;
    const number = Number.parseInt(span.exchangeId, 16);
    const exchange = await readExchange(dir, span.exchangeId, span.from, span.to);
    const response = Buffer.concat(exchange?.response.map(({ bytes }) => bytes) ?? []);
    const isSame =
      exchange?.requestBody.equals(turns[number]!.request) && response.equals(responseOf(turns[number]!));
    if (!isSame) lost.push(number);
  }
  return { lost, ms: Math.round(performance.now() - started) };
}

const percent = (part: number, whole: number): number => Math.round((1_000 * part) / whole) / 10;

async function measure(turns: readonly Turn[]): Promise<{
  readonly wire_kb: number;
  readonly written_percent: number;
  readonly compressed_percent: number;
  readonly differing: number;
  readonly read_ms: number;
  readonly read_compressed_ms: number;
}> {
  const kept = await write(turns);
  const written = diskBytes(kept);
  const first = await differing(kept);
  const cursors = new Map([["run", { low: { segment: 99, offset: 0 }, finished: true }]]);
  await maintainJournal({ journalDir: kept.journalDir, cursors });
  const second = await differing(kept);
  const wire = wireBytes(kept);
  const compressed = diskBytes(kept);
  rmSync(kept.journalDir, { recursive: true });
  return {
    wire_kb: Math.round(wire / KB),
    written_percent: percent(written, wire),
    compressed_percent: percent(compressed, wire),
    differing: first.lost.length + second.lost.length,
    read_ms: first.ms,
    read_compressed_ms: second.ms,
  };
}

/** Two conversations in one journal; the frame of one body in the middle of the first is damaged. */
async function damage(): Promise<{
  readonly lost_before: number;
  readonly lost_behind: number;
  readonly lost_other: number;
}> {
  const [one, other] = [91, 92].map((seed) => conversation(seed, TURNS, 43 * KB, 200 * KB));
  const kept = await write(one!.flatMap((turn, i) => [turn, other![i]!]));
  const bodies = [...scanFrames(kept.dir, START)].filter(({ frame }) => frame.kind.startsWith("request"));
  const path = segmentPath(kept.dir, 1);
  const bytes = readFileSync(path);
  bytes[bodies[TURNS]!.position.offset + 100]! ^= 1;
  writeFileSync(path, bytes);
  const { lost } = await differing(kept);
  rmSync(kept.journalDir, { recursive: true });
  const own = lost.filter((number) => number % 2 === 0);
  return {
    lost_before: own.filter((number) => number < TURNS).length,
    lost_behind: own.filter((number) => number >= TURNS).length,
    lost_other: lost.length - own.length,
  };
}

interface Cost {
  /** Of the thread that also carries the bytes. */
  readonly thread_us: number;
  /** With the threads that write the file. */
  readonly process_us: number;
}

/** CPU per exchange with a body of about 200 KB and no answer, stored whole and as a difference by turns; medians. */
async function cost(): Promise<{ readonly whole: Cost; readonly difference: Cost }> {
  const turns = conversation(3, 400, 190 * KB, 210 * KB);
  const journalDir = mkdtempSync(join(tmpdir(), "hyp-bench-"));
  const kinds = await Promise.all(
    [null, "up"].map(async (upstream) => {
      const runId = String(upstream);
      const journal = await openJournal({ dir: join(journalDir, runId), runId });
      return { upstream, journal, thread: [] as number[], whole: [] as number[] };
    }),
  );
  for (const [i, { request }] of turns.entries()) {
    for (const { upstream, journal, thread, whole } of kinds) {
      const frames = turnFrames(i, { request, response: [] }).map((frame): CaptureFrame =>
        frame.kind === "open" ? { ...frame, head: { ...frame.head, upstream } } : frame,
      );
      const threadBefore = process.threadCpuUsage();
      const before = process.cpuUsage();
      for (const frame of frames) journal.append(frame);
      await journal.flush();
      const own = process.threadCpuUsage(threadBefore);
      const all = process.cpuUsage(before);
      thread.push(own.user + own.system);
      whole.push(all.user + all.system);
    }
  }
  for (const { journal } of kinds) await journal.close();
  rmSync(journalDir, { recursive: true });
  const [whole, difference] = kinds.map((kind): Cost => {
    // The first quarter is warm-up.
    return {
      thread_us: Math.round(median(kind.thread.slice(100))),
      process_us: Math.round(median(kind.whole.slice(100))),
    };
  });
  return { whole: whole!, difference: difference! };
}

const alone = await measure(conversation(1, TURNS, 43 * KB, 200 * KB));
const conversations = Array.from({ length: 8 }, (_none, i) => conversation(i + 1, TURNS, 43 * KB, 200 * KB));
const eight = await measure(
  Array.from({ length: TURNS }, (_none, turn) => conversations.map((turns) => turns[turn]!)).flat(),
);
const costs = await cost();
console.log(JSON.stringify({ alone, eight, damage: await damage(), ...costs }, null, 2));
const isGood =
  alone.written_percent <= 15 && eight.written_percent <= 20 && alone.differing + eight.differing === 0;
process.exit(isGood ? 0 : 1);
