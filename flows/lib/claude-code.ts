import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** The real client, found by HYP_TEST_CLAUDE (a binary) or HYP_TEST_CLIENTS (a folder of installed clients). */
export interface ClaudeCode {
  readonly binary: string;
  readonly version: string;
}

/** Newest installed one; undefined when there is none. */
export function findClaudeCode(env: NodeJS.ProcessEnv = process.env): ClaudeCode | undefined {
  return findAllClaudeCode(env).at(-1);
}

/** Every installed one, oldest first. */
export function findAllClaudeCode(env: NodeJS.ProcessEnv = process.env): readonly ClaudeCode[] {
  const binary = env["HYP_TEST_CLAUDE"];
  if (binary !== undefined && binary !== "") return [{ binary, version: "as given" }];
  const folder = env["HYP_TEST_CLIENTS"];
  if (folder === undefined || !existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => join(folder, name, "node_modules", "@anthropic-ai"))
    .map((scope) => join(scope, `claude-code-${process.platform}-${process.arch}`))
    .filter((root) => existsSync(join(root, "claude")))
    .map((root) => ({ binary: join(root, "claude"), version: versionOf(join(root, "package.json")) }))
    .sort((a, b) => a.version.localeCompare(b.version, undefined, { numeric: true }));
}

function versionOf(manifest: string): string {
  return (JSON.parse(readFileSync(manifest, "utf8")) as { readonly version: string }).version;
}

/** A person's home with the client on its PATH, settings of its own and a project to stand in. */
export interface ClaudeHome {
  readonly home: string;
  readonly project: string;
  readonly settingsPath: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The seed has odd spacing: whoever rewrites it, even with the same values, is found out. */
export const SETTINGS = '{ "env":{"FROM_SETTINGS" : "1"},\n\n  "cleanupPeriodDays":30}\n';

/** `home`: of a person who has one already. */
export function makeClaudeHome(
  folder: string,
  client: ClaudeCode,
  path: string,
  home = join(folder, "home"),
): ClaudeHome {
  const project = join(folder, "project");
  const bin = join(folder, "bin");
  for (const made of [home, project, bin, join(home, ".claude"), join(folder, "tmp")]) {
    mkdirSync(made, { recursive: true });
  }
  symlinkSync(client.binary, join(bin, "claude"));
  const settingsPath = join(home, ".claude", "settings.json");
  writeFileSync(settingsPath, SETTINGS);
  return {
    home,
    project,
    settingsPath,
    env: {
      PATH: `${bin}:${path}`,
      HOME: home,
      TMPDIR: join(folder, "tmp"),
      ANTHROPIC_API_KEY: "sk-ant-test-key-for-the-fake-0000",
      // Without these the client waits for servers that a test must not reach.
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      DISABLE_TELEMETRY: "1",
      DISABLE_AUTOUPDATER: "1",
      DISABLE_ERROR_REPORTING: "1",
    },
  };
}

/** The client's arguments for one headless prompt. */
export function promptArgs(prompt: string, tools: readonly string[]): readonly string[] {
  const allowed = tools.length === 0 ? [] : ["--allowedTools", ...tools];
  return ["-p", prompt, "--output-format", "json", ...allowed];
}

export interface ClaudeResult {
  readonly session_id: string;
  readonly result: string;
  readonly is_error: boolean;
  readonly subtype: string;
  readonly num_turns: number;
  readonly stop_reason: string;
  readonly terminal_reason: string;
  /** Model → tokens of the whole session. */
  readonly modelUsage: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** What must be equal with and without us; ids and times are the client's own in each run. */
export function comparable(result: ClaudeResult): object {
  const { is_error, subtype, num_turns, stop_reason, terminal_reason, modelUsage } = result;
  return { result: result.result, is_error, subtype, num_turns, stop_reason, terminal_reason, modelUsage };
}
