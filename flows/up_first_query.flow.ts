import assert from "node:assert/strict";
import { postMessage } from "@hypaware/testkit";
import { withAdapters } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";

export const title = "hyp up says where it listens and what to ask, and that query shows the first exchange";

/** From the command to the line with the address. */
const START_MS = 5_000;

export default async function upFirstQuery(ctx: FlowContext): Promise<void> {
  ctx.writeConfig(withAdapters(await ctx.fakeProvider()));
  const began = Date.now();
  const up = ctx.startHyp(["up"]);
  const [, url] = await up.waitForOutput(/(http:\/\/127\.0\.0\.1:\d+)/, START_MS);
  ctx.note(`listening after ${Date.now() - began} ms`);
  const [, query] = await up.waitForOutput(/hyp query sql "([^"]+)"/);
  assert.match(up.stdout(), /hyp run claude/);
  assert.ok(up.stdout().includes(ctx.state), "it says where the data is");
  assert.ok(url !== undefined && query !== undefined);

  assert.equal((await postMessage(url, "SAY:text first light", { sessionId: "first" })).status, 200);
  const shown = await ctx.hyp(["query", "sql", query]);
  assert.equal(shown.code, 0, shown.stderr);
  assert.match(shown.stdout, /\/v1\/messages\?beta=true/);

  const refused = await ctx.hyp(["query", "sql", "DELETE FROM ai_gateway_messages"]);
  assert.notEqual(refused.code, 0, "only a SELECT is a query");
  const late = "SELECT CASE WHEN i = 100000 THEN error('late') ELSE i END AS i FROM range(200000) t(i)";
  const failed = await ctx.hyp(["query", "sql", late]);
  assert.deepEqual(
    [failed.code, failed.stdout],
    [1, ""],
    "a query that fails late prints no part of a table",
  );
  const control = await ctx.hyp(["query", "sql", "SELECT chr(27) || '[31mred' AS tricky"]);
  assert.equal(control.code, 0, control.stderr);
  assert.ok(!control.stdout.includes("\u001B"), "a control character never reaches the terminal");

  up.signal("SIGINT");
  const ended = await up.exited;
  assert.equal(ended.code, 0, ended.stderr);
  const after = await ctx.sql("SELECT model, output_tokens::INT AS output_tokens FROM ai_gateway_exchanges");
  assert.deepEqual(
    after,
    [{ model: "claude-opus-5-5", output_tokens: 21 }],
    "the history outlives the gateway",
  );
}
