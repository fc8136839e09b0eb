// A reader of the store wants every exchange that ended before it asked. Each living gateway is asked to make its journal
// durable, which gives the places to wait for; a dead one's journal counts as it is. Then the recorder is waited for, or,
// where none runs, its work is done here.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { JournalPosition } from "../contract/frame.ts";
import type { HomePaths } from "../contract/home.ts";
import { LIMITS } from "../contract/limits.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import { tryLock } from "../disk/lock.ts";
import { isRunAlive, listSegments } from "../journal/runs.ts";
import { openCatalog } from "../store/catalog.ts";
import { callLocal, socketPath } from "./local-socket.ts";
import type { Recording } from "./record-exchange.ts";
import { Recorder, runIds } from "./recorder.ts";

/** `never`: read what is stored. `auto`: wait up to 5 s. `always`: wait until done. */
export const REFRESH = ["never", "auto", "always"] as const;
export type Refresh = (typeof REFRESH)[number];

const POLL_MS = 25;
const FLUSH_MS = 2_000;

/** True: the store has everything that ended before the call. False: the wait ended first, and the recorder is behind. */
export async function catchUp(
  paths: HomePaths,
  refresh: Refresh,
  recording: Omit<Recording, "catalog" | "paths">,
): Promise<boolean> {
  if (refresh === "never") return true;
  const deadline = refresh === "always" ? Number.POSITIVE_INFINITY : performance.now() + LIMITS.queryWaitMs;
  const runs = await openRuns(paths);
  if (runs.length === 0 && recording.clientRecords.length === 0) return true;
  const ends = await endsOf(paths, runs);
  // Clients' records may hold years: who does not want to wait for all of them has what one look brings.
  const wantsRecords = refresh === "always";
  for (;;) {
    const remaining = deadline - performance.now();
    const pass = await askRecorder(paths, Math.min(remaining, LIMITS.queryWaitMs));
    if (pass === undefined && (await recordHere(paths, recording, wantsRecords))) return true;
    const isRead = !wantsRecords || pass?.isBehind === false;
    if (isRead && isPast(paths, ends)) return true;
    if (performance.now() >= deadline) return false;
    await sleep(POLL_MS);
  }
}

/** Runs that are not read to their end for good. */
async function openRuns(paths: HomePaths): Promise<readonly string[]> {
  const catalog = openCatalog(paths.catalog, { readOnly: true });
  try {
    const cursors = catalog.cursors();
    return runIds(paths.journal).filter((runId) => cursors.get(runId)?.finished !== true);
  } finally {
    catalog.close();
  }
}

/** Nothing stands there: no segment was begun. */
const EMPTY: JournalPosition = { segment: 0, offset: 0 };

/** Where each living gateway's journal ends now; a dead gateway's run must be finished instead, unless it never carried anything. */
async function endsOf(
  paths: HomePaths,
  runs: readonly string[],
): Promise<ReadonlyMap<string, JournalPosition | "finished">> {
  const ends = await Promise.all(
    runs.map(async (runId): Promise<[string, JournalPosition | "finished"]> => {
      const reply = await callLocal(socketPath(paths.run, runId), { op: "flush" }, FLUSH_MS);
      const { segment, offset } = reply ?? {};
      if (typeof segment === "number" && typeof offset === "number") return [runId, { segment, offset }];
      const run = join(paths.journal, runId);
      // The recorder finishes such a run only later: a gateway that has just made its folder looks the same.
      const isEmpty = !isRunAlive(run) && listSegments(run).length === 0;
      return [runId, isEmpty ? EMPTY : "finished"];
    }),
  );
  return new Map(ends);
}

function isPast(paths: HomePaths, ends: ReadonlyMap<string, JournalPosition | "finished">): boolean {
  const catalog = openCatalog(paths.catalog, { readOnly: true });
  try {
    const cursors = catalog.cursors();
    return ends.entries().every(([runId, end]) => {
      const cursor = cursors.get(runId);
      if (cursor?.finished === true) return true;
      if (end === "finished") return false;
      // A gateway that has not carried anything yet has no segment, and its run no cursor.
      if (end.offset === 0) return true;
      if (cursor === undefined) return false;
      const { read } = cursor;
      return read.segment > end.segment || (read.segment === end.segment && read.offset >= end.offset);
    });
  } finally {
    catalog.close();
  }
}

/** `undefined`: no recorder answers. */
async function askRecorder(
  paths: HomePaths,
  timeoutMs: number,
): Promise<{ readonly isBehind: boolean } | undefined> {
  const reply = await callLocal(socketPath(paths.run, "recorder"), { op: "pass" }, Math.max(timeoutMs, 1));
  return reply && { isBehind: reply["is_behind"] === true };
}

/** Does the recorder's work in this process; false when a recorder holds the lock after all. */
async function recordHere(
  paths: HomePaths,
  recording: Omit<Recording, "catalog" | "paths">,
  wantsRecords: boolean,
): Promise<boolean> {
  ensurePrivateFolder(paths.run);
  const lock = tryLock(paths.recorderLock);
  if (lock === undefined) return false;
  try {
    ensurePrivateFolder(paths.store);
    const catalog = openCatalog(paths.catalog);
    try {
      const recorder = new Recorder({ ...recording, catalog, paths });
      try {
        await (wantsRecords ? recorder.readRecords() : recorder.pass(true));
      } finally {
        await recorder.close();
      }
    } finally {
      catalog.close();
    }
  } finally {
    lock.release();
  }
  return true;
}
