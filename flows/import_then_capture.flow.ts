import assert from "node:assert/strict";
import { fixtureScenarios } from "../truth/fixture-scenarios.ts";
import { Replay } from "../truth/replay.ts";
import type { RecordFile, Scenario } from "../truth/scenario.ts";
import { writeRecord } from "../truth/write-record.ts";
import { createContext } from "./lib/context.ts";
import type { FlowContext } from "./lib/flow.ts";

export const title =
  "import after capture, capture after import, import twice, and import beside a recorder that follows the same growing files: the same rows for what both tell";
export const timeoutMs = 180_000;

const RUNS = ["claude/subagent", "codex/subagent", "gemini/resume", "opencode/subagent"];
/** What the person's config says where the recorder is not to follow a record. */
const UNFOLLOWED = {
  claude: { transcripts: false },
  codex: { rollouts: false },
  gemini: { chats: false },
  opencode: { database: false },
} as const;

/** Everything that does not say when and where it was carried. */
const ROWS = `SELECT conversation_id, message_id, part_id, previous_message_id, message_index, role, part_type, content_text, provider_uuid,
    parent_uuid, prompt_id, tool_name, tool_call_id, tool_args, tool_result_for, is_sidechain, cwd, git_branch, client_version,
    json_extract(attributes, '$.usage') AS usage
  FROM ai_gateway_messages ORDER BY conversation_id, message_index, message_id, part_index`;

export default async function importThenCapture(ctx: FlowContext): Promise<void> {
  const scenarios = fixtureScenarios().filter(({ client, name }) => RUNS.includes(`${client}/${name}`));
  assert.equal(scenarios.length, RUNS.length);
  const files = scenarios.flatMap((scenario) => scenario.files);
  const before = await rowsOf("captured-first", UNFOLLOWED, async (home, replay) => {
    await replay(scenarios);
    await writeRecord(files, homeOf(home));
    // What is sealed when its record comes changes, too.
    assert.equal((await home.hyp(["store", "compact"])).code, 0);
    const stdout = await imported(home);
    assert.doesNotMatch(stdout, / 0 new/);
    assert.match(await imported(home), /claude: \d+ files, 0 messages read, 0 new/);
  });
  const after = await rowsOf("imported-first", UNFOLLOWED, async (home, replay) => {
    await writeRecord(files, homeOf(home));
    const dry = await home.hyp(["import", "all", "--dry-run"]);
    const stdout = await imported(home);
    const counts = (text: string): readonly string[] =>
      [...text.matchAll(/(\d+) (?:would be )?new/g)].map(([, count]) => count ?? "");
    assert.deepEqual(counts(dry.stdout), counts(stdout), "a dry run says what an import finds");
    await replay(scenarios);
  });
  assert.deepEqual(after, before);
  const followed = await rowsOf("followed", {}, async (home, replay) => {
    // Up to the middle of a line; the rest comes while an import reads what the recorder is reading.
    await writeRecord(files.map(firstHalf), homeOf(home));
    const importing = imported(home);
    await replay(scenarios);
    await writeRecord(files.map(secondHalf), homeOf(home));
    await importing;
    await imported(home);
  });
  assert.deepEqual(followed, before, "followed and imported");
  assert.ok(before.length > 60, `${before.length} rows`);
  ctx.note(`${before.length} rows of ${scenarios.length} runs`);
}

const firstHalf = ({ path, text }: RecordFile): RecordFile => ({ path, text: halves({ path, text })[0] });
const secondHalf = ({ path, text }: RecordFile): RecordFile => ({ path, text: halves({ path, text })[1] });

/** A database is there at once. */
function halves({ path, text }: RecordFile): readonly [string, string] {
  if (path.endsWith(".db")) return [text, ""];
  const half = Math.ceil(text.length / 2);
  return [text.slice(0, half), text.slice(half)];
}

/** In an installation of its own. `config`: of each adapter. */
async function rowsOf(
  name: string,
  config: Readonly<Record<string, object>>,
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
        ...Object.keys(UNFOLLOWED).map((client) => ({
          name: `@hypaware/${client}`,
          config: config[client] ?? {},
        })),
      ],
    });
    const daemon = await ctx.startDaemon();
    await work(ctx, async (scenarios) => {
      for (const { calls } of scenarios) await replay.run(calls, daemon.url);
      await ctx.sql("SELECT count(*) FROM ai_gateway_messages");
    });
    for (const client of Object.keys(UNFOLLOWED)) {
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

async function imported(ctx: FlowContext): Promise<string> {
  const { code, stdout, stderr } = await ctx.hyp(["import"]);
  assert.equal(code, 0, stderr);
  return stdout;
}

const homeOf = (ctx: FlowContext): string => String(ctx.env["HOME"]);
