import assert from "node:assert/strict";
import { join } from "node:path";
import { findAllClaudeCode, makeClaudeHome } from "./lib/claude-code.ts";
import { type ClaudeStep, takeSteps } from "./lib/claude-steps.ts";
import { withAdapters } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { freePort } from "./lib/free-port.ts";

export const title =
  "a Claude Code that notes no attempts, gives up where newer ones go on and leaves out what it gave up: hyp verify finds no difference";
export const timeoutMs = 150_000;

/** What it asks in one prompt that got no whole answer, and in the next, is one message of several texts. */
const STEPS: readonly ClaudeStep[] = [
  { prompt: "SAY:bash echo one", calls: 2 },
  { prompt: "SAY:status 529 2", goesOn: "same", calls: 3, natures: ["no_answer"] },
  { prompt: "SAY:status 400 1", goesOn: "same", fails: true, natures: ["no_answer"] },
  { prompt: "SAY:cut 1", goesOn: "same", fails: true, natures: ["no_answer"] },
  { prompt: "SAY:sseerror 1", goesOn: "same", fails: true, natures: ["no_answer"] },
  { prompt: "SAY:slow 20000", goesOn: "same", isInterrupted: true },
  { prompt: "SAY:text after the interruption", goesOn: "same" },
  { prompt: "SAY:text in a fork", goesOn: "fork", natures: ["copied"] },
  { prompt: "/compact", goesOn: "same", natures: ["side_call"] },
  { prompt: "SAY:parallel echo after", goesOn: "same", calls: 2 },
  { prompt: "SAY:text in a fork of the summary", goesOn: "fork", natures: ["copied"] },
  { prompt: "SAY:text at last", goesOn: "same" },
];

export default async function claudeCodeOlder(ctx: FlowContext): Promise<void> {
  const clients = findAllClaudeCode().slice(0, -1);
  if (clients.length === 0)
    ctx.skip("no second version of Claude Code: set HYP_TEST_CLIENTS to a folder of installed clients");
  const provider = await ctx.fakeProvider({ seed: "older" });
  ctx.writeConfig(withAdapters(provider, `127.0.0.1:${await freePort()}`));
  const daemon = await ctx.startDaemon();
  for (const client of clients) {
    provider.reset();
    const folder = join(ctx.folder, client.version);
    const person = makeClaudeHome(folder, client, String(ctx.env["PATH"]), String(ctx.env["HOME"]));
    const { natures, messages } = await takeSteps(ctx, provider, person, STEPS);
    assert.equal(natures.get("not_carried") ?? 0, 0, "what no exchange carried");
    ctx.note(
      `client ${client.version}: ${provider.requests().length} calls, ${messages} messages, no difference`,
    );
  }
  assert.equal((await daemon.stop()).code, 0);
}
