import type { HomePaths } from "../contract/home.ts";
import type { Observer } from "../kernel/telemetry.ts";
import { clearLeftovers } from "./install.ts";
import { type LockEntry, type PluginLock, changePluginLock, lockEntry } from "./plugin-lock.ts";

/** Out of the lock first, then the files. Throws `plugin_not_installed` and what the lock throws. */
export function removePlugin(
  name: string,
  paths: HomePaths,
  { log, telemetry }: Observer,
): Promise<LockEntry> {
  return telemetry.span("plugin.remove", { hyp_plugin: name }, async () => {
    let removed: LockEntry | undefined;
    const without = (lock: PluginLock): PluginLock => {
      const { [name]: _, ...others } = lock.plugins;
      removed = lockEntry(lock, name);
      return { ...lock, plugins: others };
    };
    await changePluginLock(paths, without, (lock) => clearLeftovers(paths, lock));
    log.info("plugin.removed", { hyp_plugin: name, hyp_plugin_version: removed!.version, status: "ok" });
    return removed!;
  });
}
