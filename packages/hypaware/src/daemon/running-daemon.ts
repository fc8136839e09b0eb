import { existsSync, readFileSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { HomePaths } from "../contract/home.ts";
import { tryLock } from "../disk/lock.ts";
import { processIdentity } from "./process-identity.ts";
import { type PidFile, readStatusFile } from "./run-files.ts";

export interface RunningDaemon {
  /** undefined: somebody holds the lock, and no file says truly who. */
  readonly pid: number | undefined;
  readonly mode: string | undefined;
}

const POLL_MS = 25;
const LOOKS = 5;
const LOOK_MS = 10;

/**
 * The daemon of this home. A number in a file may be another process by now, so the file counts only with that process's own start time; without
 * such a file the lock decides. Another command that looks, too, holds it for a moment: that is not taken for a daemon.
 */
export function runningDaemon(paths: HomePaths): RunningDaemon | undefined {
  const file = pidFile(paths);
  if (file?.process !== undefined && processIdentity(file.pid) === file.process)
    return { pid: file.pid, mode: file.mode };
  return isLockHeld(paths) ? { pid: undefined, mode: undefined } : undefined;
}

function isLockHeld(paths: HomePaths): boolean {
  if (!existsSync(paths.daemonLock)) return false;
  for (let look = 1; ; look++) {
    const lock = tryLock(paths.daemonLock);
    lock?.release();
    if (lock !== undefined || look === LOOKS) return lock === undefined;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
  }
}

function pidFile(paths: HomePaths): PidFile | undefined {
  try {
    const file = JSON.parse(readFileSync(paths.pidFile, "utf8")) as PidFile;
    return Number.isInteger(file.pid) && file.pid > 1 ? file : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Ends this home's daemon: SIGTERM, and SIGKILL where it has not ended after `waitMs` and `kill` is set. Resolves with what came of it;
 * `left`: it still runs.
 */
export async function endDaemon(
  paths: HomePaths,
  { waitMs, kill }: { readonly waitMs: number; readonly kill: boolean },
): Promise<"none" | "ended" | "killed" | "left"> {
  const running = runningDaemon(paths);
  if (running === undefined) return "none";
  const { pid } = running;
  if (!signal(running, "SIGTERM")) return isGone(paths, pid, 0);
  if ((await isGone(paths, pid, waitMs)) === "ended") return "ended";
  if (!kill) return "left";
  // Asked anew: the number may have passed to another process while we waited.
  const hung = runningDaemon(paths);
  if (hung === undefined) return "ended";
  if (!signal(hung, "SIGKILL")) return "left";
  return (await isGone(paths, hung.pid, KILLED_MS)) === "ended" ? "killed" : "left";
}

const KILLED_MS = 5_000;
const RELOAD_MS = 15_000;
/** With what a running daemon's status tells of a config that it could not use. */
export const NOT_RELOADED = "config not reloaded: ";

/**
 * Lets this home's daemon read its config again. Resolves with why it goes on with the one that it had, or undefined when it took the new one.
 * `none`: none runs. `silent`: it said nothing in time.
 */
export async function reloadDaemon(
  paths: HomePaths,
): Promise<"none" | "silent" | { readonly refusal: string | undefined }> {
  const running = runningDaemon(paths);
  if (running === undefined) return "none";
  const before = statusTime(paths);
  const until = performance.now() + RELOAD_MS;
  if (!signal(running, "SIGHUP")) return "silent";
  while (statusTime(paths) === before) {
    if (performance.now() >= until) return "silent";
    await sleep(POLL_MS);
  }
  const warnings = readStatusFile(paths)?.warnings ?? [];
  const refusal = warnings.find((warning) => warning.startsWith(NOT_RELOADED));
  return { refusal: refusal?.slice(NOT_RELOADED.length) };
}

const statusTime = ({ statusFile }: HomePaths): number =>
  statSync(statusFile, { throwIfNoEntry: false })?.mtimeMs ?? 0;

function signal({ pid }: RunningDaemon, name: NodeJS.Signals): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(pid, name);
  } catch {
    // It ended just now, or belongs to another account.
    return false;
  }
}

/** The lock is free a moment before its process has ended. */
async function isGone(paths: HomePaths, pid: number | undefined, waitMs: number): Promise<"ended" | "left"> {
  const until = performance.now() + waitMs;
  const identity = pid === undefined ? undefined : processIdentity(pid);
  const lives = (): boolean =>
    identity !== undefined && pid !== undefined && processIdentity(pid) === identity;
  for (;;) {
    if (runningDaemon(paths) === undefined && !lives()) return "ended";
    if (performance.now() >= until) return "left";
    await sleep(POLL_MS);
  }
}
