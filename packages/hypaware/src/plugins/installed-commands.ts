import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { HomePaths } from "../contract/home.ts";
import type { PluginCommandModule } from "../contract/plugin.ts";
import { MANIFEST_FILE, parseManifest } from "../kernel/manifest.ts";
import { commandsOf } from "./commands.ts";
import { importFromInstalled } from "./installed.ts";
import { type LockEntry, readPluginLock } from "./plugin-lock.ts";
import { sha256 } from "./plugin-files.ts";

export interface InstalledCommand {
  readonly name: string;
  readonly plugin: string;
  /** The module, after all of the plugin's files were checked. Throws HypErrors. */
  load(): Promise<PluginCommandModule>;
}

/** Commands of these installed plugins, by name; of two with one name the first plugin's. What is damaged has none. Never rejects. */
export async function installedCommands(
  paths: HomePaths,
  enabled: readonly string[],
): Promise<readonly InstalledCommand[]> {
  const lock = await readPluginLock(paths).catch(() => undefined);
  const entries = Object.values(lock?.plugins ?? {}).filter(({ name }) => enabled.includes(name));
  const all = await Promise.all(entries.map((entry) => ofPlugin(entry).catch(() => [])));
  const byName = new Map<string, InstalledCommand>();
  for (const command of all.flat()) if (!byName.has(command.name)) byName.set(command.name, command);
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function ofPlugin(entry: LockEntry): Promise<readonly InstalledCommand[]> {
  const path = join(entry.install_dir, MANIFEST_FILE);
  const text = await readFile(path);
  if (sha256(text) !== entry.manifest_hash) return [];
  const manifest = await parseManifest(JSON.parse(text.toString("utf8")), path);
  return Object.entries(commandsOf(manifest)).map(([name, file]) => ({
    name,
    plugin: entry.name,
    load: async () => (await importFromInstalled(entry, file)) as PluginCommandModule,
  }));
}
