import assert from "node:assert/strict";
import { withAdapters } from "./lib/configs.ts";
import type { Daemon } from "./lib/daemon.ts";
import type { FlowContext } from "./lib/flow.ts";

export const title =
  "three equal turns are six messages with the true tokens, before and after restart and reproject";

const SESSION = "0b0c5a52-0000-4000-8000-00000000000a";
const TURNS = 3;
const PROMPT = "SAY:text Done.";

export default async function identityRestart(ctx: FlowContext): Promise<void> {
  ctx.writeConfig(withAdapters(await ctx.fakeProvider()));
  let daemon: Daemon = await ctx.startDaemon();
  const history: { role: string; content: string }[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    history.push({ role: "user", content: PROMPT });
    history.push({ role: "assistant", content: await ask(daemon.url, history) });
    await check(ctx, turn + 1);
    if (turn === 1) {
      assert.equal((await daemon.stop()).code, 0);
      daemon = await ctx.startDaemon();
    }
  }
  const before = await identities(ctx);
  assert.equal((await ctx.hyp(["reproject", "--yes"])).code, 0, "with a running recorder");
  await check(ctx, TURNS);
  assert.deepEqual(await identities(ctx), before, "the same rows under the same names");
  assert.equal((await daemon.stop()).code, 0);
  assert.equal((await ctx.hyp(["reproject", "--yes"])).code, 0, "and without one");
  await check(ctx, TURNS);
  assert.deepEqual(await identities(ctx), before);
}

async function ask(url: string, messages: readonly object[]): Promise<string> {
  const response = await fetch(`${url}/v1/messages?beta=true`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "anthropic-version": "2023-06-01",
      "x-api-key": "sk-ant-test-key-of-the-flow",
      "user-agent": "claude-cli/2.1.330 (external, sdk-cli)",
      "x-claude-code-session-id": SESSION,
    },
    body: JSON.stringify({ model: "claude-opus-5-5", max_tokens: 100, messages }),
  });
  assert.equal(response.status, 200);
  const { content } = (await response.json()) as { content: { text: string }[] };
  return content[0]?.text ?? assert.fail("no answer");
}

async function check(ctx: FlowContext, turns: number): Promise<void> {
  const rows = await ctx.sql(
    "SELECT conversation_id, message_index, role, content_text FROM ai_gateway_messages ORDER BY message_index",
  );
  assert.deepEqual(
    rows,
    Array.from({ length: turns * 2 }, (_, i) => ({
      conversation_id: SESSION,
      message_index: i,
      role: i % 2 === 0 ? "user" : "assistant",
      content_text: i % 2 === 0 ? PROMPT : "Done.",
    })),
  );
  const [sums] = await ctx.sql(
    `SELECT sum(input_tokens)::INT AS input, sum(cache_read_tokens)::INT AS reads,
            sum(cache_write_tokens)::INT AS writes, sum(output_tokens)::INT AS output FROM ai_gateway_exchanges`,
  );
  // Generation n has 10 + n, 2000 + n, 1000 + n and 20 + n.
  const extra = (turns * (turns + 1)) / 2;
  assert.deepEqual(sums, {
    input: turns * 10 + extra,
    reads: turns * 2000 + extra,
    writes: turns * 1000 + extra,
    output: turns * 20 + extra,
  });
}

async function identities(ctx: FlowContext): Promise<unknown> {
  return ctx.sql(
    `SELECT part_id, message_index, previous_message_id, message_created_at, request_id
       FROM ai_gateway_messages ORDER BY message_index`,
  );
}
