import assert from "node:assert/strict";
import { join } from "node:path";
import { startFakeOpenAi } from "@hypaware/testkit";
import { customProvider, execArgs, findCodex, makeCodexHome } from "./lib/codex.ts";
import { withAdapters } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { interrupted } from "./lib/interrupted.ts";
import { verified } from "./lib/verified.ts";

export const title =
  "the real Codex is refused, cut and interrupted: hyp verify finds no difference after any of it";
export const timeoutMs = 120_000;

/** `fails`: the client does not try again. */
const STEPS: readonly { readonly prompt: string; readonly calls: number; readonly fails?: true }[] = [
  { prompt: "SAY:status 400 1", calls: 1, fails: true },
  { prompt: "SAY:status 401 1", calls: 2 },
  { prompt: "SAY:status 429 1", calls: 2 },
  { prompt: "SAY:status 500 1", calls: 2 },
  { prompt: "SAY:status 529 1", calls: 2 },
  { prompt: "SAY:cut 1", calls: 2 },
];

export default async function codexErrors(ctx: FlowContext): Promise<void> {
  const client = findCodex();
  if (client === undefined) ctx.skip("no Codex: set HYP_TEST_CODEX to its binary, or HYP_TEST_CLIENTS");
  const provider = await startFakeOpenAi({ seed: "errors" });
  try {
    const upstreams = ["openai", "chatgpt"].map((name) => ({ name, base_url: provider.url }));
    ctx.writeConfig(withAdapters(await ctx.fakeProvider(), "127.0.0.1:0", { upstreams }));
    const daemon = await ctx.startDaemon();
    const path = String(ctx.env["PATH"]);
    const person = makeCodexHome(join(ctx.folder, "person"), client, path, String(ctx.env["HOME"]));
    const argsOf = (prompt: string): readonly string[] => [
      ...execArgs(prompt),
      ...customProvider(daemon.url),
    ];
    for (const [index, { prompt, calls, fails = false }] of STEPS.entries()) {
      const before = provider.calls().length;
      const { code, stdout, stderr } = await ctx.run("codex", argsOf(prompt), {
        env: person.env,
        cwd: person.project,
        timeoutMs: 60_000,
      });
      assert.equal(code === 0, !fails, `${prompt}: ${stderr}${stdout}`);
      assert.equal(provider.calls().length - before, calls, `${prompt}: calls`);
      const { sessions, natures } = await verified(ctx, prompt);
      assert.equal(sessions, index + 1, `${prompt}: sessions`);
      assert.ok((natures.get("no_answer") ?? 0) > index, `${prompt}: no_answer`);
    }
    const asked = (): number => provider.calls().length;
    const args = ["codex", "--", ...argsOf("SAY:slow 20000")];
    await interrupted(ctx, person, args, { asked, afterMs: 1_000 });
    const { sessions, messages } = await verified(ctx, "the interruption");
    assert.equal(sessions, STEPS.length + 1);
    const [aborted] = await ctx.sql(
      "SELECT count(*)::INT AS calls FROM ai_gateway_exchanges WHERE outcome = 'client_aborted' AND status_code = 200",
    );
    assert.equal(aborted?.["calls"], 1, "calls that the client broke off");
    assert.equal((await daemon.stop()).code, 0);
    ctx.note(`client ${client.version}: ${sessions} sessions, ${messages} messages, no difference`);
  } finally {
    await provider.close();
  }
}
