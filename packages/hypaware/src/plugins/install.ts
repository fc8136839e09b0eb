// Installing: fetch, copy into a staging folder, look at the copy (manifest, files, hash), ask, and only then, while no other command
// changes anything, rename it into place and name it in the lock. The lock is the decision: killed before it is written everything is
// as before, killed after it only the old folder is left over, and the next command clears it.

import { randomBytes } from "node:crypto";
import { readFile, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { HypError } from "../contract/errors.ts";
import type { HomePaths } from "../contract/home.ts";
import { LIMITS } from "../contract/limits.ts";
import { syncFolder } from "../disk/atomic.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import { MANIFEST_FILE } from "../kernel/manifest.ts";
import type { Observer, Span } from "../kernel/telemetry.ts";
import { type Candidate, candidateOf, checkedManifest } from "./candidate.ts";
import { fetchPlugin } from "./fetched.ts";
import { isIntact } from "./installed.ts";
import { NOT_INSTALLED, copyPluginFiles, pluginFiles, sha256 } from "./plugin-files.ts";
import { type LockEntry, type PluginLock, changePluginLock, readPluginLock } from "./plugin-lock.ts";
import type { Source } from "./source.ts";

export interface InstallWorld {
  readonly paths: HomePaths;
  /** Names of the plugins that ship. */
  readonly shipped: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly observer: Observer;
  readonly now: () => Date;
  /** How the person agreed. Throws when he does not, or cannot be asked. */
  consent(candidate: Candidate): Promise<"auto_yes" | "confirmed" | "not_needed">;
}

export interface Installed {
  readonly entry: LockEntry;
  readonly candidate: Candidate;
  /** `unchanged`: the same files were installed already, and still are. */
  readonly outcome: "installed" | "replaced" | "unchanged";
}

/** `expected`: the source must hold the plugin of this name. Throws HypErrors, and then what was installed before still is. */
export function installPlugin(
  source: Source,
  world: InstallWorld,
  { expected }: { readonly expected?: string } = {},
): Promise<Installed> {
  const { observer, paths } = world;
  const { kind, raw } = source.locked;
  return observer.telemetry.span("plugin.install", { source_kind: kind, source: raw }, async (span) => {
    try {
      // Before anything is fetched: a lock that cannot be read ends it anyway.
      await readPluginLock(paths);
      const result = await withScratch(paths, (scratch) => install(source, world, scratch, expected, span));
      const { name, version, content_hash } = result.entry;
      const fields = { hyp_plugin: name, hyp_plugin_version: version, content_hash, source: raw };
      span.set({ ...fields, outcome: result.outcome });
      observer.log.info("plugin.installed", { ...fields, status: "ok" });
      observer.telemetry.add("hyp_plugin_installs_total", 1, { status: "ok" });
      return result;
    } catch (error) {
      const errorKind = error instanceof HypError ? error.code : "unhandled_exception";
      span.set({ error_kind: errorKind });
      const fields = { source: raw, error_kind: errorKind, message: (error as Error).message };
      observer.log.error("plugin.install.failed", fields);
      observer.telemetry.add("hyp_plugin_installs_total", 1, { status: "failed" });
      throw error;
    }
  });
}

async function install(
  source: Source,
  world: InstallWorld,
  scratch: string,
  expected: string | undefined,
  span: Span,
): Promise<Installed> {
  const { paths, observer } = world;
  const fetched = await fetchPlugin(source, scratch, world.env, observer);
  const staged = join(scratch, "staged");
  const files = await observer.telemetry.span("plugin.artifact.copy", {}, async (span) => {
    const found = await copyable(fetched.folder);
    await copyPluginFiles(fetched.folder, staged, found).catch((error: Error) => {
      if (error instanceof HypError) throw error;
      throw new HypError("artifact_copy_failed", `The plugin's files cannot be copied: ${error.message}`, {
        cause: error,
      });
    });
    span.set({ file_count: found.length });
    return found;
  });
  const candidate = await observer.telemetry.span("plugin.artifact.validate", {}, async () => {
    const manifest = await checkedManifest(staged, source, observer);
    const { name } = manifest;
    if (world.shipped.includes(name))
      throw new HypError(
        "installed_shadows_bundled",
        `"${name}" is the name of a plugin that ships with HypAware, and cannot be installed.`,
        { next: "Give the plugin a name of its own in hypaware.plugin.json and package.json." },
      );
    if (expected !== undefined && name !== expected)
      throw new HypError("manifest_name_mismatch", `The source of "${expected}" now holds "${name}".`);
    const before = (await readPluginLock(paths)).plugins[name];
    return candidateOf({ manifest, source, fetched, staged, files, before });
  });
  const { before } = candidate;
  if (
    before !== undefined &&
    before.content_hash === candidate.contentHash &&
    isDeepStrictEqual(before.source, candidate.source) &&
    (await isIntact(before))
  )
    return { entry: before, candidate, outcome: "unchanged" };
  span.set({ confirmation: await world.consent(candidate) });
  const entry = await commit(staged, candidate, world);
  return { entry, candidate, outcome: before === undefined ? "installed" : "replaced" };
}

async function copyable(folder: string): Promise<readonly string[]> {
  try {
    return await pluginFiles(folder, NOT_INSTALLED);
  } catch (error) {
    if (error instanceof HypError) throw error;
    throw new HypError("local_dir_invalid", `${folder} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function commit(
  staged: string,
  candidate: Candidate,
  { paths, now }: InstallWorld,
): Promise<LockEntry> {
  const { manifest, source, resolvedRef, contentHash: hash } = candidate;
  const folder = `${manifest.name.replace("/", "__")}-${hash.slice(0, 12)}-${randomBytes(4).toString("hex")}`;
  const entry: LockEntry = {
    name: manifest.name,
    version: manifest.version,
    source,
    install_dir: join(paths.pluginCode, folder),
    content_hash: hash,
    manifest_hash: sha256(await readFile(join(staged, MANIFEST_FILE))),
    installed_at: now().toISOString(),
    ...(resolvedRef !== undefined && { resolved_ref: resolvedRef }),
  };
  ensurePrivateFolder(paths.pluginCode);
  await changePluginLock(
    paths,
    async (lock) => {
      await rename(staged, entry.install_dir);
      syncFolder(paths.pluginCode);
      return { ...lock, plugins: { ...lock.plugins, [entry.name]: entry } };
    },
    (lock) => clearLeftovers(paths, lock),
  );
  return entry;
}

/** Removes the folders that no entry of the lock names: of replaced and removed plugins, and of killed installs. */
export async function clearLeftovers(paths: HomePaths, { plugins }: PluginLock): Promise<void> {
  const named = new Set(Object.values(plugins).map(({ install_dir }) => basename(install_dir)));
  for (const folder of await readdir(paths.pluginCode).catch(() => []))
    if (!named.has(folder)) await rm(join(paths.pluginCode, folder), { recursive: true, force: true });
}

/** A folder for one install, on the file system of the data, gone afterwards; those of killed ones go after a day. */
async function withScratch<T>(paths: HomePaths, work: (folder: string) => Promise<T>): Promise<T> {
  const all = join(paths.tmp, "plugin-fetch");
  ensurePrivateFolder(all);
  for (const name of await readdir(all)) {
    const found = await stat(join(all, name)).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > LIMITS.pluginStagedMs)
      await rm(join(all, name), { recursive: true, force: true });
  }
  const folder = join(all, `${process.pid}-${randomBytes(6).toString("hex")}`);
  ensurePrivateFolder(folder);
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
