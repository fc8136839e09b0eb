// The installed plugins as boot sees them. What is wrong with one is its own failure at activation, and hinders nothing else.

import { readFile, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { HypError } from "../contract/errors.ts";
import type { HomePaths } from "../contract/home.ts";
import { LIMITS } from "../contract/limits.ts";
import type { PluginModule } from "../contract/plugin.ts";
import { MANIFEST_FILE, type PluginSource, pluginFromFolder } from "../kernel/manifest.ts";
import type { Observer } from "../kernel/telemetry.ts";
import { within } from "../kernel/within.ts";
import { contentHash, pluginFiles, sha256 } from "./plugin-files.ts";
import { type LockEntry, type PluginLock, readPluginLock } from "./plugin-lock.ts";

/** Whether the files are those that were installed, and nothing beside them. */
export const isIntact = async (entry: LockEntry): Promise<boolean> => (await damageOf(entry)) === undefined;

/** Why the files are not those that were installed; `undefined` when they are. */
export async function damageOf({ install_dir, content_hash }: LockEntry): Promise<string | undefined> {
  try {
    const found = await contentHash(install_dir, await pluginFiles(install_dir));
    return found === content_hash ? undefined : `their hash is ${found}, and ${content_hash} was installed`;
  } catch (error) {
    return (error as Error).message;
  }
}

const changed = ({ name, version, install_dir }: LockEntry, why: string): HypError =>
  new HypError(
    "plugin_changed",
    `Plugin "${name}" ${version} is not loaded: its files in ${install_dir} are not those that were installed (${why}). Install it again: hyp plugin update ${name}`,
    { next: `Run: hyp plugin update ${name}` },
  );

/** Throws HypError `plugin_changed`. */
async function requireIntact(entry: LockEntry): Promise<void> {
  const why = await damageOf(entry);
  if (why !== undefined) throw changed(entry, why);
}

export interface BootPlugins {
  /** Names that the config lists, and that do not ship. */
  readonly wanted: readonly string[];
  /** Names of those that ship: an installed one of such a name is told, and never read. */
  readonly shipped: readonly string[];
}

/** Of all installed plugins those that matter for this config. Runs no code of theirs. Never rejects. */
export async function installedPlugins(
  paths: HomePaths,
  { wanted, shipped }: BootPlugins,
  observer: Observer,
): Promise<readonly PluginSource[]> {
  let lock: PluginLock;
  try {
    lock = await readPluginLock(paths);
  } catch (error) {
    observer.log.error("plugin.lock_unreadable", { message: (error as Error).message });
    return wanted.map((name) => broken({ name, version: "0.0.0", install_dir: paths.pluginCode }, error));
  }
  const entries = Object.values(lock.plugins);
  const shadowing = entries.filter(({ name }) => shipped.includes(name));
  const sources = entries
    .filter(({ name }) => wanted.includes(name) && !shipped.includes(name))
    .map((entry) => sourceOf(entry, observer));
  return [...shadowing.map((entry) => broken(entry, undefined)), ...(await Promise.all(sources))];
}

async function sourceOf(entry: LockEntry, observer: Observer): Promise<PluginSource> {
  const { name, version, install_dir } = entry;
  try {
    const text = await readFile(join(install_dir, MANIFEST_FILE)).catch((error: Error) => {
      throw changed(entry, error.message);
    });
    if (sha256(text) !== entry.manifest_hash) throw changed(entry, `${MANIFEST_FILE} differs`);
    const source = await pluginFromFolder(install_dir, observer);
    return { ...source, load: once(() => load(entry, source)) };
  } catch (error) {
    const fields = { hyp_plugin: name, hyp_plugin_version: version, message: (error as Error).message };
    observer.log.error("plugin.installed_manifest_invalid", fields);
    return broken(entry, error);
  }
}

async function load(entry: LockEntry, source: PluginSource): Promise<PluginModule> {
  await requireIntact(entry);
  const hung = (): HypError =>
    new HypError(
      "activate_hung",
      `Plugin "${entry.name}" ${entry.version} could not be loaded within ${LIMITS.pluginActivateMs} ms.`,
    );
  return within(LIMITS.pluginActivateMs, source.load(), hung);
}

/** What took long or failed once does so once. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= work());
}

/** In the place of a plugin of which nothing can be believed but its name: it fails when it is to be loaded. */
function broken(
  { name, version, install_dir }: Pick<LockEntry, "name" | "version" | "install_dir">,
  reason: unknown,
): PluginSource {
  return {
    manifest: { schema_version: 1, name, version, hypaware_api: "*", runtime: "node", entrypoint: "" },
    rootDir: install_dir,
    load: () => Promise.reject(reason),
  };
}

/** A module of an installed plugin beside its entry point, after everything of it was checked. */
export async function importFromInstalled(entry: LockEntry, file: string): Promise<unknown> {
  await requireIntact(entry);
  const root = await realpath(entry.install_dir);
  const path = await realpath(join(root, file)).catch(() => "");
  if (!path.startsWith(root + sep))
    throw new HypError("manifest_invalid", `Plugin "${entry.name}" has no module ${file}.`);
  return import(pathToFileURL(path).href);
}
