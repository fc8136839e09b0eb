import assert from "node:assert/strict";
import { join } from "node:path";
import { startFakeGemini } from "@hypaware/testkit";
import type { FakeGemini } from "@hypaware/testkit";
import { withAdapter } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { findGemini, makeGeminiHome, promptArgs } from "./lib/gemini.ts";
import { interrupted } from "./lib/interrupted.ts";
import { verified } from "./lib/verified.ts";

export const title =
  "the real Gemini CLI is refused, asked to wait, cut and interrupted in one session: hyp verify finds no difference after any of it";
export const timeoutMs = 150_000;

/** `calls`: for an answer. `fails`: the client does not try again, and takes its prompt back. */
const STEPS: readonly { readonly prompt: string; readonly calls: number; readonly fails?: true }[] = [
  { prompt: "SAY:text hello there", calls: 1 },
  { prompt: "SAY:status 400 1", calls: 1, fails: true },
  { prompt: "SAY:status 401 1", calls: 1, fails: true },
  { prompt: "SAY:status 429 1", calls: 2 },
  { prompt: "SAY:status 500 1", calls: 2 },
  { prompt: "SAY:cut 1", calls: 1, fails: true },
];

export default async function geminiErrors(ctx: FlowContext): Promise<void> {
  const client = findGemini();
  if (client === undefined)
    ctx.skip("no Gemini CLI: set HYP_TEST_GEMINI to its program, or HYP_TEST_CLIENTS");
  const provider = await startFakeGemini({ seed: "errors" });
  try {
    ctx.writeConfig(withAdapter("gemini", { gemini: provider }));
    const daemon = await ctx.startDaemon();
    const [path, home] = [String(ctx.env["PATH"]), String(ctx.env["HOME"])];
    const person = makeGeminiHome(join(ctx.folder, "person"), client, path, { home });
    for (const [index, { prompt, calls, fails = false }] of STEPS.entries()) {
      const before = answersOf(provider).length;
      const args = ["run", "gemini", "--", ...promptArgs(prompt, index > 0)];
      const options = { env: person.env, cwd: person.project, timeoutMs: 60_000 };
      const { code, stdout, stderr } = await ctx.hyp(args, options);
      assert.equal(code === 0, !fails, `${prompt}: ${stderr}${stdout}`);
      assert.equal(answersOf(provider).length - before, calls, `${prompt}: calls`);
      const { sessions } = await verified(ctx, prompt);
      assert.equal(sessions, 1, `${prompt}: sessions`);
    }
    const asked = (): number => provider.calls().length;
    // What is asked first is which model to ask.
    const args = ["gemini", "--", ...promptArgs("SAY:slow 20000", true)];
    await interrupted(ctx, person, args, { asked, afterMs: 1_000 });
    const { messages, natures } = await verified(ctx, "the interruption");
    assert.ok((natures.get("no_answer") ?? 0) >= STEPS.length, `no_answer: ${[...natures].join(" ")}`);
    await checkExchanges(ctx, provider);
    assert.equal((await daemon.stop()).code, 0);
    ctx.note(
      `client ${client.version}: ${provider.calls().length} calls, ${messages} messages, no difference`,
    );
  } finally {
    await provider.close();
  }
}

const answersOf = (provider: FakeGemini): readonly number[] =>
  provider.calls().flatMap(({ target, status }) => (target.includes(":stream") ? [status] : []));

/** What the client keeps nothing of is in the history all the same: each attempt, and each prompt once. */
async function checkExchanges(ctx: FlowContext, provider: FakeGemini): Promise<void> {
  const exchanges = await ctx.sql(
    `SELECT status_code::INT AS status, outcome FROM ai_gateway_exchanges WHERE request_class = 'main' ORDER BY started_at`,
  );
  assert.deepEqual(
    exchanges.map(({ status }) => status),
    answersOf(provider),
  );
  const broken = exchanges.filter(({ outcome }) => outcome !== "complete").map(({ outcome }) => outcome);
  assert.deepEqual(broken, ["upstream_aborted", "client_aborted"]);
  const rows = await ctx.sql(
    `SELECT content_text AS text FROM ai_gateway_messages WHERE role = 'user' AND content_text LIKE 'SAY:%' ORDER BY 1`,
  );
  const asked = [...STEPS.map(({ prompt }) => prompt), "SAY:slow 20000"];
  assert.deepEqual(
    rows.map(({ text }) => text),
    asked.sort(),
  );
}
