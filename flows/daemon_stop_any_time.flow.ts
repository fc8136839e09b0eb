import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { openRaw, postMessage } from "@hypaware/testkit";
import { withAdapters } from "./lib/configs.ts";
import { readJson, recorderPid } from "./lib/daemon.ts";
import type { Daemon } from "./lib/daemon.ts";
import type { FlowContext } from "./lib/flow.ts";
import { eventually, isAlive } from "./lib/process.ts";

export const title =
  "a stop ends everything: right after the start, with an idle connection, sent to the whole group, with the home gone";

/** Nothing runs, so there is nothing to wait for. */
const STOP_MS = 8_000;

export default async function daemonStopAnyTime(ctx: FlowContext): Promise<void> {
  ctx.writeConfig(withAdapters(await ctx.fakeProvider()));
  for (const delayMs of [0, 50, 100, 200]) {
    const daemon = await ctx.startDaemon();
    await sleep(delayMs);
    daemon.process.signal("SIGTERM");
    await ends(ctx, daemon, `${delayMs} ms after the start`);
  }

  const idle = await ctx.startDaemon();
  const silent = await openRaw("127.0.0.1", idle.port);
  await recorderPid(ctx.state);
  idle.process.signal("SIGTERM");
  await ends(ctx, idle, "with a connection that never said anything");
  silent.socket.destroy();

  // What a service manager and a terminal do.
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const daemon = await ctx.startDaemon();
    await recorderPid(ctx.state);
    process.kill(-daemon.pid, signal);
    await ends(ctx, daemon, `${signal} to the whole group`);
  }
  await withoutHome(ctx);
}

/** Nothing can be written any more: what it says of itself, its log, its journal. */
async function withoutHome(ctx: FlowContext): Promise<void> {
  const daemon = await ctx.startDaemon();
  const recorder = await recorderPid(ctx.state);
  rmSync(ctx.home, { recursive: true });
  assert.equal((await postMessage(daemon.url, "still carried")).status, 200);
  daemon.process.signal("SIGTERM");
  const ended = await Promise.race([daemon.process.exited, sleep(STOP_MS, undefined, { ref: false })]);
  assert.ok(ended !== undefined, `without its home: still running\n${daemon.process.stderr()}`);
  await eventually("its recorder ended, too", () => (isAlive(recorder) ? undefined : true));
}

async function ends(ctx: FlowContext, daemon: Daemon, when: string): Promise<void> {
  const late = sleep(STOP_MS, undefined, { ref: false });
  const ended = await Promise.race([daemon.process.exited, late]);
  assert.ok(ended !== undefined, `${when}: still running\n${daemon.process.stderr()}`);
  assert.equal(ended.code, 0, `${when}: ${ended.stderr}`);
  assert.equal(ended.stderr, "", `${when}: nothing went wrong, so nothing is complained about`);
  const recorder = readJson(`${ctx.state}/run/recorder.json`) as { pid: number } | undefined;
  if (recorder === undefined) return;
  await eventually(`${when}: the recorder ended too`, () => (isAlive(recorder.pid) ? undefined : true));
}
