import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { BUNDLED_ADAPTERS } from "../adapters/bundled.ts";
import type { PluginCommandModule } from "../contract/plugin.ts";
import { resolveHome } from "../kernel/home.ts";
import { MANIFEST_FILE, type Manifest } from "../kernel/manifest.ts";
import { commandsOf } from "../plugins/commands.ts";
import type { CliContext } from "./context.ts";

const ADAPTERS = join(import.meta.dirname, "..", "adapters");

/**
 * Runs the command when a plugin that ships contributes it; resolves with its exit code. Nothing else is loaded: such a command may
 * stand in a client's way, a few times a minute. `undefined`: no plugin has a command of this name.
 */
export async function runContributed(
  [name, ...args]: readonly string[],
  { env, stdout, stderr }: CliContext,
): Promise<number | undefined> {
  if (name === undefined || name.startsWith("-")) return undefined;
  for (const folder of BUNDLED_ADAPTERS.map((adapter) => join(ADAPTERS, adapter))) {
    const manifest = JSON.parse(readFileSync(join(folder, MANIFEST_FILE), "utf8")) as Manifest;
    const file = commandsOf(manifest)[name];
    if (file === undefined) continue;
    const command = (await import(pathToFileURL(join(folder, file)).href)) as PluginCommandModule;
    const stateDir = join(resolveHome(env).paths.plugins, manifest.name);
    return command.run({ args, env, stateDir, stdin: process.stdin, stdout, stderr });
  }
  return undefined;
}
