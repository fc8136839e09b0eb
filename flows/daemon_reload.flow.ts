import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { postMessage } from "@hypaware/testkit";
import { withAdapters } from "./lib/configs.ts";
import { readJson } from "./lib/daemon.ts";
import type { FlowContext } from "./lib/flow.ts";
import { freePort } from "./lib/free-port.ts";
import { eventually } from "./lib/process.ts";

export const title =
  "SIGHUP: a running answer goes on, new requests take the new config, a wrong one changes nothing, a second signal cuts";
export const timeoutMs = 120_000;

interface Status {
  readonly state: string;
  readonly warnings: readonly string[];
  readonly sources: readonly { readonly details: { readonly port: number } }[];
}

export default async function daemonReload(ctx: FlowContext): Promise<void> {
  const [one, two] = [await ctx.fakeProvider(), await ctx.fakeProvider()];
  const [firstPort, secondPort] = [await freePort(), await freePort()];
  const at = (port: number): string => `127.0.0.1:${port}`;
  ctx.writeConfig(withAdapters(one, at(firstPort)));
  const daemon = await ctx.startDaemon();
  const status = () => readJson(join(ctx.state, "run", "status.json")) as Status;
  const reload = (): void => daemon.process.signal("SIGHUP");
  const warned = () => status().warnings.some((text) => text.startsWith("config not reloaded"));

  // Another upstream: the answer that runs ends where it began.
  const running = postMessage(daemon.url, "SAY:slow 3000");
  await sleep(300);
  ctx.writeConfig(withAdapters(two, at(firstPort)));
  const said = await ctx.hyp(["daemon", "reload"]);
  assert.match(said.stdout, /^reloaded/, said.stderr);
  await eventually("new requests go to the new upstream", async () => {
    await postMessage(daemon.url, "SAY:text new");
    return two.requests().length > 0 ? true : undefined;
  });
  const whole = await running;
  assert.ok(whole.status === 200 && whole.completedAt !== undefined, whole.failure);

  // Wrong, unreadable, impossible: all goes on, and it is said.
  const before = two.requests().length;
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const wrong: readonly (readonly [string, object])[] = [
    ["nonsense", withAdapters(one, "nonsense")],
    ["own address", withAdapters({ url: `http://localhost:${firstPort}` }, at(firstPort))],
    ["is taken", withAdapters(one, at((taken.address() as AddressInfo).port))],
  ];
  for (const [index, [reason, config]] of wrong.entries()) {
    ctx.writeConfig(config);
    reload();
    await eventually(`refused: ${reason}`, () =>
      status().warnings.join().includes(reason) ? true : undefined,
    );
    assert.equal((await postMessage(daemon.url, "SAY:text still")).status, 200);
    assert.equal(two.requests().length, before + index + 1);
  }
  const refused = await ctx.hyp(["daemon", "reload"]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /goes on as it was: .*is taken/);
  taken.close();
  assert.match(daemon.process.stderr(), /daemon\.reload_config_failed/);

  // Another address: the old listener takes no more, what runs there ends.
  const leaving = postMessage(daemon.url, "SAY:slow 3000");
  await sleep(300);
  ctx.writeConfig(withAdapters(one, at(secondPort)));
  reload();
  await eventually("it listens at the new address", () =>
    status().sources[0]?.details.port === secondPort ? true : undefined,
  );
  assert.ok(!warned(), "the warning is gone");
  assert.equal((await postMessage(`http://${at(secondPort)}`, "SAY:text moved")).status, 200);
  assert.match((await postMessage(daemon.url, "SAY:text gone")).failure ?? "", /ECONNREFUSED/);
  const left = await leaving;
  assert.ok(left.status === 200 && left.completedAt !== undefined, left.failure);

  // What was carried before and after stands in one history.
  const rows = await ctx.sql("SELECT count(*)::INT AS n FROM ai_gateway_exchanges WHERE status_code = 200");
  const answered = one.requests().length + two.requests().length;
  assert.deepEqual(rows, [{ n: answered }]);

  // A stop refuses newcomers, and a second signal cuts what would still run for long; the journal is whole.
  const long = postMessage(`http://${at(secondPort)}`, "SAY:slow 60000", { timeoutMs: 30_000 });
  await sleep(500);
  daemon.process.signal("SIGTERM");
  await sleep(500);
  assert.match(
    (await postMessage(`http://${at(secondPort)}`, "SAY:text late")).failure ?? "",
    /ECONNREFUSED/,
  );
  const began = Date.now();
  daemon.process.signal("SIGTERM");
  const ended = await daemon.process.exited;
  assert.equal(ended.code, 0, ended.stderr);
  assert.equal((await long).completedAt, undefined, "it was cut");
  assert.equal(status().state, "stopped");
  ctx.note(`after the second signal it ended in ${Date.now() - began} ms`);
  const cut = await ctx.sql(
    "SELECT count(*)::INT AS n FROM ai_gateway_exchanges WHERE outcome = 'interrupted'",
  );
  assert.deepEqual(cut, [{ n: 1 }]);
}
