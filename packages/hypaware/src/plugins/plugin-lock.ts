// `<state>/plugin-lock.json`: which plugins are installed, from where, in which folder, with which hash. It is the one point of
// decision: a folder counts from the moment that the lock names it, and an install or removal that is killed leaves the lock of before
// or the one of after.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HypError } from "../contract/errors.ts";
import type { HomePaths } from "../contract/home.ts";
import { LIMITS } from "../contract/limits.ts";
import { writeFileAtomic } from "../disk/atomic.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import { tryLock } from "../disk/lock.ts";
import { didYouMean } from "../kernel/suggest.ts";

/** Where a plugin came from, without anything secret. */
export interface LockedSource {
  readonly kind: "local-dir" | "git" | "tarball" | "npm";
  /** As it was typed. */
  readonly raw: string;
  readonly gitUrl?: string;
  readonly ref?: string;
  /** Of a folder or a packed file absolute; of git the folder inside the repository. */
  readonly path?: string;
}

export interface UpdateCheck {
  /** ISO 8601. */
  readonly checked_at: string;
  readonly available: boolean;
  readonly latest_ref?: string;
  readonly latest_version?: string;
  readonly error?: string;
}

export interface LockEntry {
  readonly name: string;
  readonly version: string;
  readonly source: LockedSource;
  /** Absolute. */
  readonly install_dir: string;
  readonly content_hash: string;
  readonly manifest_hash: string;
  readonly installed_at: string;
  /** The commit of git, the version of npm. */
  readonly resolved_ref?: string;
  readonly update?: UpdateCheck;
}

export interface PluginLock {
  readonly schema_version: 1;
  readonly plugins: Readonly<Record<string, LockEntry>>;
}

const EMPTY: PluginLock = { schema_version: 1, plugins: {} };

/** Empty when there is none. Throws HypError `plugin_lock_unreadable` for one that is not understood, whole. */
export async function readPluginLock({
  pluginLock: path,
}: Pick<HomePaths, "pluginLock">): Promise<PluginLock> {
  const unreadable = (why: string): HypError =>
    new HypError("plugin_lock_unreadable", `${path} cannot be used: ${why}`, {
      next: `Mend it, or move it away and install the plugins again: mv '${path}' '${path}.unreadable'`,
    });
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return EMPTY;
    throw unreadable(message);
  }
  if (text.length > LIMITS.pluginLockBytes) throw unreadable(`it has ${text.length} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadable((error as Error).message);
  }
  const { lockProblems } = await import("./plugin-lock-schema.ts");
  const found = lockProblems(value);
  if (found.length > 0) throw unreadable(found.slice(0, 5).join("; "));
  return value as PluginLock;
}

/**
 * Changes the lock while no other command does. `change` gets the newest one and gives the next; nothing is written when it gives the
 * same or throws. `then`: with what the lock has now, still alone. Throws `lock_held`, `plugin_lock_unreadable`, `lock_write_error`.
 */
export async function changePluginLock(
  paths: HomePaths,
  change: (lock: PluginLock) => PluginLock | Promise<PluginLock>,
  then: (lock: PluginLock) => Promise<void> = async () => {},
): Promise<void> {
  ensurePrivateFolder(paths.run);
  const path = join(paths.run, "plugins.lock");
  const until = performance.now() + LIMITS.pluginLockWaitMs;
  let held = tryLock(path);
  for (; held === undefined; held = tryLock(path)) {
    if (performance.now() > until)
      throw new HypError("lock_held", "Another command installs or removes a plugin.", {
        next: "Wait for it, then run this again.",
      });
    await sleep(50);
  }
  try {
    const before = await readPluginLock(paths);
    const after = await change(before);
    if (after !== before) write(paths, after);
    await then(after);
  } finally {
    held.release();
  }
}

function write(paths: HomePaths, lock: PluginLock): void {
  const names = Object.keys(lock.plugins).sort();
  const plugins = Object.fromEntries(names.map((name) => [name, lock.plugins[name]]));
  try {
    ensurePrivateFolder(paths.state);
    writeFileAtomic(paths.pluginLock, `${JSON.stringify({ ...lock, plugins }, null, 2)}\n`);
  } catch (error) {
    throw new HypError(
      "lock_write_error",
      `${paths.pluginLock} cannot be written: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

/** Throws HypError `plugin_not_installed`. */
export function lockEntry({ plugins }: PluginLock, name: string): LockEntry {
  const entry = Object.hasOwn(plugins, name) ? plugins[name] : undefined;
  if (entry === undefined)
    throw new HypError(
      "plugin_not_installed",
      `No plugin "${name}" is installed.${didYouMean(name, Object.keys(plugins))}`,
    );
  return entry;
}
