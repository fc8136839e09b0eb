import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { postMessage } from "@hypaware/testkit";
import { gatewayOnly, withAdapters } from "./lib/configs.ts";
import { killHard } from "./lib/crash.ts";
import type { FlowContext } from "./lib/flow.ts";

export const title =
  "hyp reproject shows what would change, changes that and nothing else, with and without a daemon, and under kill -9";
export const timeoutMs = 180_000;

const SESSIONS = 20;
/** Kills in the time that a dry run takes. */
const STEPS = 4;

interface Report {
  readonly applied: boolean;
  readonly exchanges: number;
  readonly datasets: Readonly<
    Record<string, { added: number; changed: number; removed: number; equal: number; columns: object }>
  >;
  readonly samples: readonly { readonly kind: string; readonly columns: object }[];
}

export default async function reprojectDifference(ctx: FlowContext): Promise<void> {
  const provider = await ctx.fakeProvider();
  ctx.writeConfig(gatewayOnly(provider));
  let daemon = await ctx.startDaemon();
  for (let i = 0; i < SESSIONS; i++)
    await postMessage(daemon.url, `hello ${i}\nSAY:text answer ${i}`, { sessionId: `session-${i}` });
  assert.equal((await daemon.stop()).code, 0);

  // An adapter comes. A recorder runs, and the command asks it.
  ctx.writeConfig(withAdapters(provider));
  daemon = await ctx.startDaemon();
  const added = { added: SESSIONS * 2, changed: 0, removed: 0, equal: 0, columns: {} };
  const dry = await report(ctx, ["--dry-run"]);
  assert.deepEqual(dry.datasets["ai_gateway_messages"], added);
  assert.equal(dry.datasets["ai_gateway_exchanges"]?.changed, SESSIONS);
  assert.equal(dry.applied, false);
  const unasked = await ctx.hyp(["reproject"]);
  assert.equal(unasked.code, 2, "nobody can say yes");
  assert.match(unasked.stdout, /ai_gateway_messages +40 added, 0 changed, 0 removed/);
  assert.match(unasked.stdout, /\+ ai_gateway_messages [^\n]*\n {4}conversation_id session-/);
  assert.match(unasked.stderr, /--yes/);
  assert.deepEqual(await ctx.sql("SELECT part_id FROM ai_gateway_messages"), []);
  const applied = await report(ctx, ["--yes"]);
  assert.deepEqual(applied.datasets["ai_gateway_messages"], added);
  assert.equal(applied.applied, true);
  await postMessage(daemon.url, "late\nSAY:text late", { sessionId: "late" });
  const again = await ctx.hyp(["reproject"]);
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /no difference/);
  assert.equal((await daemon.stop()).code, 0);

  // As if an older adapter had said something else, of rows that are sealed since. No recorder runs.
  const older = olderModel(ctx);
  older();
  assert.equal((await ctx.hyp(["store", "compact"])).code, 0);
  const everything = "SELECT * EXCLUDE (model) FROM ai_gateway_messages ORDER BY part_id";
  const before = await ctx.sql(everything);
  const none = await report(ctx, ["--dry-run", "--since", "2100-01-01"]);
  assert.equal(none.exchanges, 0);
  const newer = await report(ctx, [
    "--yes",
    "--since",
    "1h",
    "--projector",
    "claude-anthropic-messages",
    "--limit",
    "3",
  ]);
  assert.deepEqual(newer.datasets["ai_gateway_messages"], {
    added: 0,
    changed: SESSIONS * 2,
    removed: 0,
    equal: 2,
    columns: { model: SESSIONS * 2 },
  });
  assert.equal(newer.samples.length, 3);
  assert.deepEqual(await ctx.sql(everything), before);
  assert.equal(await olderRows(ctx), 0);
  const verified = await ctx.hyp(["store", "verify"]);
  assert.equal(verified.code, 0, verified.stderr);

  // Killed anywhere, the store is the one before or the one after.
  older();
  const began = performance.now();
  assert.equal((await report(ctx, ["--dry-run"])).datasets["ai_gateway_messages"]?.changed, SESSIONS * 2);
  const takesMs = performance.now() - began;
  let kills = 0;
  for (let isKilled = true; isKilled; kills++) {
    const running = ctx.startHyp(["reproject", "--yes"]);
    const ended = running.exited.then(({ code }) => code);
    const code = await Promise.race([ended, sleep((takesMs * (kills + 1)) / STEPS)]);
    isKilled = code === undefined && killHard(running.pid);
    if (isKilled) await running.exited;
    else assert.equal(await ended, 0);
    const rows = await olderRows(ctx);
    const expected = isKilled ? [0, SESSIONS * 2] : [0];
    assert.ok(expected.includes(rows), `${rows} rows of ${SESSIONS * 2} after kill ${kills}`);
    assert.deepEqual(await ctx.sql(everything), before);
    if (rows === 0) older();
  }
  await report(ctx, ["--yes"]);
  assert.equal(await olderRows(ctx), 0);
  assert.deepEqual(readdirSync(join(ctx.state, "tmp")), [], "no shadow is left");
  ctx.note(
    `killed ${kills - 1} times, each ${Math.round(takesMs / STEPS)} ms later, until it came to its end`,
  );
}

async function report(ctx: FlowContext, options: readonly string[]): Promise<Report> {
  const done = await ctx.hyp(["reproject", "--json", ...options]);
  assert.equal(done.code, 0, done.stderr);
  return JSON.parse(done.stdout) as Report;
}

/** Writes another model into the hot rows of the first sessions. */
function olderModel(ctx: FlowContext): () => void {
  return () => {
    const store = new DatabaseSync(join(ctx.state, "store", "catalog.sqlite"));
    store.exec("UPDATE ai_gateway_messages SET model = 'older' WHERE conversation_id LIKE 'session-%'");
    store.close();
  };
}

async function olderRows(ctx: FlowContext): Promise<number> {
  const [row] = await ctx.sql("SELECT count(*)::INT AS rows FROM ai_gateway_messages WHERE model = 'older'");
  return Number(row?.["rows"]);
}
