import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ClientLaunch } from "../../contract/plugin.ts";
import { claudeLaunch } from "./client.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hyp-launch-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const endpoint = "http://127.0.0.1:18521/k/claude-0";
const ELSEWHERE = "https://proxy.example/anthropic";

function launch({
  env = {},
  args = [],
}: {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
} = {}): ClientLaunch {
  const own = { HOME: join(folder, "home"), ...env };
  return claudeLaunch(own, join(folder, "project"))({ endpoint, args });
}

/** Writes a settings file that names an address. */
function settle(file: string, address: string): void {
  const path = join(folder, file);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, JSON.stringify({ env: { ANTHROPIC_BASE_URL: address }, model: "opus" }));
}

const ours = { ANTHROPIC_BASE_URL: endpoint };

test("it is started with the gateway's address and with what its features need", () => {
  expect(launch({ args: ["-p", "hi"] })).toEqual({
    command: "claude",
    args: ["-p", "hi"],
    env: {
      ANTHROPIC_BASE_URL: endpoint,
      ENABLE_TOOL_SEARCH: "true",
      CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1",
    },
  });
});

test("what the person set stays, but for the address", () => {
  const env = {
    ANTHROPIC_BASE_URL: "http://127.0.0.1:1",
    ENABLE_TOOL_SEARCH: "",
    CLAUDE_CODE_GATEWAY_HINT_HEADERS: "0",
    HYP_CLAUDE_BIN: "/opt/claude-next",
  };
  expect(launch({ env })).toEqual({
    command: "/opt/claude-next",
    args: [],
    env: { ANTHROPIC_BASE_URL: endpoint },
  });
});

test("where a settings file names an address, ours is given on the command line, and that one is told", () => {
  settle("home/.claude/settings.json", ELSEWHERE);
  expect(launch({ args: ["-p", "hi"] })).toMatchObject({
    args: ["--settings", JSON.stringify({ env: ours }), "-p", "hi"],
    replaces: ELSEWHERE,
  });
  settle("project/.claude/settings.json", `${ELSEWHERE}/project`);
  expect(launch().replaces).toBe(`${ELSEWHERE}/project`);
  settle("project/.claude/settings.local.json", `${ELSEWHERE}/local`);
  expect(launch().replaces).toBe(`${ELSEWHERE}/local`);
  settle("other/settings.json", `${ELSEWHERE}/other`);
  rmSync(join(folder, "project"), { recursive: true });
  expect(launch({ env: { CLAUDE_CONFIG_DIR: join(folder, "other") } }).replaces).toBe(`${ELSEWHERE}/other`);
});

test("a file that names us, or none, changes nothing", () => {
  settle("home/.claude/settings.json", endpoint);
  expect(launch({ args: ["x"] }).args).toEqual(["x"]);
  writeFileSync(join(folder, "home/.claude/settings.json"), "{ not JSON");
  expect(launch({ args: ["x"] })).not.toHaveProperty("replaces");
});

test("settings that the person gives on the command line stay, but for the address", () => {
  const own = { env: { A: "1", ANTHROPIC_BASE_URL: ELSEWHERE }, model: "opus" };
  const merged = JSON.stringify({ env: { A: "1", ...ours }, model: "opus" });
  for (const args of [
    ["-c", "--settings", JSON.stringify(own), "hi"],
    ["-c", `--settings=${JSON.stringify(own)}`, "hi"],
  ])
    expect(launch({ args })).toMatchObject({
      args: ["-c", "--settings", merged, "hi"],
      replaces: ELSEWHERE,
    });
  settle("given.json", ELSEWHERE);
  expect(launch({ args: ["--settings", join(folder, "given.json")] }).args).toEqual([
    "--settings",
    JSON.stringify({ env: ours, model: "opus" }),
  ]);
  expect(launch({ args: ["-p", "--", "--settings", JSON.stringify(own)] })).not.toHaveProperty("replaces");
});
