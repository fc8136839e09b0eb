import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { postMessage } from "@hypaware/testkit";
import { withAdapters } from "./lib/configs.ts";
import { readJson } from "./lib/daemon.ts";
import type { FlowContext } from "./lib/flow.ts";
import { eventually, start } from "./lib/process.ts";

export const title =
  "hyp panic: without a daemon, with a hung one, a broken config, a damaged store, a stranger's number in the pid file";
export const timeoutMs = 120_000;

interface Panic {
  readonly out: boolean;
  readonly steps: readonly { readonly step: string; readonly outcome: string; readonly detail: string }[];
}

export default async function panic(ctx: FlowContext): Promise<void> {
  if (process.platform !== "linux") ctx.skip("reads /proc");
  ctx.writeConfig(withAdapters(await ctx.fakeProvider()));
  const pidPath = join(ctx.state, "run", "hypaware.pid");
  const dismay = async (...args: readonly string[]): Promise<Readonly<Record<string, string>>> => {
    const { code, stdout, stderr } = await ctx.hyp(["panic", "--json", ...args]);
    const { out, steps } = JSON.parse(stdout) as Panic;
    assert.equal(code, out ? 0 : 1, stderr);
    return Object.fromEntries(steps.map(({ step, outcome }) => [step, outcome]));
  };
  const begin = async (): Promise<number> => {
    const { code, stderr } = await ctx.hyp(["daemon", "start"]);
    assert.equal(code, 0, stderr);
    return (readJson(pidPath) as { pid: number }).pid;
  };

  assert.deepEqual(new Set(Object.values(await dismay())), new Set(["nothing"]), "where nothing ever ran");

  // Clients are given back first, whatever else is wrong; the config does not matter for that.
  const user = String(ctx.env["HOME"]);
  const settings = join(user, ".claude", "settings.json");
  const written = '{ "env":{"MINE" : "1"} }\n';
  mkdirSync(join(user, ".claude"));
  writeFileSync(settings, written);
  const first = await begin();
  const attached = await ctx.hyp(["attach", "claude"]);
  assert.equal(attached.code, 0, attached.stderr);
  assert.notEqual(readFileSync(settings, "utf8"), written);
  assert.equal((await dismay("--dry-run"))["daemon"], "would");
  assert.ok(isAlive(first), "--dry-run changes nothing");
  assert.equal((await dismay("--dry-run"))["claude"], "would");
  assert.notEqual(readFileSync(settings, "utf8"), written);
  const out = await dismay();
  assert.deepEqual([out["claude"], out["daemon"]], ["done", "done"]);
  assert.ok(!isAlive(first));
  assert.equal(readFileSync(settings, "utf8"), written, "given back byte for byte");
  assert.equal((await dismay())["daemon"], "nothing", "twice");

  await attachedElsewhere(ctx, begin);

  const hung = await begin();
  process.kill(hung, "SIGSTOP");
  const told = await ctx.hyp(["panic"]);
  assert.match(told.stdout, new RegExp(`daemon: killed \\(pid ${hung}\\): it did not end by itself`));
  await eventually("it is gone", () => (isAlive(hung) ? undefined : true));

  const spoilt = await begin();
  await eventually("the store is there", () =>
    readJson(join(ctx.state, "run", "recorder.json")) === undefined ? undefined : true,
  );
  assert.equal((await ctx.hyp(["attach", "claude"])).code, 0);
  writeFileSync(ctx.configPath, '{ "version": 2, "plugins": [');
  writeFileSync(join(ctx.state, "store", "catalog.sqlite"), "this is no database");
  const rescued = await dismay();
  assert.deepEqual(
    [rescued["claude"], rescued["daemon"]],
    ["done", "done"],
    "a broken config, a damaged store",
  );
  assert.equal(readFileSync(settings, "utf8"), written);
  assert.ok(!isAlive(spoilt));

  // The number of a daemon that was killed belongs to somebody else by now.
  ctx.writeConfig(withAdapters(await ctx.fakeProvider()));
  const stranger = start("sleep", ["60"], ctx.env);
  mkdirSync(join(ctx.state, "run"), { recursive: true });
  const stale = { pid: stranger.pid, process: "another time", startedAt: "", runId: "", mode: "detached" };
  writeFileSync(pidPath, JSON.stringify(stale));
  assert.equal((await dismay())["daemon"], "nothing");
  assert.equal((await ctx.hyp(["daemon", "stop"])).code, 0);
  assert.ok(isAlive(stranger.pid), "a stranger is not signalled");
  const running = await begin();
  const file = readFileSync(pidPath, "utf8");
  writeFileSync(pidPath, JSON.stringify(stale));
  assert.equal((await dismay())["daemon"], "left", "who holds the lock is not known, so nobody is signalled");
  assert.ok(isAlive(stranger.pid) && isAlive(running));
  writeFileSync(pidPath, file);

  // Detached, it goes on without the terminal, and stop lets a running answer end.
  const { port } = readJson(join(ctx.state, "run", "gateway.json")) as { port: number };
  const midway = postMessage(`http://127.0.0.1:${port}`, "SAY:slow 1500");
  await new Promise((resolve) => setTimeout(resolve, 300));
  const stopped = await ctx.hyp(["daemon", "stop"]);
  assert.equal(stopped.code, 0, stopped.stderr);
  const answer = await midway;
  assert.ok(answer.status === 200 && answer.completedAt !== undefined, answer.failure);
  assert.ok(!isAlive(running));
  stranger.signal("SIGKILL");
}

/** Attached while a variable named another folder: it is not given back in silence, and not forgotten. */
async function attachedElsewhere(ctx: FlowContext, begin: () => Promise<number>): Promise<void> {
  const env = { CLAUDE_CONFIG_DIR: join(ctx.folder, "elsewhere") };
  mkdirSync(env.CLAUDE_CONFIG_DIR);
  await begin();
  assert.equal((await ctx.hyp(["attach", "claude"], { env })).code, 0);
  const { code, stderr } = await ctx.hyp(["panic"]);
  assert.equal(code, 1);
  assert.ok(stderr.includes(join(env.CLAUDE_CONFIG_DIR, "settings.json")), stderr);
  assert.equal((await ctx.hyp(["panic"], { env })).code, 0);
  assert.equal((await ctx.hyp(["panic"])).code, 0, "nothing is left");
}

/** One that nobody waits for stays as a zombie where process 1 does not reap. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
