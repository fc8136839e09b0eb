import { lstat, stat } from "node:fs/promises";
import { join } from "node:path";
import { HypError } from "../contract/errors.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import type { Observer } from "../kernel/telemetry.ts";
import { checkOut } from "./git.ts";
import { npmTarball, readTgz } from "./npm.ts";
import { writePluginFile } from "./plugin-files.ts";
import { type Source, npmSpec } from "./source.ts";
import { readTarball } from "./tarball.ts";

/** A plugin's folder as its source has it; nothing of it was run. */
export interface Fetched {
  readonly folder: string;
  readonly resolvedRef?: string;
  /** It can bring something else the next time. */
  readonly isUnpinned: boolean;
}

/** Brings a source's plugin into a folder below `scratch`; one that is a folder stays where it is. Throws HypErrors. */
export async function fetchPlugin(
  { locked, userinfo }: Source,
  scratch: string,
  env: Readonly<Record<string, string | undefined>>,
  observer: Observer,
): Promise<Fetched> {
  const { kind, path = "" } = locked;
  if (kind === "local-dir") {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) throw new HypError("local_dir_missing", `${path} does not exist.`);
    if (!found.isDirectory())
      throw new HypError("local_dir_invalid", `${path} is no folder, and not called .tgz either.`);
    return { folder: path, isUnpinned: false };
  }
  if (kind === "git") {
    const { folder, commit, isUnpinned } = await checkOut(locked, userinfo, scratch, env, observer);
    return { folder: path === "" ? folder : await below(folder, path), resolvedRef: commit, isUnpinned };
  }
  if (kind === "npm") {
    const spec = npmSpec(locked);
    return {
      folder: await unpack(await npmTarball(spec, scratch, env), scratch),
      resolvedRef: spec.version,
      isUnpinned: false,
    };
  }
  const packed = await readTgz(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") throw new HypError("local_dir_missing", `${path} does not exist.`);
    if (error instanceof HypError) throw error;
    throw new HypError("local_dir_invalid", `${path} cannot be read: ${error.message}`);
  });
  return { folder: await unpack(packed, scratch), isUnpinned: false };
}

/** Everything is read and checked before the first file is written. */
async function unpack(packed: Uint8Array, scratch: string): Promise<string> {
  const folder = join(scratch, "unpacked");
  const files = readTarball(packed);
  ensurePrivateFolder(folder);
  for (const { path, bytes } of files)
    await writePluginFile(join(folder, path), bytes).catch((error: Error) => {
      throw new HypError("tarball_invalid", `${path} cannot be written: ${error.message}`, { cause: error });
    });
  return folder;
}

/** A folder inside the repository, step by step: a symbolic link on the way could lead anywhere. */
async function below(repository: string, path: string): Promise<string> {
  let folder = repository;
  for (const step of path.split("/")) {
    folder = join(folder, step);
    const found = await lstat(folder).catch(() => undefined);
    if (found?.isDirectory() !== true)
      throw new HypError("local_dir_missing", `The repository has no folder ${path}.`);
  }
  return folder;
}
