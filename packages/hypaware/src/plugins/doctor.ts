import type { HomePaths } from "../contract/home.ts";
import type { Kernel } from "../kernel/boot.ts";
import { type Config, enabledPlugins } from "../kernel/config.ts";
import type { Manifest } from "../kernel/manifest.ts";
import type { HypError } from "../contract/errors.ts";
import { damageOf } from "./installed.ts";
import { type PluginLock, readPluginLock } from "./plugin-lock.ts";

/** Something about a plugin that a person has to mend. */
export interface PluginProblem {
  readonly plugin: string;
  readonly kind: string;
  readonly message: string;
  /** Commands that mend it, the best first. */
  readonly repair: readonly string[];
}

export interface DoctorInput {
  readonly paths: HomePaths;
  readonly config: Config;
  readonly shipped: readonly Manifest[];
  /** Booted with the installed plugins. */
  readonly kernel: Pick<Kernel, "unsatisfied" | "failed">;
}

/** What keeps plugins from running, and what will once they are enabled. */
export async function pluginProblems({
  paths,
  config,
  shipped,
  kernel,
}: DoctorInput): Promise<readonly PluginProblem[]> {
  let lock: PluginLock;
  const found: PluginProblem[] = [];
  try {
    lock = await readPluginLock(paths);
  } catch (error) {
    const { message, next } = error as HypError;
    lock = { schema_version: 1, plugins: {} };
    const repair = [`mv '${paths.pluginLock}' '${paths.pluginLock}.unreadable'`];
    found.push({ plugin: "", kind: "plugin_lock_unreadable", message: `${message} ${next}`, repair });
  }
  const isInstalled = (name: string): boolean => Object.hasOwn(lock.plugins, name);
  for (const { plugin, errorKind, detail } of [...kernel.unsatisfied, ...kernel.failed])
    // One cause is told once.
    if (errorKind !== "plugin_lock_unreadable")
      found.push({
        plugin,
        kind: errorKind,
        message: detail,
        repair: repairOf(plugin, errorKind, isInstalled(plugin)),
      });
  const names = shipped.map(({ name }) => name);
  const booted = new Set(enabledPlugins(config, shipped));
  for (const entry of Object.values(lock.plugins)) {
    if (booted.has(entry.name) || names.includes(entry.name)) continue;
    const why = await damageOf(entry);
    if (why !== undefined)
      found.push({
        plugin: entry.name,
        kind: "plugin_changed",
        message: `Its files in ${entry.install_dir} are not those that were installed (${why}).`,
        repair: repairOf(entry.name, "plugin_changed", true),
      });
  }
  return found;
}

function repairOf(plugin: string, kind: string, isInstalled: boolean): readonly string[] {
  const remove = `hyp plugin remove ${plugin}`;
  if (kind === "installed_shadows_bundled") return [remove];
  if (kind === "plugin_changed") return [`hyp plugin update ${plugin}`, remove];
  // What the config names and nobody has is the config's; else it rests until there is a better one.
  if (!isInstalled && kind === "plugin_missing") return [`hyp config remove ${plugin}`];
  const rest = `hyp config disable ${plugin}`;
  return isInstalled ? [`hyp plugin update ${plugin}`, rest] : [rest];
}
