import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { HomePaths } from "../contract/home.ts";
import { writeFileAtomic } from "../disk/atomic.ts";
import { ownAnswer, sendAnswer } from "../gateway/answer.ts";
import type { DaemonMode, DaemonStatus } from "./run-files.ts";

/** So that whoever started the service, and `hyp daemon status`, know why nothing listens. */
export function writeFailedStart(paths: HomePaths, mode: DaemonMode, reason: string): void {
  const status: DaemonStatus = {
    state: "degraded",
    pid: process.pid,
    startedAt: new Date().toISOString(),
    uptimeMs: 0,
    runId: "",
    mode,
    configPath: paths.config,
    sources: [],
    sinks: [],
    warnings: [`boot_failed: ${reason}`],
  };
  writeFileAtomic(paths.statusFile, `${JSON.stringify(status, null, 2)}\n`);
}

/**
 * A service manager starts us again and again; what made a start fail seldom goes away at once. Takes its time, and tells those who wait on the
 * passed socket that something is wrong, so that they do not wait for ever. Says no more than the code: any account may ask.
 */
export async function tellFailedStart(
  passedSocket: number | undefined,
  code: string,
  waitMs: number,
  ending: AbortSignal,
): Promise<void> {
  const server = createServer((request, response) => {
    request.resume();
    response.shouldKeepAlive = false;
    const detail = `HypAware could not start (${code}). Run on this machine: hyp daemon status. The way out: hyp panic`;
    sendAnswer(response, ownAnswer(503, { error: "gateway not running", detail }));
  });
  // The start that failed may have closed it.
  server.on("error", () => {});
  if (passedSocket !== undefined) server.listen({ fd: passedSocket });
  await sleep(waitMs, undefined, { signal: ending }).catch(() => {});
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
}
