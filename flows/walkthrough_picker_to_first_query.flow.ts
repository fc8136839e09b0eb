import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeFirstSession } from "./lib/claude-transcripts.ts";
import type { FlowContext } from "./lib/flow.ts";
import { homeTree } from "./lib/home-tree.ts";
import { KEYS, type Pty, hasPty, startPty } from "./lib/pty.ts";

export const title =
  "hyp at a terminal asks, goes back, cancels without a trace, takes what is shown at the end of input, and ends with a first query";
export const timeoutMs = 120_000;

const BIN = join(dirname(fileURLToPath(import.meta.url)), "..", "node_modules", ".bin");
const FIRST = /What shall be recorded\?/;
const SETTINGS = /Whose own settings/;
const DAEMON = /Run the gateway in the background/;
const IMPORT = /Read what claude wrote down/;
const REVIEW = /Is that right\?/;

export default async function walkthroughPicker(ctx: FlowContext): Promise<void> {
  if (!hasPty()) ctx.skip("there is no `script` here that makes a terminal");
  writeFirstSession(String(ctx.env["HOME"]));
  const before = homeTree(ctx.folder);
  const hyp = (args = "", columns = 100): Pty => {
    const env = { ...ctx.env, HYP_DEV_TELEMETRY: "", PATH: `${BIN}:${ctx.env["PATH"]}` };
    return startPty(`hyp ${args}`, env, { columns });
  };
  const isUntouched = (): void => assert.deepEqual(homeTree(ctx.folder), before, "nothing was written");

  const cancelled = hyp();
  await cancelled.type(FIRST, KEYS.ctrlC);
  await cancelled.type(/Cancel\?/, KEYS.ctrlC);
  assert.equal(await cancelled.exited, 1, cancelled.shown());
  assert.match(cancelled.shown(), /Cancelled\. Nothing was written\./);
  isUntouched();

  const ended = hyp("init --dry-run", 60);
  for (const question of [FIRST, SETTINGS, DAEMON, IMPORT]) await ended.type(question, KEYS.ctrlD);
  assert.equal(await ended.exited, 0, ended.shown());
  assert.match(ended.shown(), /claude \(end of input: taken as shown\)/);
  assert.match(ended.shown(), /Dry run: nothing is written\./);
  isUntouched();

  const walked = hyp();
  await walked.type(FIRST, KEYS.enter);
  assert.match(walked.shown(), /◼ claude \(found on this machine\)/);
  await walked.type(SETTINGS, KEYS.escape);
  await walked.type(/Back to the question before/, KEYS.enter);
  await walked.type(FIRST, KEYS.enter);
  await walked.type(SETTINGS, KEYS.enter);
  await walked.type(DAEMON, "n");
  await walked.type(IMPORT, KEYS.enter);
  await walked.type(REVIEW, `${KEYS.down}${KEYS.enter}`);
  await walked.type(IMPORT, KEYS.enter);
  await walked.type(REVIEW, "");
  assert.match(walked.shown(), /\{ "name": "@hypaware\/claude" \}/, "the config is shown");
  isUntouched();
  await walked.type(/Do it/, KEYS.enter);
  assert.equal(await walked.exited, 0, walked.shown());
  assert.match(walked.shown(), /claude: 1 file, 2 messages read, 2 new/);
  assert.match(walked.shown(), /anthropic +1 +2 +2026-11-22T11:08:15/);
  const { plugins } = JSON.parse(readFileSync(ctx.configPath, "utf8")) as { readonly plugins: unknown };
  assert.deepEqual(plugins, [
    { name: "@hypaware/ai-gateway", config: { listen: "127.0.0.1:18521" } },
    { name: "@hypaware/claude" },
    { name: "@hypaware/raw" },
  ]);

  const second = hyp();
  assert.equal(await second.exited, 0);
  assert.match(second.shown(), /Usage: hyp/, "who is set up gets the help");

  const mine = JSON.stringify({ version: 2, plugins });
  writeFileSync(ctx.configPath, mine);
  const kept = hyp("init --no-daemon --no-import");
  for (const question of [FIRST, SETTINGS, DAEMON, IMPORT]) await kept.type(question, KEYS.enter);
  await kept.type(/Keep the config that is there/, KEYS.enter);
  assert.equal(await kept.exited, 0, kept.shown());
  assert.equal(
    readFileSync(ctx.configPath, "utf8"),
    mine,
    "a config of one's own is kept unless one says otherwise",
  );
}
