import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { openApp } from "../app.ts";
import type { ClientRegistration } from "../contract/plugin.ts";
import { undoRecords } from "../settings/undo-record.ts";

/** What became of one client. */
export interface ClientDetached {
  readonly client: string;
  readonly status: "detached" | "not_attached" | "failed";
  /** Of its settings. */
  readonly path?: string;
  readonly warning?: string;
  /** Why it failed, and what to do. */
  readonly error?: string;
}

/** In words, for the person. */
export function detachedText({ status, path, warning, error }: ClientDetached): string {
  if (status === "failed") return error ?? "its settings could not be given back";
  if (status === "not_attached") return "was not attached";
  const where = path === undefined ? "" : `: ${path}`;
  return `settings given back${where}${warning === undefined ? "" : ` (${warning})`}`;
}

/** Detaches every client that ships, whatever the config says and whether a daemon runs. Never rejects for one of them. */
export async function detachAll(
  env: NodeJS.ProcessEnv,
  options: { readonly dryRun?: boolean } = {},
): Promise<readonly ClientDetached[]> {
  const app = await openApp({ env, mode: "cli", ignoreConfig: true });
  try {
    const results: ClientDetached[] = [];
    for (const client of app.registry.clients())
      results.push(await detachOne(client, options.dryRun === true));
    return [...results, ...attachedElsewhere(app.paths.state, results)];
  } finally {
    await app.close();
  }
}

/** Settings that were attached while the environment named another place for them: which client reads them, only that one says. */
function attachedElsewhere(state: string, done: readonly ClientDetached[]): readonly ClientDetached[] {
  const paths = new Set(done.map(({ path }) => path));
  return undoRecords(state)
    .list()
    .filter(({ file }) => !paths.has(file) && isMarked(file))
    .map(({ client, file }) => ({
      client,
      status: "failed",
      path: file,
      error: `${file} is attached, too, and the environment names another place for its settings now. Set it as it was then (its folder is ${dirname(file)}), and run: hyp detach ${client}`,
    }));
}

function isMarked(file: string): boolean {
  try {
    return readFileSync(file, "utf8").includes("hypaware");
  } catch {
    // Gone, and with it what we wrote.
    return false;
  }
}

async function detachOne(client: ClientRegistration, dryRun: boolean): Promise<ClientDetached> {
  const { name } = client;
  let printed = "";
  const stdout = { write: (text: string) => (printed += text) };
  try {
    const code = await client.detach({ config: {}, stdout, stderr: stdout, json: true, dryRun });
    const told = JSON.parse(printed) as Readonly<Record<string, string | boolean | undefined>>;
    const path = told["settings_path"] ?? told["config_path"];
    const known = { client: name, ...(typeof path === "string" && { path }) };
    if (code !== 0) return { ...known, status: "failed", error: [told["error"], told["next"]].join(" ") };
    const { warning } = told;
    const status = told["changed"] === true ? "detached" : "not_attached";
    return { ...known, status, ...(typeof warning === "string" && { warning }) };
  } catch (error) {
    return { client: name, status: "failed", error: error instanceof Error ? error.message : String(error) };
  }
}
