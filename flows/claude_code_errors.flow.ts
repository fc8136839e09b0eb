import assert from "node:assert/strict";
import { findAllClaudeCode } from "./lib/claude-code.ts";
import { type ClaudeStep, takeStepsWith } from "./lib/claude-steps.ts";
import type { FlowContext } from "./lib/flow.ts";

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
  await takeStepsWith(ctx, clients, { seed: "errors", steps: STEPS }, ({ natures }) => {
    assert.equal(natures.get("unreadable") ?? 0, 0, "answers that nobody could read");
  });
}
