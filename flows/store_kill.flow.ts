import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { FlowContext } from "./lib/flow.ts";
import { killUnderLoad } from "./lib/kill-run.ts";
import { seededRandom } from "./lib/random.ts";

export const title =
  "kill -9 of the daemon at random moments while journals rotate and are compressed, rows are sealed and segments merged: with strict durability nothing that a client has whole is lost";
export const timeoutMs = 420_000;

const KILLS = Number(process.env["HYP_KILLS"] ?? 12);
const SEED = Number(process.env["HYP_SEED"] ?? Date.now() % 1_000_000);

export default async function storeKill(ctx: FlowContext): Promise<void> {
  ctx.note(`seed ${SEED} (HYP_SEED)`);
  const random = seededRandom(SEED);
  let compactions = 0;
  await killUnderLoad(ctx, {
    kills: KILLS,
    lifetime: () => 200 + random() * 1_600,
    // Every answer that a client has whole is owed, and segments are so small that many end during a run.
    gateway: { durability: "strict", journal_segment_bytes: 64 * 1024 },
    async beside(signal) {
      // By the recorder where one runs, else by the command itself; either dies or fails when its moment comes.
      while (!signal.aborted) {
        const { code } = await ctx.hyp(["store", "compact"], { timeoutMs: 60_000 });
        if (code === 0) compactions += 1;
      }
    },
  });
  assert.ok(compactions > 0, "not one compaction came to its end");
  const rows = () => ctx.sql("SELECT count(*)::INT AS rows FROM ai_gateway_messages");
  const before = await rows();
  assert.equal((await ctx.hyp(["store", "compact"], { timeoutMs: 60_000 })).code, 0);
  const verified = await ctx.hyp(["store", "verify"], { timeoutMs: 60_000 });
  assert.equal(verified.code, 0, verified.stderr);
  assert.deepEqual(await rows(), before);
  const rotations = countRotations(join(ctx.state, "journal"));
  assert.ok(rotations >= KILLS / 2, `only ${rotations} segments were ended by the next one`);
  ctx.note(`${rotations} rotations, ${compactions} compactions; ${verified.stdout.trim()}`);
}

/** Segments are numbered from 1 in each run's folder. */
function countRotations(journal: string): number {
  const last = (run: string): number =>
    Math.max(1, ...readdirSync(join(journal, run)).map((name) => Number.parseInt(name, 10) || 1));
  return readdirSync(journal).reduce((sum, run) => sum + last(run) - 1, 0);
}
