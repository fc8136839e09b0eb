import assert from "node:assert/strict";
import { findClaudeCode, makeClaudeHome, promptArgs } from "./lib/claude-code.ts";
import type { ClaudeHome, ClaudeResult } from "./lib/claude-code.ts";
import { withAdapters } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { interrupted } from "./lib/interrupted.ts";
import { type Verified, verified } from "./lib/verified.ts";

export const title =
  "the real Claude Code resumes, forks, compacts, is refused, cut and interrupted: hyp verify finds no difference after any of it";
export const timeoutMs = 180_000;

const TOOLS = ["Bash(echo:*)"];

interface Step {
  readonly prompt: string;
  /** Of what session the client goes on from; the first one begins one. */
  readonly goesOn?: "same" | "fork";
  /** How often the provider must be asked, at least. */
  readonly calls?: number;
  /** Counts of `hyp verify` that must not be fewer: what was to happen did happen. */
  readonly natures?: readonly string[];
  readonly isInterrupted?: true;
}

const STEPS: readonly Step[] = [
  { prompt: "SAY:bash echo one", calls: 2 },
  { prompt: "SAY:status 529 2", goesOn: "same", calls: 3, natures: ["no_answer"] },
  { prompt: "SAY:cut 1", goesOn: "same", calls: 2, natures: ["no_answer"] },
  { prompt: "SAY:sseerror 1", goesOn: "same", calls: 2, natures: ["no_answer"] },
  { prompt: "SAY:slow 20000", goesOn: "same", isInterrupted: true },
  { prompt: "SAY:text after the interruption", goesOn: "same" },
  { prompt: "SAY:text in a fork", goesOn: "fork", natures: ["copied"] },
  { prompt: "/compact", goesOn: "same", natures: ["side_call"] },
  { prompt: "SAY:parallel echo after", goesOn: "same", calls: 2 },
  { prompt: "SAY:text in a fork of the summary", goesOn: "fork", natures: ["copied"] },
  { prompt: "SAY:text at last", goesOn: "same" },
];

export default async function claudeCodeVerify(ctx: FlowContext): Promise<void> {
  const client = findClaudeCode();
  if (client === undefined)
    ctx.skip("no Claude Code: set HYP_TEST_CLAUDE to its binary, or HYP_TEST_CLIENTS");
  const provider = await ctx.fakeProvider({ seed: "verify" });
  ctx.writeConfig(withAdapters(provider));
  const daemon = await ctx.startDaemon();
  const person = makeClaudeHome(ctx.folder, client, String(ctx.env["PATH"]), String(ctx.env["HOME"]));

  let session: string | undefined;
  let last: Verified = { sessions: 0, messages: 0, natures: new Map() };
  for (const step of STEPS) {
    const before = provider.requests().length;
    const goesOn = step.goesOn === undefined ? [] : ["--resume", session ?? assert.fail("no session")];
    const args = [
      ...promptArgs(step.prompt, TOOLS),
      ...goesOn,
      ...(step.goesOn === "fork" ? ["--fork-session"] : []),
    ];
    if (step.isInterrupted === true) {
      const asked = (): number => provider.requests().length;
      await interrupted(ctx, person, ["claude", "--", ...args], { asked, afterMs: 1_000 });
    } else {
      const { session_id } = await ran(ctx, person, args);
      session ??= session_id;
    }
    const calls = provider.requests().length - before;
    assert.ok(calls >= (step.calls ?? 1), `${step.prompt}: ${calls} calls`);
    const now = await verified(ctx, step.prompt);
    for (const nature of step.natures ?? [])
      assert.ok(
        (now.natures.get(nature) ?? 0) > (last.natures.get(nature) ?? 0),
        `${step.prompt}: ${nature}`,
      );
    last = now;
  }
  assert.equal(last.sessions, 3);
  const [aborted] = await ctx.sql(
    "SELECT count(*)::INT AS calls FROM ai_gateway_exchanges WHERE outcome = 'client_aborted' AND status_code = 200",
  );
  assert.equal(aborted?.["calls"], 1, "calls that the client broke off");
  assert.equal((await daemon.stop()).code, 0);
  ctx.note(
    `client ${client.version}: ${STEPS.length} steps, ${provider.requests().length} calls, ${last.messages} messages, no difference`,
  );
}

async function ran(
  ctx: FlowContext,
  { env, project }: ClaudeHome,
  args: readonly string[],
): Promise<ClaudeResult> {
  const { code, stdout, stderr } = await ctx.hyp(["run", "claude", "--", ...args], {
    env,
    cwd: project,
    timeoutMs: 60_000,
  });
  assert.equal(code, 0, `${args.join(" ")}: ${stderr}${stdout}`);
  return JSON.parse(stdout) as ClaudeResult;
}
