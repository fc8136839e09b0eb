import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { SETTINGS } from "./lib/claude-code.ts";
import { writeFirstSession } from "./lib/claude-transcripts.ts";
import type { FlowContext } from "./lib/flow.ts";

export const title =
  "hyp init starts the gateway, attaches, imports and asks; a step that fails keeps nothing from running that needs it not";
export const timeoutMs = 120_000;

const PORT = 18_521;

export default async function initFinale(ctx: FlowContext): Promise<void> {
  if (!(await isFree(PORT))) ctx.skip(`somebody listens on ${PORT}, the address that init writes`);
  const home = String(ctx.env["HOME"]);
  const settings = join(home, ".claude", "settings.json");
  mkdirSync(join(home, ".claude"), { recursive: true });
  writeFirstSession(home);
  try {
    await brokenSettings(ctx, settings);
    await everyStep(ctx, settings);
  } finally {
    await ctx.hyp(["daemon", "stop"]);
  }
}

/** The client's settings cannot be changed: that is told, and the rest is done. */
async function brokenSettings(ctx: FlowContext, settings: string): Promise<void> {
  writeFileSync(settings, "{ not JSON");
  const init = await ctx.hyp(["init", "--yes"]);
  assert.equal(init.code, 1, init.stdout);
  assert.match(init.stderr, /settings\.json/);
  const [, told = ""] = init.stdout.split("\nDone:");
  assert.deepEqual(told.trim().split(/\n */), [
    `wrote ${ctx.configPath}`,
    "hyp daemon start",
    "hyp import claude",
    "a first query",
    "To go on:",
    "hyp attach claude",
  ]);
  assert.equal(readFileSync(settings, "utf8"), "{ not JSON");
}

async function everyStep(ctx: FlowContext, settings: string): Promise<void> {
  writeFileSync(settings, SETTINGS);
  const init = await ctx.hyp(["init", "--yes"]);
  assert.equal(init.code, 0, init.stdout + init.stderr);
  assert.match(init.stdout, /The gateway of this home runs already, on http:\/\/127\.0\.0\.1:18521/);
  assert.match(init.stdout, /anthropic +1 +2 /);
  const { env } = JSON.parse(readFileSync(settings, "utf8")) as { env: Record<string, string> };
  assert.equal(env["ANTHROPIC_BASE_URL"], `http://127.0.0.1:${PORT}`);
  assert.equal(env["FROM_SETTINGS"], "1");
  const detached = await ctx.hyp(["detach", "claude"]);
  assert.equal(detached.code, 0, detached.stderr);
  assert.equal(readFileSync(settings, "utf8"), SETTINGS, "and back, byte for byte");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
