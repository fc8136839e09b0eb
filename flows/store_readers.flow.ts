import assert from "node:assert/strict";
import { withAdapters } from "./lib/configs.ts";
import { Crowd } from "./lib/crash.ts";
import type { FlowContext } from "./lib/flow.ts";

export const title =
  "eight processes query while exchanges come in, rows are sealed and segments merged: no error, each answer one committed state";
export const timeoutMs = 240_000;

const SECONDS = Number(process.env["HYP_SECONDS"] ?? 12);
const READERS = 8;
/** A prompt and an answer: two messages of one row each for every exchange. */
const STATE = `SELECT (SELECT count(*) FROM ai_gateway_exchanges)::INT AS exchanges,
    (SELECT count(*) FROM ai_gateway_messages)::INT AS rows,
    (SELECT count(DISTINCT message_id) FROM ai_gateway_messages)::INT AS messages,
    (SELECT sum(output_tokens) FROM ai_gateway_exchanges)::INT AS tokens`;

interface State {
  readonly exchanges: number;
  readonly rows: number;
  readonly messages: number;
  readonly tokens: number | null;
}

export default async function storeReaders(ctx: FlowContext): Promise<void> {
  ctx.writeConfig(withAdapters(await ctx.fakeProvider()));
  const daemon = await ctx.startDaemon();
  const crowd = new Crowd(daemon.url, 4, "SAY:text all is well");
  const until = Date.now() + SECONDS * 1_000;
  let compactions = 0;
  let answers = 0;

  async function compactAgainAndAgain(): Promise<void> {
    while (Date.now() < until) {
      const { code, stderr } = await ctx.hyp(["store", "compact"], { timeoutMs: 120_000 });
      assert.equal(code, 0, stderr);
      compactions += 1;
    }
  }
  async function readAgainAndAgain(): Promise<void> {
    let before = 0;
    while (Date.now() < until) {
      const { code, stdout, stderr } = await ctx.hyp(
        ["query", "sql", STATE, "--format", "jsonl", "--refresh", "never"],
        { timeoutMs: 120_000 },
      );
      assert.equal(code, 0, stderr);
      const { exchanges, rows, messages } = JSON.parse(stdout) as State;
      assert.deepEqual({ rows, messages }, { rows: 2 * exchanges, messages: 2 * exchanges }, "a torn state");
      assert.ok(exchanges >= before, "an answer from the past");
      before = exchanges;
      answers += 1;
    }
  }
  const readers = Array.from({ length: READERS }, () => readAgainAndAgain());
  await Promise.all([compactAgainAndAgain(), ...readers]);
  await crowd.stop();

  const [hot] = await ctx.sql(STATE);
  assert.equal((await ctx.hyp(["store", "compact"], { timeoutMs: 120_000 })).code, 0);
  assert.deepEqual((await ctx.sql(STATE))[0], hot, "sealed, merged and as before");
  const verified = await ctx.hyp(["store", "verify"], { timeoutMs: 120_000 });
  assert.equal(verified.code, 0, verified.stderr);
  assert.equal((await daemon.stop()).code, 0);
  assert.ok(answers > 0 && compactions > 0);
  ctx.note(`${answers} answers, ${compactions} compactions, ${verified.stdout.trim()}`);
}
