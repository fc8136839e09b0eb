import assert from "node:assert/strict";
import { once } from "node:events";
import { statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { postMessage } from "@hypaware/testkit";
import { withAdapters } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";

export const title =
  "hyp daemon start, restart, stop without a service manager: it outlives its terminal, keeps its config, and says why it does not start";

interface Status {
  readonly running: boolean;
  readonly state: string;
  readonly pid: number;
  readonly mode: string;
  readonly configPath: string;
}

export default async function daemonDetached(ctx: FlowContext): Promise<void> {
  const provider = await ctx.fakeProvider();
  const other = join(ctx.folder, "other.json");
  writeFileSync(other, JSON.stringify(withAdapters(provider)));
  const status = async (): Promise<Status> =>
    JSON.parse((await ctx.hyp(["daemon", "status", "--json"])).stdout) as Status;
  const well = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await ctx.hyp(args);
    assert.equal(code, 0, `hyp ${args.join(" ")}: ${stderr}`);
    return stdout;
  };

  assert.deepEqual(
    [(await status()).running, (await status()).state],
    [false, "unknown"],
    "before it ever ran",
  );
  const said = await well("daemon", "start", "--config", other);
  const url = /http:\/\/\S+/.exec(said)?.[0] ?? "";
  assert.equal((await postMessage(url, "SAY:text hello")).status, 200);
  const first = await status();
  assert.deepEqual(
    [first.running, first.state, first.mode, first.configPath],
    [true, "healthy", "detached", other],
  );
  for (const log of ["daemon.out.log", "daemon.err.log"])
    assert.equal(statSync(join(ctx.state, "logs", log)).mode & 0o777, 0o600);
  assert.match(await well("daemon", "start"), /already running/);
  const second = await ctx.hyp(["daemon", "run", "--foreground"]);
  assert.equal(second.code, 1);
  assert.match(second.stderr, new RegExp(`already runs .*pid ${first.pid}`));

  await well("daemon", "restart");
  const next = await status();
  assert.notEqual(next.pid, first.pid);
  assert.equal(next.configPath, other, "started again as it was started");

  // A config that is wrong by now does not cost the daemon that runs.
  writeFileSync(other, "{");
  assert.equal((await ctx.hyp(["daemon", "restart"])).code, 1);
  assert.equal((await status()).pid, next.pid);
  await well("daemon", "stop");
  assert.deepEqual([(await status()).running, (await status()).state], [false, "stopped"]);
  assert.match(await well("daemon", "stop"), /no daemon was running/);

  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  ctx.writeConfig(withAdapters(provider, `127.0.0.1:${port}`));
  const failed = await ctx.hyp(["daemon", "start"]);
  assert.equal(failed.code, 1);
  assert.match(
    failed.stderr,
    new RegExp(`The daemon did not start.*127\\.0\\.0\\.1:${port} is taken by pid`, "s"),
  );
  taken.close();
}
