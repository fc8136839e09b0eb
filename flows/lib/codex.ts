import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { TlsFront } from "./tls-front.ts";

/** The real client, found by HYP_TEST_CODEX (a binary) or HYP_TEST_CLIENTS (a folder of installed clients). */
export interface Codex {
  readonly binary: string;
  readonly version: string;
}

/** Newest installed one; undefined when there is none. */
export function findCodex(env: NodeJS.ProcessEnv = process.env): Codex | undefined {
  const binary = env["HYP_TEST_CODEX"];
  if (binary !== undefined && binary !== "") return { binary, version: "as given" };
  const folder = env["HYP_TEST_CLIENTS"];
  if (folder === undefined || !existsSync(folder)) return undefined;
  return readdirSync(folder)
    .map((name) => join(folder, name, "node_modules", "@openai"))
    .flatMap((scope) => installed(scope, join(scope, `codex-${process.platform}-${process.arch}`)))
    .sort((a, b) => a.version.localeCompare(b.version, undefined, { numeric: true }))
    .at(-1);
}

function installed(scope: string, platform: string): readonly Codex[] {
  const vendor = join(platform, "vendor");
  if (!existsSync(vendor)) return [];
  const { version } = JSON.parse(readFileSync(join(scope, "codex", "package.json"), "utf8")) as {
    version: string;
  };
  return readdirSync(vendor)
    .map((triple) => join(vendor, triple, "bin", "codex"))
    .filter((binary) => existsSync(binary))
    .map((binary) => ({ binary, version }));
}

/** A person's home with the client on its PATH and a project to stand in. */
export interface CodexHome {
  readonly project: string;
  /** `~/.codex` */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Otherwise the client waits at its end for servers that a test must not reach. */
const OFFLINE = "[features]\nplugins = false\n[analytics]\nenabled = false\n";
const KEY = "sk-test-key-for-the-fake-0000";

/** `home`: of a person who has one already. */
export function makeCodexHome(
  folder: string,
  client: Codex,
  path: string,
  home = join(folder, "home"),
): CodexHome {
  const [project, bin, own] = [join(folder, "project"), join(folder, "bin"), join(home, ".codex")];
  for (const made of [home, project, bin, own, join(folder, "tmp")]) mkdirSync(made, { recursive: true });
  symlinkSync(client.binary, join(bin, "codex"));
  writeFileSync(join(own, "config.toml"), OFFLINE);
  return {
    project,
    folder: own,
    env: { PATH: `${bin}:${path}`, HOME: home, TMPDIR: join(folder, "tmp"), FAKE_KEY: KEY },
  };
}

/** Settings of a provider that a person added: server-sent events, key from the environment. */
export const customProvider = (baseUrl: string): readonly string[] =>
  settings(
    'model_provider="fake"',
    `model_providers.fake={name="Fake",base_url="${baseUrl}/v1",env_key="FAKE_KEY",wire_api="responses"}`,
  );

export const settings = (...all: readonly string[]): readonly string[] => all.flatMap((each) => ["-c", each]);

/** Signed in with a key, as the built-in provider wants it. */
export function signInWithKey({ folder }: CodexHome): void {
  writeAuth(folder, { auth_mode: "apikey", OPENAI_API_KEY: KEY });
}

/** Signed in with ChatGPT. */
export function signInWithChatGpt({ folder }: CodexHome): void {
  const account = "aaaaaaaa-0000-4000-8000-000000000001";
  const expires = Math.floor(Date.now() / 1_000) + 86_400;
  const claims = {
    chatgpt_account_id: account,
    chatgpt_plan_type: "plus",
    chatgpt_user_id: "user",
    user_id: "user",
  };
  const token = (more: object): string =>
    [{ alg: "none", typ: "JWT" }, { exp: expires, "https://api.openai.com/auth": claims, ...more }, {}]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
  writeAuth(folder, {
    auth_mode: "chatgpt",
    OPENAI_API_KEY: null,
    tokens: {
      id_token: token({ email: "user@example.com" }),
      access_token: token({}),
      refresh_token: "refresh",
      account_id: account,
    },
    last_refresh: new Date().toISOString(),
  });
}

/** The person's vendor is at this HTTPS address: there a signed-in Codex asks about the account before it calls a model. */
export function withVendor(home: CodexHome, { port, caFile }: Pick<TlsFront, "port" | "caFile">): CodexHome {
  const config = join(home.folder, "config.toml");
  const vendor = `chatgpt_base_url = "https://localhost:${port}/backend-api/"\n`;
  writeFileSync(config, vendor + readFileSync(config, "utf8"));
  return { ...home, env: { ...home.env, CODEX_CA_CERTIFICATE: caFile } };
}

function writeAuth(folder: string, auth: object): void {
  writeFileSync(join(folder, "auth.json"), JSON.stringify(auth), { mode: 0o600 });
}

/** The client's arguments for one headless prompt. */
export const execArgs = (prompt: string): readonly string[] => [
  "exec",
  "--json",
  "--skip-git-repo-check",
  "-s",
  "danger-full-access",
  prompt,
];

/** As above, in a thread that there is: `--last`, or an id. */
export const againArgs = (how: "resume" | "fork", thread: string, prompt: string): readonly string[] => [
  "exec",
  how,
  thread,
  "--json",
  "--skip-git-repo-check",
  prompt,
];

/** What the client printed, but for ids, times and what follows from the order in which a helper and its caller were answered. */
export function comparableOutput(stdout: string): readonly object[] {
  return eventsOf(stdout).map(({ type, item }) => {
    const { type: kind, text, command, aggregated_output, exit_code, status, tool } = (item ?? {}) as Item;
    const words = kind === "reasoning" ? undefined : text;
    return { type, kind, words, command, aggregated_output, exit_code, status, tool };
  });
}

type Item = Readonly<Record<string, unknown>>;

export function threadOf(stdout: string): string {
  const started = eventsOf(stdout).find((event) => event["type"] === "thread.started");
  return String(started?.["thread_id"]);
}

function eventsOf(stdout: string): readonly Readonly<Record<string, unknown>>[] {
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
