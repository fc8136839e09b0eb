import assert from "node:assert/strict";
import { postMessage, responseText } from "@hypaware/testkit";
import type { FakeProvider } from "@hypaware/testkit";
import { withAdapters } from "./lib/configs.ts";
import type { Daemon } from "./lib/daemon.ts";
import type { FlowContext } from "./lib/flow.ts";
import { median } from "./lib/median.ts";

export const title =
  "an answer of 100,000 events passes whole, is recorded whole, and costs twice one of 50,000";
export const timeoutMs = 180_000;

const EVENTS = 100_000;
/** With the event's frame about 420 bytes an event. */
const DELTA_BYTES = 320;
/** Twice the events may take this much longer: linear, with room for a busy machine. */
const MAX_RATIO = 2.3;
const ROUNDS = 5;

interface Times {
  /** Without us, until the client had the last byte. */
  readonly direct: number;
  /** Until the client had the last byte. */
  readonly carried: number;
  /** Until a query showed its rows. */
  readonly recorded: number;
}

export default async function longAnswer(ctx: FlowContext): Promise<void> {
  const provider = await ctx.fakeProvider();
  ctx.writeConfig(withAdapters(provider));
  const daemon = await ctx.startDaemon();
  await measure(ctx, provider, daemon, EVENTS / 10);
  const halves: Times[] = [];
  const wholes: Times[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    halves.push(await measure(ctx, provider, daemon, EVENTS / 2));
    wholes.push(await measure(ctx, provider, daemon, EVENTS));
  }
  // A single round is off by up to 40 % either way, direct ones too: one lucky half would decide a ratio of the best.
  const ratioOf = (key: keyof Times): number =>
    median(wholes.map((times) => times[key])) / median(halves.map((times) => times[key]));
  // Provider and client run in this process, and what they need for twice the events is not ours.
  const direct = Math.max(1, ratioOf("direct") / 2);
  for (const key of ["carried", "recorded"] as const) {
    const ratio = ratioOf(key) / direct;
    ctx.note(`${key}: ${ratio.toFixed(2)} times the half`);
    assert.ok(ratio <= MAX_RATIO, `${key}: ${ratio.toFixed(2)} times the half`);
  }
  assert.equal((await daemon.stop()).code, 0);
}

async function measure(
  ctx: FlowContext,
  provider: FakeProvider,
  daemon: Daemon,
  events: number,
): Promise<Times> {
  const prompt = `SAY:long ${events} ${DELTA_BYTES}`;
  const started = Date.now();
  const alone = await postMessage(provider.url, prompt, { timeoutMs: 60_000 });
  assert.equal(alone.failure, undefined);
  const direct = (alone.completedAt ?? 0) - started;
  provider.reset();
  const began = Date.now();
  const sessionId = `events-${events}-${began}`;
  const answer = await postMessage(daemon.url, prompt, {
    sessionId,
    timeoutMs: 60_000,
  });
  assert.equal(answer.failure, undefined);
  const carried = (answer.completedAt ?? 0) - began;
  const sent = provider.requests().at(-1) ?? assert.fail("nothing was sent");
  assert.ok(answer.body.equals(Buffer.from(responseText(sent))), "the bytes are the provider's");

  const query = `SELECT length(content_text) FROM ai_gateway_messages
                  WHERE conversation_id = '${sessionId}' AND role = 'assistant'`;
  const args = ["query", "sql", query, "--format", "jsonl", "--refresh", "always"];
  const shown = await ctx.hyp(args, { timeoutMs: 60_000 });
  const recorded = Date.now() - began;
  assert.match(shown.stdout, new RegExp(`\\b${events * DELTA_BYTES}\\b`), shown.stderr);
  provider.reset();
  return { direct, carried, recorded };
}
