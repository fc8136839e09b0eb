import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** The real client, found by HYP_TEST_GEMINI (its program) or HYP_TEST_CLIENTS (a folder of installed clients). */
export interface Gemini {
  readonly program: string;
  readonly version: string;
}

/** Newest installed one; undefined when there is none. */
export function findGemini(env: NodeJS.ProcessEnv = process.env): Gemini | undefined {
  const program = env["HYP_TEST_GEMINI"];
  if (program !== undefined && program !== "") return { program, version: "as given" };
  const folder = env["HYP_TEST_CLIENTS"];
  if (folder === undefined || !existsSync(folder)) return undefined;
  return readdirSync(folder)
    .map((name) => join(folder, name, "node_modules", "@google", "gemini-cli"))
    .filter((root) => existsSync(join(root, "package.json")))
    .map((root) => ({
      root,
      manifest: JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest,
    }))
    .map(({ root, manifest }) => ({ program: join(root, manifest.bin.gemini), version: manifest.version }))
    .sort((a, b) => a.version.localeCompare(b.version, undefined, { numeric: true }))
    .at(-1);
}

interface Manifest {
  readonly version: string;
  readonly bin: { readonly gemini: string };
}

/** A person's home with the client on its PATH, settings of its own and a project to stand in. */
export interface GeminiHome {
  readonly project: string;
  readonly env: Readonly<Record<string, string>>;
}

const SETTINGS = {
  security: { auth: { selectedType: "gemini-api-key" }, folderTrust: { enabled: false } },
  // Its cleaning takes the chat of a session that was taken up in another minute for the leftover of that start, and deletes it.
  general: { enableAutoUpdate: false, sessionRetention: { enabled: false } },
  privacy: { usageStatisticsEnabled: false },
};

/** `home`: of a person who has one already. `url`: of a provider, for a client that is not started through us. */
export function makeGeminiHome(
  folder: string,
  client: Gemini,
  path: string,
  { home = join(folder, "home"), url }: { readonly home?: string; readonly url?: string },
): GeminiHome {
  // The client tells the model where it stands: in both runs in a folder of the same name.
  const [project, bin, own] = [join(folder, "project"), join(folder, "bin"), join(home, ".gemini")];
  for (const made of [project, bin, own, join(folder, "tmp")]) mkdirSync(made, { recursive: true });
  symlinkSync(client.program, join(bin, "gemini"));
  writeFileSync(join(own, "settings.json"), JSON.stringify(SETTINGS));
  return {
    project,
    env: {
      PATH: `${bin}:${path}`,
      HOME: home,
      TMPDIR: join(folder, "tmp"),
      GEMINI_API_KEY: "AIzaTestKeyForTheFake0000000000000000",
      GEMINI_TELEMETRY_ENABLED: "false",
      ...(url && { GOOGLE_GEMINI_BASE_URL: url }),
    },
  };
}

/** The client's arguments for one headless prompt; `resumes`: it goes on with its last session. */
export function promptArgs(prompt: string, resumes: boolean): readonly string[] {
  const again = resumes ? ["--resume", "latest"] : [];
  return [...again, "-p", prompt, "--yolo", "--output-format", "json", "--skip-trust"];
}

interface Output {
  readonly session_id?: string;
  readonly response?: string;
  readonly error?: { readonly type?: string; readonly code?: unknown };
  readonly stats?: {
    readonly models: Readonly<
      Record<string, { readonly tokens: object; readonly api: { readonly totalErrors: number } }>
    >;
    readonly tools: { readonly totalCalls: number; readonly totalSuccess: number };
  };
}

/** What must be equal with and without us; ids and times are the client's own in each run. */
export function comparable(stdout: string): object {
  const { response, error, stats } = outputOf(stdout);
  return {
    response,
    error: error && { type: error.type, code: error.code },
    models: Object.entries(stats?.models ?? {}).map(([name, { tokens, api }]) => ({
      name,
      tokens,
      errors: api.totalErrors,
    })),
    calls: stats && [stats.tools.totalCalls, stats.tools.totalSuccess],
  };
}

/** An error is written to the other stream. */
export function outputOf(stdout: string): Output {
  return stdout.trim() === "" ? {} : (JSON.parse(stdout) as Output);
}
