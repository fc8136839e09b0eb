import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fixtureScenarios } from "../truth/fixture-scenarios.ts";
import { Replay } from "../truth/replay.ts";
import type { Scenario } from "../truth/scenario.ts";
import { createContext } from "./lib/context.ts";
import type { FlowContext } from "./lib/flow.ts";

export const title =
  "import after capture, capture after import, import twice and import alone: the same rows for what both tell";
export const timeoutMs = 120_000;

const RUNS = ["claude/subagent", "codex/subagent", "gemini/resume"];

/** Everything that does not say when and where it was carried. */
const ROWS = `SELECT conversation_id, message_id, part_id, previous_message_id, message_index, role, part_type, content_text, provider_uuid,
    parent_uuid, prompt_id, tool_name, tool_call_id, tool_args, tool_result_for, is_sidechain, cwd, git_branch, client_version,
    json_extract(attributes, '$.usage') AS usage
  FROM ai_gateway_messages ORDER BY conversation_id, message_index, message_id, part_index`;

export default async function importThenCapture(ctx: FlowContext): Promise<void> {
  const scenarios = fixtureScenarios().filter(({ client, name }) => RUNS.includes(`${client}/${name}`));
  assert.equal(scenarios.length, RUNS.length);
  const before = await rowsOf("captured-first", async (home, replay) => {
    await replay(scenarios);
    // What is sealed when its record comes changes, too.
    assert.equal((await home.hyp(["store", "compact"])).code, 0);
    const stdout = await imported(home, scenarios);
    assert.doesNotMatch(stdout, / 0 new/);
    assert.match(await imported(home, scenarios), /claude: \d+ files, 0 messages read, 0 new/);
  });
  const after = await rowsOf("imported-first", async (home, replay) => {
    const dry = await home.hyp(["import", "all", "--dry-run"], { env: homeOf(home, scenarios) });
    const stdout = await imported(home, scenarios);
    const counts = (text: string): readonly string[] =>
      [...text.matchAll(/(\d+) (?:would be )?new/g)].map(([, count]) => count ?? "");
    assert.deepEqual(counts(dry.stdout), counts(stdout), "a dry run says what an import finds");
    await replay(scenarios);
  });
  assert.deepEqual(after, before);
  assert.ok(before.length > 60, `${before.length} rows`);
  ctx.note(`${before.length} rows of ${scenarios.length} runs`);
}

/** In an installation of its own, whose recorder follows no client's record. */
async function rowsOf(
  name: string,
  work: (home: FlowContext, replay: (scenarios: readonly Scenario[]) => Promise<void>) => Promise<void>,
): Promise<readonly unknown[]> {
  const owned = createContext(name);
  const replay = await Replay.start();
  try {
    const { ctx } = owned;
    const upstreams = ["anthropic", "openai", "gemini"].map((upstream) => ({
      name: upstream,
      base_url: replay.url,
    }));
    ctx.writeConfig({
      version: 2,
      plugins: [
        { name: "@hypaware/ai-gateway", config: { listen: "127.0.0.1:0", upstreams } },
        { name: "@hypaware/claude", config: { transcripts: false } },
        { name: "@hypaware/codex", config: { rollouts: false } },
        { name: "@hypaware/gemini", config: { chats: false } },
      ],
    });
    const daemon = await ctx.startDaemon();
    await work(ctx, async (scenarios) => {
      for (const { calls } of scenarios) await replay.run(calls, daemon.url);
      await ctx.sql("SELECT count(*) FROM ai_gateway_messages");
    });
    for (const client of ["claude", "codex", "gemini"]) {
      const verified = await ctx.hyp(["verify", client]);
      assert.equal(verified.code, 0, verified.stdout);
    }
    const rows = await ctx.sql(ROWS);
    await daemon.stop();
    return rows;
  } finally {
    await replay.close();
    await owned.dispose(false);
  }
}

async function imported(ctx: FlowContext, scenarios: readonly Scenario[]): Promise<string> {
  const { code, stdout, stderr } = await ctx.hyp(["import"], { env: homeOf(ctx, scenarios) });
  assert.equal(code, 0, stderr);
  return stdout;
}

/** The person's home with what the clients wrote down. */
function homeOf(ctx: FlowContext, scenarios: readonly Scenario[]): Readonly<Record<string, string>> {
  const home = String(ctx.env["HOME"]);
  for (const { path, text } of scenarios.flatMap(({ files }) => files)) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text);
  }
  return { HOME: home };
}
