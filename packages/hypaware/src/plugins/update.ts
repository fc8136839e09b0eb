import { latestVersion } from "./npm.ts";
import { type InstallWorld, type Installed, installPlugin } from "./install.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import { LIMITS } from "../contract/limits.ts";
import { lockEntry, readPluginLock } from "./plugin-lock.ts";
import { type Source, npmSpec } from "./source.ts";

/** Installs a plugin once more from where it came from: what is newest there, or the same where its files were damaged. */
export function updatePlugin(name: string, world: InstallWorld): Promise<Installed> {
  const { paths, env, observer } = world;
  return observer.telemetry.span("plugin.update", { hyp_plugin: name }, async (span) => {
    const { source } = lockEntry(await readPluginLock(paths), name);
    let newest: Source = { locked: source };
    if (source.kind === "npm") {
      ensurePrivateFolder(paths.tmp);
      const { name: pack } = npmSpec(source);
      const version = await latestVersion(pack, paths.tmp, env, LIMITS.pluginFetchMs);
      newest = { locked: { kind: "npm", raw: `npm:${pack}@${version}` } };
    }
    const installed = await installPlugin(newest, world, { expected: name });
    span.set({ outcome: installed.outcome });
    return installed;
  });
}
