import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { postMessage } from "@hypaware/testkit";
import { writeFirstSession } from "./lib/claude-transcripts.ts";
import type { FlowContext } from "./lib/flow.ts";
import { homeTree } from "./lib/home-tree.ts";

export const title =
  "hyp init without questions: shows, writes, imports, and ends with a first query; then one on own traffic";

const CONFIG = {
  version: 2,
  plugins: [
    { name: "@hypaware/ai-gateway", config: { listen: "127.0.0.1:18521" } },
    { name: "@hypaware/claude" },
    { name: "@hypaware/raw" },
  ],
};

export default async function walkthroughToFirstQuery(ctx: FlowContext): Promise<void> {
  writeFirstSession(String(ctx.env["HOME"]));
  // Telemetry was asked for by the flow and is no part of the walk.
  const env = { HYP_DEV_TELEMETRY: "" };
  const before = homeTree(ctx.folder);
  const dry = await ctx.hyp(["init", "--yes", "--dry-run", "--no-daemon"], { env });
  assert.equal(dry.code, 0, dry.stderr);
  assert.ok(dry.stdout.includes('{ "name": "@hypaware/claude" }'), dry.stdout);
  assert.ok(dry.stdout.includes(ctx.configPath));
  const nobody = await ctx.hyp(["init"], { env });
  assert.equal(nobody.code, 2, "nobody to ask and nothing chosen is wrong usage");
  assert.match(nobody.stderr, /all, claude, codex/);
  assert.deepEqual(homeTree(ctx.folder), before, "nothing was written below the home");

  const init = await ctx.hyp(["init", "--yes", "--no-daemon"]);
  assert.equal(init.code, 0, init.stdout + init.stderr);
  assert.deepEqual(JSON.parse(readFileSync(ctx.configPath, "utf8")), CONFIG);
  assert.equal(statSync(ctx.configPath).mode & 0o777, 0o600);
  assert.match(init.stdout, /claude: 1 file, 2 messages read, 2 new/);
  assert.match(
    init.stdout,
    /provider +conversations +messages +last\n-.*\nanthropic +1 +2 +2026-11-22T11:08:15/,
  );
  assert.match(init.stdout, /To go on:\n {2}hyp up .*\n {2}hyp attach claude\n/);
  assert.ok(
    !existsSync(join(String(ctx.env["HOME"]), ".claude", "settings.json")),
    "no gateway, no settings",
  );
  assert.equal((await ctx.hyp(["config", "validate"])).code, 0);

  await secondTime(ctx);
  await ownTraffic(ctx);
}

/** The same again is no change; another config is replaced only by force, and the first one is kept. */
async function secondTime(ctx: FlowContext): Promise<void> {
  const again = await ctx.hyp(["init", "--yes", "--no-daemon"]);
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /stays as it is/);
  const other = ["init", "codex", "--yes", "--no-daemon", "--no-import"];
  const refused = await ctx.hyp(other);
  assert.deepEqual([refused.code, refused.stdout], [1, ""]);
  assert.match(refused.stderr, /is there already; nothing was changed\.\n.*--force/);
  assert.deepEqual(JSON.parse(readFileSync(ctx.configPath, "utf8")), CONFIG);
  const forced = await ctx.hyp([...other, "--force"]);
  assert.equal(forced.code, 0, forced.stderr);
  const backups = readdirSync(ctx.home).filter((name) => name.includes(".bak-"));
  assert.equal(backups.length, 1);
  assert.deepEqual(JSON.parse(readFileSync(join(ctx.home, String(backups[0])), "utf8")), CONFIG);
  const back = await ctx.hyp(["init", "--from-file", join(ctx.home, String(backups[0])), "--force"]);
  assert.equal(back.code, 0, back.stderr);
  assert.deepEqual(JSON.parse(readFileSync(ctx.configPath, "utf8")), CONFIG);
}

async function ownTraffic(ctx: FlowContext): Promise<void> {
  const provider = await ctx.fakeProvider();
  const upstreams = JSON.stringify([{ name: "anthropic", base_url: provider.url }]);
  for (const [key, value] of [
    ["listen", '"127.0.0.1:0"'],
    ["upstreams", upstreams],
  ] as const) {
    const set = await ctx.hyp(["config", "set", "@hypaware/ai-gateway", key, value]);
    assert.equal(set.code, 0, set.stderr);
  }
  const daemon = await ctx.startDaemon();
  const answer = await postMessage(daemon.url, "SAY:text first light", { sessionId: "first" });
  assert.equal(answer.failure, undefined);
  const rows = await ctx.sql(
    "SELECT role, content_text FROM ai_gateway_messages WHERE conversation_id = 'first' ORDER BY message_index",
  );
  assert.deepEqual(rows, [
    { role: "user", content_text: "SAY:text first light" },
    { role: "assistant", content_text: "first light" },
  ]);
  await daemon.stop();
}
