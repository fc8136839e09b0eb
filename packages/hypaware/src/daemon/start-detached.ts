import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { HypError } from "../contract/errors.ts";
import type { HomePaths } from "../contract/home.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import { lastLines } from "./last-lines.ts";
import { trimLog } from "./trim-log.ts";
import { type GatewayFile, readGatewayFile, readStatusFile } from "./run-files.ts";

const POLL_MS = 25;
/** Where cores are scarce and the home is large, a start takes a few seconds. */
const START_MS = 20_000;

export interface DetachedOptions {
  readonly paths: HomePaths;
  /** After the node binary. */
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly outLog: string;
  readonly errLog: string;
}

/** Starts a daemon that outlives this terminal. Resolves when it listens; rejects with HypError `daemon_start_failed` and its last words. */
export async function startDetached(options: DetachedOptions): Promise<GatewayFile> {
  const { paths, errLog, outLog } = options;
  ensurePrivateFolder(paths.logs);
  trimLog(outLog);
  trimLog(errLog);
  const [out, err] = [openSync(outLog, "a", 0o600), openSync(errLog, "a", 0o600)];
  const child = spawn(process.execPath, [...options.command], {
    env: options.env,
    // A folder that is removed or unmounted later must not be held.
    cwd: paths.home,
    detached: true,
    stdio: ["ignore", out, err],
  });
  closeSync(out);
  closeSync(err);
  let ended: string | undefined;
  child.once("error", (error) => (ended = error.message));
  child.once("exit", (code, signal) => (ended = `it ended with ${code ?? signal}`));
  child.unref();
  return untilListening(
    paths,
    (pid) => pid === child.pid,
    () => ended,
    errLog,
    START_MS,
  );
}

/** Until a daemon that a service manager starts listens; `isIt` knows it from one that ran before. */
export function untilServiceListens(
  paths: HomePaths,
  errLog: string,
  isIt: (pid: number) => boolean = () => true,
  waitMs: number = START_MS,
): Promise<GatewayFile> {
  const since = new Date().toISOString();
  const why = (): string | undefined => {
    const status = readStatusFile(paths);
    return status?.state === "degraded" && status.startedAt > since ? status.warnings?.[0] : undefined;
  };
  return untilListening(paths, isIt, why, errLog, waitMs);
}

/** `why`: it is known that it will not. */
async function untilListening(
  paths: HomePaths,
  isIt: (pid: number) => boolean,
  why: () => string | undefined,
  errLog: string,
  waitMs: number,
): Promise<GatewayFile> {
  const until = performance.now() + waitMs;
  for (;;) {
    const file = readGatewayFile(paths);
    if (file !== undefined && isIt(file.pid)) return file;
    const reason =
      why() ?? (performance.now() > until ? `nothing listens after ${waitMs / 1_000} s` : undefined);
    if (reason !== undefined)
      throw new HypError(
        "daemon_start_failed",
        [`The daemon did not start: ${reason}.`, ...lastLines(errLog, 5)].join("\n  "),
      );
    await sleep(POLL_MS);
  }
}
