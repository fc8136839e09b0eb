import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { headerOf, postMessage } from "@hypaware/testkit";
import { withAdapters } from "./configs.ts";
import { Crowd, RestartLoop } from "./crash.ts";
import type { FlowContext } from "./flow.ts";
import { freePort } from "./free-port.ts";
import { eventually } from "./process.ts";

const STREAMS = 32;
/** An exchange whose last byte reached the client this long before the kill must be there; with strict durability every one. */
const GRACE_MS = 250;

export interface KillRun {
  readonly kills: number;
  /** Milliseconds that a daemon lives before the n-th kill. */
  readonly lifetime: (kill: number) => number;
  /** Config of the gateway beside the usual. */
  readonly gateway?: { readonly durability?: "strict"; readonly journal_segment_bytes?: number };
  /** Goes on beside the streams until the signal is aborted. */
  readonly beside?: (signal: AbortSignal) => Promise<void>;
}

/**
 * Kills the daemon again and again under 32 streams and restarts it, then holds every whole answer that a client had in time
 * against the history: each exchange once, with its prompt and its answer. Notes the figures.
 */
export async function killUnderLoad(ctx: FlowContext, run: KillRun): Promise<void> {
  const address = `127.0.0.1:${await freePort()}`;
  ctx.writeConfig(withAdapters(await ctx.fakeProvider(), address, run.gateway));
  const loop = await RestartLoop.begin(ctx);
  const crowd = new Crowd(loop.daemon.url, STREAMS, "SAY:slow 300 6");
  const ending = new AbortController();
  const beside = run.beside?.(ending.signal);
  for (let kill = 0; kill < run.kills; kill++) {
    await sleep(run.lifetime(kill));
    await loop.crash();
  }
  await sleep(500);
  ending.abort();
  await beside;
  const attempts = await crowd.stop();

  const fresh = await postMessage(loop.daemon.url, "fresh\nSAY:text all is well", { sessionId: "fresh" });
  assert.equal(fresh.failure, undefined);
  await eventually("the fresh exchange is recorded", () => hasRows(ctx, "fresh"), 60_000);

  const graceMs = run.gateway?.durability === "strict" ? -Infinity : GRACE_MS;
  const owed = attempts.filter((attempt) => (loop.margin(attempt) ?? -Infinity) > graceMs);
  const kept = await ctx.sql(
    `SELECT request_id, session_id, count(*)::INT AS times FROM ai_gateway_exchanges
      WHERE outcome = 'complete' AND decode_status = 'projected' GROUP BY ALL`,
  );
  const requestOf = new Map(kept.map((row) => [row["session_id"], row["request_id"]]));
  const missing = owed.filter(
    ({ id, answer }) => requestOf.get(id) !== headerOf(answer.rawHeaders, "request-id"),
  );
  assert.deepEqual(
    missing.map((attempt) => `${attempt.id}, ${loop.margin(attempt)} ms before the kill`),
    [],
    `of ${owed.length} exchanges that must be there`,
  );
  assert.deepEqual(
    kept.filter((row) => row["times"] !== 1),
    [],
    "exchanges that are there twice",
  );
  const doubled = await ctx.sql(
    `SELECT conversation_id, role, count(*)::INT AS times FROM ai_gateway_messages GROUP BY ALL HAVING count(*) > 1
     UNION ALL SELECT part_id, 'part', count(*)::INT FROM ai_gateway_messages GROUP BY ALL HAVING count(*) > 1`,
  );
  assert.deepEqual(doubled, [], "rows that are there twice");
  const wordless = await ctx.sql(
    `SELECT session_id FROM ai_gateway_exchanges e WHERE outcome = 'complete' AND (
       SELECT count(*) FROM ai_gateway_messages m WHERE m.conversation_id = e.conversation_id) <> 2`,
  );
  assert.deepEqual(wordless, [], "complete exchanges without their prompt and answer");
  assert.equal((await loop.daemon.stop()).code, 0);
  const broken = attempts.filter(({ answer }) => answer.completedAt === undefined).length;
  const hit = loop.killedAt.filter((killed) =>
    attempts.some(({ startedAt, answer }) => startedAt < killed && (answer.completedAt ?? Infinity) > killed),
  ).length;
  ctx.note(
    `${run.kills} kills, ${hit} with requests in flight; ${attempts.length} attempts, ${broken} refused or broken, ${owed.length} owed and there`,
  );
}

async function hasRows(ctx: FlowContext, id: string): Promise<true | undefined> {
  const rows = await ctx.sql(`SELECT role FROM ai_gateway_messages WHERE conversation_id = '${id}'`);
  return rows.length === 2 ? true : undefined;
}
