import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** The newest opencode below HYP_TEST_CLIENTS (a folder of installed clients); undefined when there is none. */
export function findOpencode(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const folder = env["HYP_TEST_CLIENTS"];
  if (folder === undefined || !existsSync(folder)) return undefined;
  return readdirSync(folder)
    .filter((name) => name.startsWith("opencode"))
    .sort((a, b) => a.localeCompare(b, undefined, { numeric: true }))
    .map((name) => join(folder, name, "node_modules", `opencode-${process.platform}-${process.arch}`))
    .map((root) => join(root, "bin", "opencode"))
    .findLast((binary) => existsSync(binary));
}

/** A person's home with the client on its PATH, settings of its own and a project to stand in. */
export interface OpencodeHome {
  readonly project: string;
  readonly settingsPath: string;
  readonly settings: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Of Anthropic's. */
export const MODEL = "claude-sonnet-4-6";

/** `url`: of a provider, for a client that is not started through us. */
export function makeOpencodeHome(
  home: string,
  folder: string,
  binary: string,
  path: string,
  url?: string,
): OpencodeHome {
  const project = join(folder, "project");
  const bin = join(folder, "bin");
  const settingsFolder = join(home, ".config", "opencode");
  for (const made of [project, bin, settingsFolder, join(folder, "tmp")])
    mkdirSync(made, { recursive: true });
  symlinkSync(binary, join(bin, "opencode"));
  const settingsPath = join(settingsFolder, "opencode.json");
  const options = { apiKey: "sk-ant-test-key-for-the-fake-0000", ...(url && { baseURL: `${url}/v1` }) };
  const models = { [MODEL]: { name: "Sonnet", limit: { context: 200_000, output: 8_000 }, tool_call: true } };
  // Odd spacing: whoever rewrites it, even with the same values, is found out.
  // The client itself adds a `$schema` where there is none.
  const settings = `{ "$schema":"https://opencode.ai/config.json", "autoupdate" :false,"share":"disabled", "permission":{"bash":"allow"},\n\n "provider":${JSON.stringify({ anthropic: { options, models } })}}\n`;
  writeFileSync(settingsPath, settings);
  return {
    project,
    settingsPath,
    settings,
    env: {
      PATH: `${bin}:${path}`,
      HOME: home,
      TMPDIR: join(folder, "tmp"),
      // Without these the client waits for servers that a test must not reach.
      OPENCODE_DISABLE_AUTOUPDATE: "1",
      OPENCODE_DISABLE_MODELS_FETCH: "1",
      OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
      OPENCODE_DISABLE_DEFAULT_PLUGINS: "1",
    },
  };
}

/** The client's arguments for one headless prompt, which it puts into quotes: the directive stands on a line of its own. */
export function promptArgs(prompt: string, model = `anthropic/${MODEL}`): readonly string[] {
  return ["run", "--format", "json", "-m", model, `Please.\n${prompt}\n`];
}

interface OutputLine {
  readonly type: string;
  readonly sessionID: string;
  readonly part?: {
    readonly type: string;
    readonly text?: string;
    readonly reason?: string;
    readonly tokens?: Readonly<Record<string, unknown>>;
    readonly tool?: string;
    readonly state?: { readonly status: string; readonly output?: string; readonly input?: unknown };
  };
}

export function sessionOf(stdout: string): string {
  return String(linesOf(stdout)[0]?.sessionID);
}

function linesOf(stdout: string): readonly OutputLine[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as OutputLine);
}

/** What must be equal with and without us; ids and times are the client's own in each run. */
export function comparable(stdout: string): readonly object[] {
  return linesOf(stdout).map(({ type, part }) => ({
    type,
    text: part?.text,
    reason: part?.reason,
    tool: part?.tool,
    status: part?.state?.status,
    input: part?.state?.input,
  }));
}
