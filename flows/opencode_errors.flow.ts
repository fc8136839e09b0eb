import assert from "node:assert/strict";
import { join } from "node:path";
import type { FakeProvider } from "@hypaware/testkit";
import { withAdapter } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { interrupted } from "./lib/interrupted.ts";
import { findOpencode, makeOpencodeHome, promptArgs } from "./lib/opencode.ts";
import { verified } from "./lib/verified.ts";

export const title =
  "the real opencode is refused, cut and interrupted: hyp verify finds no difference after any of it";
export const timeoutMs = 180_000;

const PROMPTS = [
  "SAY:status 400 1",
  "SAY:status 401 1",
  "SAY:status 429 1",
  "SAY:status 500 1",
  "SAY:status 529 1",
  "SAY:cut 1",
] as const;

export default async function opencodeErrors(ctx: FlowContext): Promise<void> {
  const binary = findOpencode();
  if (binary === undefined) ctx.skip("no opencode: set HYP_TEST_CLIENTS to a folder of installed clients");
  const provider = await ctx.fakeProvider({ seed: "errors" });
  ctx.writeConfig(withAdapter("opencode", { anthropic: provider }));
  const daemon = await ctx.startDaemon();
  const folder = join(ctx.folder, "person");
  const person = makeOpencodeHome(String(ctx.env["HOME"]), folder, binary, String(ctx.env["PATH"]));
  const { env, project: cwd } = person;
  for (const [index, prompt] of PROMPTS.entries()) {
    const failed = failuresOf(provider);
    const args = ["run", "opencode", "--", ...promptArgs(prompt)];
    const { code, stdout, stderr } = await ctx.hyp(args, { env, cwd, timeoutMs: 60_000 });
    const told = `${prompt}: attempts that failed; it ended with ${code}: ${stderr}${stdout}`;
    assert.equal(failuresOf(provider) - failed, 1, told);
    const { sessions } = await verified(ctx, prompt);
    assert.equal(sessions, index + 1, `${prompt}: sessions`);
  }
  const asked = (): number => provider.requests().length;
  const args = ["opencode", "--", ...promptArgs("SAY:slow 20000")];
  await interrupted(ctx, person, args, { asked, afterMs: 2_000 });
  const { sessions, messages, natures } = await verified(ctx, "the interruption");
  assert.ok((natures.get("no_answer") ?? 0) >= PROMPTS.length, `no_answer: ${[...natures].join(" ")}`);
  assert.equal((await daemon.stop()).code, 0);
  ctx.note(`${sessions} sessions, ${messages} messages, no difference`);
}

const failuresOf = (provider: FakeProvider): number =>
  provider.requests().filter(({ response }) => response.status !== 200 || response.ending === "cut").length;
