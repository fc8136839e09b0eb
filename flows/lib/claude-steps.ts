import assert from "node:assert/strict";
import { join } from "node:path";
import type { Coding, FakeProvider } from "@hypaware/testkit";
import {
  type ClaudeCode,
  type ClaudeHome,
  type ClaudeResult,
  makeClaudeHome,
  promptArgs,
} from "./claude-code.ts";
import { withAdapters } from "./configs.ts";
import type { FlowContext } from "./flow.ts";
import { freePort } from "./free-port.ts";
import { interrupted } from "./interrupted.ts";
import { type Verified, verified } from "./verified.ts";

/** One prompt through us, in a session that goes on from step to step. */
export interface ClaudeStep {
  readonly prompt: string;
  /** Of what session the client goes on from; the first one begins one. */
  readonly goesOn?: "same" | "fork";
  /** How often the provider must be asked, at least. */
  readonly calls?: number;
  /** Counts of `hyp verify` that must not be fewer: what was to happen did happen. */
  readonly natures?: readonly string[];
  readonly isInterrupted?: true;
  /** The client gives up, and says so. */
  readonly fails?: true;
  /** Of what the provider answers. */
  readonly encoding?: Coding;
}

/** A session that was begun is interrupted, taken up, left by forks and compacted. */
export const LONG_SESSION: readonly ClaudeStep[] = [
  { prompt: "SAY:slow 20000", goesOn: "same", isInterrupted: true },
  { prompt: "SAY:text after the interruption", goesOn: "same" },
  { prompt: "SAY:text in a fork", goesOn: "fork", natures: ["copied"] },
  { prompt: "/compact", goesOn: "same", natures: ["side_call"] },
  { prompt: "SAY:parallel echo after", goesOn: "same", calls: 2 },
  { prompt: "SAY:text in a fork of the summary", goesOn: "fork", natures: ["copied"] },
  { prompt: "SAY:text at last", goesOn: "same" },
];

const TOOLS = ["Bash(echo:*)"];

/** Takes each step and looks at the rows after it. Throws where they are not what the client noted; what they are after the last one. */
export async function takeSteps(
  ctx: FlowContext,
  provider: FakeProvider,
  person: ClaudeHome,
  steps: readonly ClaudeStep[],
): Promise<Verified & { readonly session: string }> {
  let session: string | undefined;
  let last = await verified(ctx, "nothing");
  for (const step of steps) {
    provider.setEncoding(step.encoding ?? "identity");
    const asked = (): number => provider.requests().length;
    const before = asked();
    const name = [step.prompt, ...(step.encoding === undefined ? [] : [step.encoding])].join(" in ");
    const goesOn = step.goesOn === undefined ? [] : ["--resume", session ?? assert.fail("no session")];
    const fork = step.goesOn === "fork" ? ["--fork-session"] : [];
    const args = ["claude", "--", ...promptArgs(step.prompt, TOOLS), ...goesOn, ...fork];
    if (step.isInterrupted === true) await interrupted(ctx, person, args, { asked, afterMs: 1_000 });
    else {
      const { session_id } = await ran(ctx, person, args, step.fails === true);
      session ??= session_id;
    }
    const calls = asked() - before;
    assert.ok(calls >= (step.calls ?? 1), `${name}: ${calls} calls`);
    const now = await verified(ctx, name);
    for (const nature of step.natures ?? [])
      assert.ok((now.natures.get(nature) ?? 0) > (last.natures.get(nature) ?? 0), `${name}: ${nature}`);
    last = now;
  }
  return { ...last, session: session ?? assert.fail("no session") };
}

/** The same steps with each of these versions in turn, through one daemon. `look`: at what was found after the last step. */
export async function takeStepsWith(
  ctx: FlowContext,
  clients: readonly ClaudeCode[],
  { seed, steps }: { readonly seed: string; readonly steps: readonly ClaudeStep[] },
  look: (found: Verified) => void,
): Promise<void> {
  const provider = await ctx.fakeProvider({ seed });
  ctx.writeConfig(withAdapters(provider, `127.0.0.1:${await freePort()}`));
  const daemon = await ctx.startDaemon();
  for (const client of clients) {
    provider.reset();
    const folder = join(ctx.folder, client.version);
    const person = makeClaudeHome(folder, client, String(ctx.env["PATH"]), String(ctx.env["HOME"]));
    const found = await takeSteps(ctx, provider, person, steps);
    look(found);
    const calls = provider.requests().length;
    ctx.note(`client ${client.version}: ${calls} calls, ${found.messages} messages so far, no difference`);
  }
  assert.equal((await daemon.stop()).code, 0);
}

async function ran(
  ctx: FlowContext,
  { env, project }: ClaudeHome,
  args: readonly string[],
  fails: boolean,
): Promise<ClaudeResult> {
  const { code, stdout, stderr } = await ctx.hyp(["run", ...args], { env, cwd: project, timeoutMs: 60_000 });
  assert.equal(code === 0, !fails, `${args.join(" ")}: ${stderr}${stdout}`);
  const result = JSON.parse(stdout) as ClaudeResult;
  assert.equal(result.is_error, fails, stdout);
  return result;
}
