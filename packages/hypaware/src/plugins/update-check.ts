import { HypError } from "../contract/errors.ts";
import type { HomePaths } from "../contract/home.ts";
import { LIMITS } from "../contract/limits.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import { pluginFromFolder } from "../kernel/manifest.ts";
import type { Observer } from "../kernel/telemetry.ts";
import { newestCommit, probeTimeout } from "./git.ts";
import { latestVersion } from "./npm.ts";
import { NOT_INSTALLED, contentHash, pluginFiles } from "./plugin-files.ts";
import { type LockEntry, type UpdateCheck, changePluginLock, readPluginLock } from "./plugin-lock.ts";
import { npmSpec } from "./source.ts";

export interface UpdateWorld {
  readonly paths: HomePaths;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly observer: Observer;
  readonly now: () => Date;
}

/** Asks each plugin's source whether it has something newer: once a day, or with `force` now. Returns the lock's entries after that. */
export async function checkForUpdates(
  world: UpdateWorld,
  { force = false }: { readonly force?: boolean } = {},
): Promise<readonly LockEntry[]> {
  const { paths, observer, now } = world;
  const entries = Object.values((await readPluginLock(paths)).plugins);
  const due = entries.filter((entry) => force || isDue(entry, now()));
  const checks = new Map(
    await Promise.all(due.map(async (entry) => [entry, await check(entry, world)] as const)),
  );
  if (due.length > 0)
    await changePluginLock(paths, (lock) => {
      const plugins = { ...lock.plugins };
      for (const [entry, update] of checks) {
        const current = lock.plugins[entry.name];
        // Installed anew while its source was asked: the answer is about another one.
        if (current?.installed_at === entry.installed_at) plugins[entry.name] = { ...current, update };
      }
      return { ...lock, plugins };
    });
  const after = Object.values((await readPluginLock(paths)).plugins);
  const available = after.filter(({ update }) => update?.available === true).length;
  observer.telemetry.gauge("hyp_plugin_updates_available", available);
  return after;
}

/** An install is as good as a check. */
function isDue({ update, installed_at }: LockEntry, now: Date): boolean {
  const last = Math.max(Date.parse(update?.checked_at ?? ""), 0) || Date.parse(installed_at);
  return Math.abs(now.getTime() - last) > LIMITS.pluginCheckAgeMs;
}

function check(entry: LockEntry, { paths, env, observer, now }: UpdateWorld): Promise<UpdateCheck> {
  const checked_at = now().toISOString();
  return observer.telemetry.span("plugin.update_check", { hyp_plugin: entry.name }, async (span) => {
    try {
      ensurePrivateFolder(paths.tmp);
      const found = await newest(entry, paths.tmp, env);
      span.set({ available: found.available });
      return { checked_at, ...found };
    } catch (error) {
      span.set({
        status: "failed",
        error_kind: error instanceof HypError ? error.code : "unhandled_exception",
      });
      return { checked_at, available: false, error: (error as Error).message };
    }
  });
}

async function newest(
  { source, content_hash, resolved_ref, version }: LockEntry,
  cwd: string,
  env: UpdateWorld["env"],
): Promise<Omit<UpdateCheck, "checked_at">> {
  if (source.kind === "git") {
    const commit = await newestCommit(source, cwd, env);
    return commit === undefined || commit === resolved_ref
      ? { available: false }
      : { available: true, latest_ref: commit };
  }
  if (source.kind === "npm") {
    const latest = await latestVersion(npmSpec(source).name, cwd, env, probeTimeout(env));
    return latest === version ? { available: false } : { available: true, latest_version: latest };
  }
  // Packed in a file that a person named once: nothing newer can be known.
  if (source.kind === "tarball") return { available: false };
  const { path = "" } = source;
  const { manifest } = await pluginFromFolder(path);
  const hash = await contentHash(path, await pluginFiles(path, NOT_INSTALLED));
  return hash === content_hash ? { available: false } : { available: true, latest_version: manifest.version };
}
