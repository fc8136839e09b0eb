import assert from "node:assert/strict";
import { join } from "node:path";
import { findAllClaudeCode, makeClaudeHome } from "./lib/claude-code.ts";
import { type ClaudeStep, takeSteps } from "./lib/claude-steps.ts";
import { withAdapters } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { freePort } from "./lib/free-port.ts";

export const title =
  "every installed Claude Code is refused and asked to wait, and answered in each encoding that it takes: hyp verify finds no difference after any of it";
export const timeoutMs = 150_000;

const STEPS: readonly ClaudeStep[] = [
  { prompt: "SAY:status 401 1", calls: 2, natures: ["no_answer"] },
  { prompt: "SAY:status 429 1", goesOn: "same", calls: 2, natures: ["no_answer"] },
  { prompt: "SAY:status 500 1", goesOn: "same", calls: 2, natures: ["no_answer"] },
  { prompt: "SAY:bash echo one", goesOn: "same", calls: 2, encoding: "gzip" },
  { prompt: "SAY:parallel echo two", goesOn: "same", calls: 2, encoding: "br" },
  { prompt: "SAY:status 529 1", goesOn: "same", calls: 2, encoding: "zstd", natures: ["no_answer"] },
  { prompt: "SAY:text at last", goesOn: "same", encoding: "deflate" },
];

export default async function claudeCodeErrors(ctx: FlowContext): Promise<void> {
  const clients = findAllClaudeCode();
  if (clients.length === 0)
    ctx.skip("no Claude Code: set HYP_TEST_CLAUDE to its binary, or HYP_TEST_CLIENTS");
  const provider = await ctx.fakeProvider({ seed: "errors" });
  ctx.writeConfig(withAdapters(provider, `127.0.0.1:${await freePort()}`));
  const daemon = await ctx.startDaemon();
  for (const client of clients) {
    provider.reset();
    const folder = join(ctx.folder, client.version);
    const person = makeClaudeHome(folder, client, String(ctx.env["PATH"]), String(ctx.env["HOME"]));
    const { messages, natures } = await takeSteps(ctx, provider, person, STEPS);
    assert.equal(natures.get("unreadable") ?? 0, 0, "answers that nobody could read");
    ctx.note(`client ${client.version}: ${provider.requests().length} calls, ${messages} messages so far`);
  }
  assert.equal((await daemon.stop()).code, 0);
}
