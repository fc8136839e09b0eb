import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { postMessage, responseText } from "@hypaware/testkit";
import type { FakeProvider } from "@hypaware/testkit";
import { withAdapters } from "./lib/configs.ts";
import type { Daemon } from "./lib/daemon.ts";
import type { FlowContext } from "./lib/flow.ts";
import { median } from "./lib/median.ts";
import { treeCpuMs } from "./lib/process-tree.ts";

export const title =
  "an answer of 100,000 events passes whole, is recorded whole, and costs four times one of 25,000";
export const timeoutMs = 180_000;

const EVENTS = 100_000;
/** With the event's frame about 420 bytes an event. */
const DELTA_BYTES = 320;
const TIMES = 4;
/** Linear is 4, each event that looks at all before it is 16. */
const MAX_RATIO = 6;
const ROUNDS = 3;

/** The times themselves are a bench's (bench/long-answer.ts): here CPU time is compared, which others on the machine hardly change. */
export default async function longAnswer(ctx: FlowContext): Promise<void> {
  const provider = await ctx.fakeProvider();
  ctx.writeConfig(withAdapters(provider));
  const daemon = await ctx.startDaemon();
  await costOf(ctx, provider, daemon, EVENTS / 10);
  const parts: number[] = [];
  const wholes: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    parts.push(await costOf(ctx, provider, daemon, EVENTS / TIMES));
    wholes.push(await costOf(ctx, provider, daemon, EVENTS));
  }
  if (existsSync("/proc/self/task")) {
    const ratio = median(wholes) / median(parts);
    ctx.note(`${median(wholes).toFixed(0)} ms of CPU, ${ratio.toFixed(2)} times that of a quarter`);
    assert.ok(
      ratio <= MAX_RATIO,
      `CPU ${ratio.toFixed(2)} times that of a quarter: ${wholes.join(", ")} and ${parts.join(", ")}`,
    );
  } else ctx.note("what it costs was not compared: this system has no /proc");
  assert.equal((await daemon.stop()).code, 0);
}

/** Milliseconds of CPU of the daemon and all below it, from the request until a query shows its rows. */
async function costOf(
  ctx: FlowContext,
  provider: FakeProvider,
  daemon: Daemon,
  events: number,
): Promise<number> {
  const before = treeCpuMs(daemon.pid);
  const sessionId = `events-${events}-${Date.now()}`;
  const answer = await postMessage(daemon.url, `SAY:long ${events} ${DELTA_BYTES}`, {
    sessionId,
    timeoutMs: 60_000,
  });
  assert.equal(answer.failure, undefined);
  const sent = provider.requests().at(-1) ?? assert.fail("nothing was sent");
  assert.ok(answer.body.equals(Buffer.from(responseText(sent))), "the bytes are the provider's");

  const query = `SELECT length(content_text) FROM ai_gateway_messages
                  WHERE conversation_id = '${sessionId}' AND role = 'assistant'`;
  const args = ["query", "sql", query, "--format", "jsonl", "--refresh", "always"];
  const shown = await ctx.hyp(args, { timeoutMs: 60_000 });
  const cost = treeCpuMs(daemon.pid) - before;
  assert.match(shown.stdout, new RegExp(`\\b${events * DELTA_BYTES}\\b`), shown.stderr);
  provider.reset();
  return cost;
}
