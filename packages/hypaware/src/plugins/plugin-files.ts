// The files of a plugin: which ones count, that nothing else is among them, and the hash over all of them.
//
// content hash = SHA-256 over one line per file, ordered by path: `<relative path>\0<SHA-256 of the file, hex>\n`

import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { lstat, mkdir, open, readFile, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HypError } from "../contract/errors.ts";
import { LIMITS } from "../contract/limits.ts";

/** Left out when a plugin is installed: what it needs of others is bundled into its own files. */
export const NOT_INSTALLED: ReadonlySet<string> = new Set(["node_modules", ".git", ".DS_Store"]);
/** What a file manager leaves in a folder that somebody looked at. */
const NOT_COUNTED: ReadonlySet<string> = new Set([".DS_Store"]);

/** A line break in a name would give another list of files the same hash. */
const ODD = /[\p{Cc}\\\ufffd]/u;

/** Paths relative to the folder, with `/`, ordered. Throws a HypError for everything that is not a plain file or a folder. */
export async function pluginFiles(folder: string, leaveOut = NOT_COUNTED): Promise<readonly string[]> {
  const files: string[] = [];
  let bytes = 0;
  const invalid = (why: string): HypError => new HypError("artifact_invalid", `${folder}: ${why}`);
  async function walk(below: string): Promise<void> {
    for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
      if (leaveOut.has(entry.name)) continue;
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (ODD.test(path) || path.length > LIMITS.pluginPathChars)
        throw invalid(`${JSON.stringify(path)} is no name for a plugin's file`);
      if (entry.isSymbolicLink())
        throw new HypError("artifact_symlink_unsupported", `${join(folder, path)} is a symbolic link.`);
      if (entry.isDirectory()) await walk(path);
      else if (entry.isFile()) {
        files.push(path);
        bytes += (await lstat(join(folder, path))).size;
      } else throw invalid(`${path} is no plain file`);
      if (files.length > LIMITS.pluginFiles) throw invalid(`it has more than ${LIMITS.pluginFiles} files`);
      if (bytes > LIMITS.pluginBytes) throw invalid(`it has more than ${LIMITS.pluginBytes} bytes`);
    }
  }
  await walk("");
  return files.sort((a, b) => (a < b ? -1 : 1));
}

export async function contentHash(folder: string, files: readonly string[]): Promise<string> {
  const all = createHash("sha256");
  for (const file of files) all.update(`${file}\0${sha256(await readFile(join(folder, file)))}\n`);
  return all.digest("hex");
}

export const sha256 = (bytes: string | Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");

/** Into a folder that is not there yet. What was measured is what is copied: a file that grew meanwhile is refused. */
export async function copyPluginFiles(from: string, to: string, files: readonly string[]): Promise<void> {
  await mkdir(to, { mode: 0o700, recursive: true });
  let bytes = 0;
  for (const file of files) {
    const source = await open(join(from, file), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      bytes += (await source.stat()).size;
      if (bytes > LIMITS.pluginBytes)
        throw new HypError("artifact_invalid", `${from}: it has more than ${LIMITS.pluginBytes} bytes`);
      await writePluginFile(join(to, file), await source.readFile());
    } finally {
      await source.close();
    }
  }
}

/** Durable, private, and never over a file that is there (names may differ in case only). */
export async function writePluginFile(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { mode: 0o700, recursive: true });
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}
