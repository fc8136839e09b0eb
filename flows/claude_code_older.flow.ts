import assert from "node:assert/strict";
import { findAllClaudeCode } from "./lib/claude-code.ts";
import { type ClaudeStep, LONG_SESSION, takeStepsWith } from "./lib/claude-steps.ts";
import type { FlowContext } from "./lib/flow.ts";

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
  ...LONG_SESSION,
];

export default async function claudeCodeOlder(ctx: FlowContext): Promise<void> {
  const clients = findAllClaudeCode().slice(0, -1);
  if (clients.length === 0)
    ctx.skip("no second version of Claude Code: set HYP_TEST_CLIENTS to a folder of installed clients");
  await takeStepsWith(ctx, clients, { seed: "older", steps: STEPS }, ({ natures }) => {
    assert.equal(natures.get("not_carried") ?? 0, 0, "what no exchange carried");
  });
}
