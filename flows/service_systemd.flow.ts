import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { postMessage } from "@hypaware/testkit";
import { withAdapters } from "./lib/configs.ts";
import { killHard } from "./lib/crash.ts";
import type { FlowContext } from "./lib/flow.ts";
import { holdSocket } from "./lib/held-socket.ts";
import { type Finished, eventually } from "./lib/process.ts";
import { startUserSystemd } from "./lib/user-systemd.ts";

export const title =
  "a real systemd: install, kill -9, a config that is wrong, reload, restart, panic, uninstall, in a home with an odd name";
export const timeoutMs = 180_000;

const KILLS = 5;
const ODD = `o'dd "home" 100%h $HOME`;

export default async function serviceSystemd(ctx: FlowContext): Promise<void> {
  const systemd = await startUserSystemd(ctx);
  try {
    await asAService(ctx, systemd.env);
  } finally {
    await systemd.stop();
  }
}

async function asAService(ctx: FlowContext, manager: Readonly<Record<string, string>>): Promise<void> {
  const home = join(ctx.folder, ODD);
  mkdirSync(home);
  const env: Readonly<Record<string, string>> = {
    ...manager,
    HYP_HOME: home,
    CODEX_HOME: join(home, "codex"),
  };
  const hyp = (...args: readonly string[]): Promise<Finished> => ctx.hyp(args, { env });
  const well = async (...args: readonly string[]): Promise<Finished> => {
    const result = await hyp(...args);
    assert.equal(result.code, 0, `hyp ${args.join(" ")}: ${result.stderr}${result.stdout}`);
    return result;
  };
  const systemctl = (...args: readonly string[]) => ctx.run("systemctl", ["--user", ...args], { env });
  const held = holdSocket();
  held.close();
  const listen = `127.0.0.1:${held.port}`;
  const url = `http://${listen}`;
  const [one, two] = [await ctx.fakeProvider(), await ctx.fakeProvider()];
  const configPath = join(home, "hypaware-config.json");
  const configure = (config: object): void => writeFileSync(configPath, JSON.stringify(config));
  configure(withAdapters(one, listen));
  const asks = () => postMessage(url, "SAY:text hello", { timeoutMs: 20_000 });
  const status = async () =>
    JSON.parse((await well("daemon", "status", "--json")).stdout) as {
      readonly running: boolean;
      readonly state: string;
      readonly pid: number;
      readonly warnings?: readonly string[];
      readonly service: { readonly installed: boolean; readonly running: boolean; readonly pid: number };
    };

  await well("daemon", "install");
  assert.equal((await asks()).status, 200);
  const first = await status();
  assert.deepEqual([first.running, first.service.running, first.service.pid], [true, true, first.pid]);
  checkProcess(first.pid, home);

  const waits: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const { pid } = await status();
    killHard(pid);
    const began = Date.now();
    const { status: code, failure } = await asks();
    waits.push(Date.now() - began);
    assert.equal(code, 200, `the request after kill ${kill}: ${failure}`);
  }
  ctx.note(`killed, then asked: answered after ${waits.join(", ")} ms`);

  const other = await hyp("daemon", "install", "--dry-run", "--json");
  assert.equal(other.code, 0);
  const foreign = await ctx.hyp(["daemon", "install"], { env: { ...env, HYP_HOME: join(ctx.folder, "b") } });
  assert.equal(foreign.code, 1);
  assert.match(foreign.stderr, /runs the home/);

  // A config that is wrong: what runs goes on; only when it is killed nothing can start, and clients are told so.
  const before = await status();
  configure({ version: 2, plugins: [{ name: "@hypaware/ai-gateway", config: { listen: "nonsense" } }] });
  assert.equal((await hyp("daemon", "restart")).code, 1, "restart with a wrong config");
  assert.equal((await systemctl("reload", "hypaware.service")).code, 0);
  const refused = await eventually("the refused reload is told", async () => {
    const now = await status();
    return now.warnings?.some((warning) => warning.startsWith("config not reloaded")) ? now : undefined;
  });
  assert.equal(refused.pid, before.pid);
  assert.equal((await asks()).status, 200);
  killHard(before.pid);
  const told = await eventually("clients are told", async () => {
    const answer = await asks();
    return answer.status === 503 ? answer : undefined;
  });
  assert.match(told.body.toString(), /could not start \(config_invalid\)/);
  assert.match((await status()).warnings?.[0] ?? "", /boot_failed/);
  configure(withAdapters(one, listen));
  await eventually("mended", async () => ((await asks()).status === 200 ? true : undefined), 15_000);

  // Another upstream, without a new process.
  const { pid } = await status();
  configure(withAdapters(two, listen));
  assert.equal((await systemctl("reload", "hypaware.service")).code, 0);
  await eventually("the new upstream is used", async () => {
    await asks();
    return two.requests().length > 0 ? true : undefined;
  });
  assert.equal((await status()).pid, pid);

  // systemd holds the address, so only an install moves it; until then nothing is lost.
  const moved = holdSocket();
  moved.close();
  const elsewhere = `127.0.0.1:${moved.port}`;
  configure(withAdapters(two, elsewhere));
  assert.equal((await systemctl("reload", "hypaware.service")).code, 0);
  await eventually("another address is refused", async () =>
    (await status()).warnings?.some((warning) => warning.includes("hyp daemon install")) ? true : undefined,
  );
  assert.equal((await asks()).status, 200);
  await well("daemon", "install");
  assert.match((await asks()).failure ?? "", /ECONNREFUSED/);
  assert.equal((await postMessage(`http://${elsewhere}`, "SAY:text moved")).status, 200);
  configure(withAdapters(two, listen));
  await well("daemon", "install");

  await well("daemon", "restart");
  const restarted = await status();
  assert.notEqual(restarted.pid, pid);
  await well("daemon", "stop");
  assert.match((await asks()).failure ?? "", /ECONNREFUSED/, "stopped, the address is free");
  await sleep(500);
  assert.equal((await status()).running, false, "and nothing starts it again");
  await well("daemon", "start");
  assert.equal((await asks()).status, 200);

  const panic = await well("panic", "--json");
  const { steps } = JSON.parse(panic.stdout) as {
    steps: readonly { readonly step: string; readonly outcome: string }[];
  };
  const outcomes = Object.fromEntries(steps.map(({ step, outcome }) => [step, outcome]));
  assert.equal(outcomes["service"], "done");
  assert.equal(outcomes["daemon"], "nothing", "it ended with its service");
  assert.match((await asks()).failure ?? "", /ECONNREFUSED/);
  assert.match((await systemctl("is-enabled", "hypaware.socket")).stdout, /disabled/);

  await well("daemon", "start");
  assert.equal((await asks()).status, 200);
  const { targetPath } = JSON.parse(other.stdout) as { targetPath: string };
  assert.ok(existsSync(targetPath));
  const settings = join(String(env["HOME"]), ".claude", "settings.json");
  await well("attach", "claude");
  assert.ok(existsSync(settings));
  await well("daemon", "uninstall");
  assert.ok(!existsSync(settings), "detached first");
  assert.ok(!existsSync(targetPath));
  assert.match((await asks()).failure ?? "", /ECONNREFUSED/);
  assert.equal((await status()).service.installed, false);
}

/** What the unit says holds for the process. */
function checkProcess(pid: number, home: string): void {
  const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  for (const line of [`HYP_HOME=${home}`, `CODEX_HOME=${join(home, "codex")}`])
    assert.ok(environment.includes(line), line);
  const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  assert.ok(words.includes(join(home, "hypaware-config.json")), words.join(" "));
  const state = readFileSync(`/proc/${pid}/status`, "utf8");
  assert.match(state, /^Umask:\s*0077$/m);
  assert.match(state, /^NoNewPrivs:\s*1$/m);
  assert.match(readFileSync(`/proc/${pid}/limits`, "utf8"), /^Max core file size\s+0\s+0\s/m);
}
