import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { headerOf, postMessage, responseText } from "@hypaware/testkit";
import { withAdapters } from "./lib/configs.ts";
import { killHard } from "./lib/crash.ts";
import { recorderPid } from "./lib/daemon.ts";
import type { FlowContext } from "./lib/flow.ts";
import { eventually } from "./lib/process.ts";

export const title =
  "kill -9 of the recorder under 200 running exchanges costs no answer, no exchange and no row";
export const timeoutMs = 120_000;

const EXCHANGES = 200;

export default async function recorderKill(ctx: FlowContext): Promise<void> {
  const provider = await ctx.fakeProvider();
  ctx.writeConfig(withAdapters(provider));
  const daemon = await ctx.startDaemon();
  const first = await recorderPid(ctx.state);

  // Between them they end before, while and after the recorder is away.
  const asked = Array.from({ length: EXCHANGES }, (_, i) =>
    postMessage(daemon.url, `exchange-${i}\nSAY:slow ${500 + i * 15} 20`, { sessionId: `session-${i}` }),
  );
  await eventually("all exchanges run", () => (provider.requests().length === EXCHANGES ? true : undefined));
  await sleep(700);
  const atKill = provider.requests().filter((exchange) => exchange.response.ending === "complete").length;
  killHard(first);
  const answers = await Promise.all(asked);

  const sent = new Map(provider.requests().map((exchange) => [exchange.generation?.requestId, exchange]));
  for (const [i, answer] of answers.entries()) {
    assert.equal(answer.failure, undefined, `answer ${i}`);
    const exchange = sent.get(headerOf(answer.rawHeaders, "request-id"));
    assert.ok(exchange !== undefined, `answer ${i} is one that was sent`);
    assert.equal(answer.body.toString(), responseText(exchange), `answer ${i} is intact`);
  }

  await eventually(
    "another recorder",
    async () => ((await recorderPid(ctx.state)) === first ? undefined : true),
    30_000,
  );
  const [exchanges] = await eventually(
    "every exchange is recorded",
    async () => {
      const rows = await ctx.sql(
        `SELECT count(*)::INT AS all_of_them, count(DISTINCT request_id)::INT AS requests,
                count(*) FILTER (outcome = 'complete' AND decode_status = 'projected')::INT AS whole,
                sum(rows_written)::INT AS rows_written
           FROM ai_gateway_exchanges`,
      );
      return Number(rows[0]?.["all_of_them"]) >= EXCHANGES ? rows : undefined;
    },
    40_000,
  );
  assert.deepEqual(exchanges, {
    all_of_them: EXCHANGES,
    requests: EXCHANGES,
    whole: EXCHANGES,
    rows_written: EXCHANGES * 2,
  });
  const [rows] = await ctx.sql(
    `SELECT count(*)::INT AS parts, count(DISTINCT part_id)::INT AS distinct_parts,
            count(DISTINCT content_text) FILTER (role = 'user')::INT AS prompts,
            count(DISTINCT conversation_id)::INT AS conversations
       FROM ai_gateway_messages`,
  );
  assert.deepEqual(rows, {
    parts: EXCHANGES * 2,
    distinct_parts: EXCHANGES * 2,
    prompts: EXCHANGES,
    conversations: EXCHANGES,
  });
  assert.equal((await daemon.stop()).code, 0);
  ctx.note(`${atKill} ended before the kill, ${EXCHANGES - atKill} after it`);
}
