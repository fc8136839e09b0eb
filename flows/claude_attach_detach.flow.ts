import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withAdapters } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";

export const title =
  "Claude Code's settings: mark, base URL and hooks stand beside what was there, and detach takes back just them";

const SETTINGS =
  '{ "model":"opus",\n\n\t"env": {"OWN":"1"},\n  "hooks": {"PostToolUse": [{"matcher": "Edit", "hooks": [{"type":"command","command":"mine"}]}]}}';

interface Settings {
  readonly model: string;
  readonly env: Readonly<Record<string, string>>;
  readonly hooks: Readonly<
    Record<string, readonly { matcher?: string; hooks: readonly { command: string }[] }[]>
  >;
  readonly _hypaware: Readonly<Record<string, unknown>>;
}

export default async function claudeAttachDetach(ctx: FlowContext): Promise<void> {
  const folder = join(String(ctx.env["HOME"]), ".claude");
  const path = join(folder, "settings.json");
  mkdirSync(folder);
  writeFileSync(path, SETTINGS);
  ctx.writeConfig(withAdapters(await ctx.fakeProvider()));
  const daemon = await ctx.startDaemon();

  const attached = await ctx.hyp(["attach", "claude"]);
  assert.equal(attached.code, 0, attached.stderr);
  assert.match(
    attached.stdout,
    /^✓ Claude Code attached \(.*settings\.json\)\n {2}ANTHROPIC_BASE_URL = http:\/\/127\.0\.0\.1:\d+\n/,
  );
  const { model, env, hooks, _hypaware: mark } = JSON.parse(readFileSync(path, "utf8")) as Settings;
  const port = Number(new URL(daemon.url).port);
  assert.equal(model, "opus");
  assert.deepEqual(env, {
    ANTHROPIC_BASE_URL: `http://127.0.0.1:${port}`,
    ENABLE_TOOL_SEARCH: "true",
    CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1",
    OWN: "1",
  });
  const stateFile = join(ctx.state, "plugins", "@hypaware", "claude", "session-context.jsonl");
  assert.deepEqual([mark["version"], mark["port"], mark["state_file"]], ["2.0.0", port, stateFile]);
  assert.deepEqual(Object.keys(hooks).sort(), [
    "CwdChanged",
    "PostToolUse",
    "SessionStart",
    "UserPromptSubmit",
  ]);
  const ours = Object.values(hooks).flatMap((groups) =>
    groups.filter((group) => group.hooks[0]?.command !== "mine"),
  );
  assert.deepEqual(
    ours.flatMap(({ matcher }) => matcher ?? []),
    ["Bash"],
  );
  for (const group of ours)
    assert.match(
      String(group.hooks[0]?.command),
      /hyp\.js claude-hook session-context --state-file \S+session-context\.jsonl'?$/,
    );
  // A hook as the client would run it.
  const event = JSON.stringify({ session_id: "s", cwd: ctx.folder, hook_event_name: "SessionStart" });
  const command = String(ours[0]?.hooks[0]?.command);
  const hooked = await ctx.run("sh", ["-c", `printf '%s' '${event}' | ${command}`]);
  assert.equal(hooked.code, 0, hooked.stderr);

  const detached = await ctx.hyp(["detach", "claude"]);
  assert.equal(detached.code, 0, detached.stderr);
  assert.match(
    detached.stdout,
    /^✓ Claude Code reverted .*\n {2}Removed ANTHROPIC_BASE_URL=http:\/\/127\.0\.0\.1:\d+\n$/,
  );
  assert.equal(readFileSync(path, "utf8"), SETTINGS, "byte for byte");
  assert.match((await ctx.hyp(["detach"])).stdout, /^No HypAware marker found in .*; nothing to do\.\n$/);

  const telemetry = ctx.telemetry();
  const [span] = telemetry.spans("client.attach");
  assert.deepEqual(pick(span?.attributes), [
    "@hypaware/claude",
    "client.attach",
    "claude",
    "claude",
    false,
    false,
  ]);
  assert.equal(span?.status, "ok");
  const restored = telemetry.spans("client.detach").map(({ attributes }) => attributes["restored"]);
  assert.deepEqual(restored.map(String).sort(), ["false", "true"]);
  const [written] = telemetry.logs("client.attach.write");
  assert.deepEqual(
    [written?.attributes["settings_path"], written?.attributes["port"], written?.attributes["changed"]],
    [path, port, true],
  );
  assert.equal((await daemon.stop()).code, 0);
}

const pick = (attributes: Readonly<Record<string, unknown>> = {}): readonly unknown[] =>
  ["hyp_plugin", "hyp_operation", "client_name", "hyp_client", "dry_run", "restored"].map(
    (name) => attributes[name],
  );
