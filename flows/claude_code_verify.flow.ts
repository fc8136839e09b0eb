import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { unansweredDigests } from "../truth/oracle/record.ts";
import { findClaudeCode, makeClaudeHome, promptArgs } from "./lib/claude-code.ts";
import type { ClaudeHome } from "./lib/claude-code.ts";
import { type ClaudeStep, LONG_SESSION, takeSteps } from "./lib/claude-steps.ts";
import { withAdapters } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { freePort } from "./lib/free-port.ts";
import { verified } from "./lib/verified.ts";

export const title =
  "the real Claude Code resumes, forks, compacts, is refused, cut, interrupted and without a gateway: hyp verify finds no difference after any of it";
export const timeoutMs = 180_000;

const STEPS: readonly ClaudeStep[] = [
  { prompt: "SAY:bash echo one", calls: 2 },
  { prompt: "SAY:status 529 2", goesOn: "same", calls: 3, natures: ["no_answer"] },
  { prompt: "SAY:status 400 1", goesOn: "same", calls: 2, natures: ["no_answer"] },
  { prompt: "SAY:cut 1", goesOn: "same", calls: 2, natures: ["no_answer"] },
  { prompt: "SAY:sseerror 1", goesOn: "same", calls: 2, natures: ["no_answer"] },
  ...LONG_SESSION,
];

export default async function claudeCodeVerify(ctx: FlowContext): Promise<void> {
  const client = findClaudeCode();
  if (client === undefined)
    ctx.skip("no Claude Code: set HYP_TEST_CLAUDE to its binary, or HYP_TEST_CLIENTS");
  const provider = await ctx.fakeProvider({ seed: "verify" });
  ctx.writeConfig(withAdapters(provider, `127.0.0.1:${await freePort()}`));
  const daemon = await ctx.startDaemon();
  const person = makeClaudeHome(ctx.folder, client, String(ctx.env["PATH"]), String(ctx.env["HOME"]));

  const last = await takeSteps(ctx, provider, person, STEPS);
  assert.equal(last.sessions, 3);
  await forksNameTheirOrigin(ctx, last.session);
  const [aborted] = await ctx.sql(
    "SELECT count(*)::INT AS calls FROM ai_gateway_exchanges WHERE outcome = 'client_aborted' AND status_code = 200",
  );
  assert.equal(aborted?.["calls"], 1, "calls that the client broke off");
  assert.equal(last.natures.get("not_carried") ?? 0, 0, "what no exchange carried");
  const unanswered = unansweredOf(person.home);
  assert.ok(unanswered.length >= 3, `${unanswered.length} attempts without an answer`);
  await eachIsStored(ctx, unanswered);
  assert.equal((await daemon.stop()).code, 0);
  const refused = await beginsWithoutGateway(ctx, person, daemon.url);
  ctx.note(
    `client ${client.version}: ${STEPS.length} steps, ${provider.requests().length} calls, ${last.messages} messages, ${unanswered.length} attempts without an answer each found by its digest, then ${refused} refused ones; no difference`,
  );
}

/** Each message of a fork's own, and none of the session that both forks left. */
async function forksNameTheirOrigin(ctx: FlowContext, origin: string): Promise<void> {
  const rows = await ctx.sql(
    `SELECT DISTINCT conversation_id, json_extract_string(attributes, '$.gateway.forked_from') AS forked_from
       FROM ai_gateway_messages WHERE provider_uuid IS NOT NULL`,
  );
  assert.equal(rows.length, 3, JSON.stringify(rows));
  for (const { conversation_id, forked_from } of rows)
    assert.equal(forked_from, conversation_id === origin ? null : origin);
}

/** What the client noted before it sent it and never answered, from its own files. */
function unansweredOf(home: string): readonly string[] {
  const projects = join(home, ".claude", "projects");
  const files = readdirSync(projects, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".jsonl"))
    .map((file) => ({
      path: join(".claude", "projects", file),
      text: readFileSync(join(projects, file), "utf8"),
    }));
  return unansweredDigests(files);
}

/** Several attempts may have one digest: then there are as many exchanges of it. */
async function eachIsStored(ctx: FlowContext, digests: readonly string[]): Promise<void> {
  const rows = await ctx.sql(
    "SELECT json_extract_string(attributes, '$.gateway.request_digest') AS digest FROM ai_gateway_exchanges",
  );
  const left = rows.map(({ digest }) => digest);
  for (const digest of digests) {
    const at = left.indexOf(digest);
    assert.notEqual(at, -1, `no exchange is the attempt with the digest ${digest}`);
    left.splice(at, 1);
  }
}

/** The client asks where nobody listens, until somebody does: the attempts that reached nobody are none that we lost. */
async function beginsWithoutGateway(ctx: FlowContext, person: ClaudeHome, url: string): Promise<number> {
  const running = ctx.run("claude", promptArgs("SAY:text back again", []), {
    env: { ...person.env, ANTHROPIC_BASE_URL: url },
    cwd: person.project,
    timeoutMs: 60_000,
  });
  await sleep(2_000);
  const daemon = await ctx.startDaemon();
  const { code, stdout, stderr } = await running;
  assert.equal(code, 0, `${stdout}${stderr}`);
  const { natures } = await verified(ctx, "a start without a gateway");
  const refused = natures.get("not_carried") ?? 0;
  assert.ok(refused > 0, "attempts that were refused");
  assert.equal((await daemon.stop()).code, 0);
  return refused;
}
