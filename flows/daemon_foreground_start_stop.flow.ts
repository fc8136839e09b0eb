import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { postMessage } from "@hypaware/testkit";
import { withAdapters } from "./lib/configs.ts";
import { readJson, recorderPid } from "./lib/daemon.ts";
import type { FlowContext } from "./lib/flow.ts";
import { eventually, isAlive } from "./lib/process.ts";

export const title = "a daemon in the foreground tells its state, and SIGTERM ends it and its recorder";

interface StatusFile {
  readonly state: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly stoppedAt?: string;
  readonly runId: string;
  readonly mode: string;
  readonly configPath?: string;
  readonly sources: readonly { readonly name: string; readonly plugin: string; readonly state: string }[];
}

export default async function daemonForegroundStartStop(ctx: FlowContext): Promise<void> {
  ctx.writeConfig(withAdapters(await ctx.fakeProvider()));
  const statusPath = join(ctx.state, "run", "status.json");
  const status = () => readJson(statusPath) as StatusFile | undefined;
  const pidPath = join(ctx.state, "run", "hypaware.pid");
  const daemon = await ctx.startDaemon();

  const healthy = await eventually("the daemon is healthy", () => {
    const now = status();
    return now?.state === "healthy" ? now : undefined;
  });
  assert.equal(healthy.pid, daemon.pid);
  assert.equal(healthy.mode, "foreground");
  assert.equal(healthy.configPath, ctx.configPath);
  assert.ok(healthy.sources.length > 0 && healthy.sources.every((source) => source.state === "started"));
  assert.equal((readJson(pidPath) as { pid: number }).pid, daemon.pid);
  assert.equal(statSync(ctx.state).mode & 0o777, 0o700);
  assert.equal(statSync(statusPath).mode & 0o777, 0o600);

  const asked = await ctx.hyp(["status", "--json"]);
  assert.equal(asked.code, 0, asked.stderr);
  const { daemon: told } = JSON.parse(asked.stdout) as { daemon: Record<string, unknown> };
  assert.deepEqual([told["running"], told["state"], told["pid"]], [true, "healthy", daemon.pid]);

  const second = await ctx.hyp(["daemon", "run", "--foreground", "--config", ctx.configPath]);
  assert.equal(second.code, 1, "a second daemon of this home is refused");
  assert.equal(status()?.pid, daemon.pid, "and leaves the first one's files alone");

  assert.equal((await postMessage(daemon.url, "SAY:text still here")).status, 200);
  const recorder = await recorderPid(ctx.state);
  const ended = await daemon.stop();
  assert.equal(ended.code, 0, ended.stderr);
  assert.equal(status()?.state, "stopped");
  assert.ok(!existsSync(pidPath), "the pid file is gone");
  await eventually("the recorder ended with its daemon", () => (isAlive(recorder) ? undefined : true));
  assert.match((await postMessage(daemon.url, "SAY:text nobody")).failure ?? "", /ECONNREFUSED/);

  const after = await ctx.hyp(["status", "--json"]);
  assert.equal((JSON.parse(after.stdout) as { daemon: { running: boolean } }).daemon.running, false);
}
