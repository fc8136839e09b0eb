import {
  type Stats,
  accessSync,
  constants,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  rmdirSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { HypError } from "../contract/errors.ts";
import { LIMITS } from "../contract/limits.ts";
import { syncFolder, writeFileAtomic } from "../disk/atomic.ts";

/** A settings file as it was read. */
export interface SettingsFile {
  /** Behind links. */
  readonly real: string;
  /** Absent: there is no file. */
  readonly text?: string;
  readonly bytes?: Buffer;
  readonly stat?: Stats;
}

/** Follows links. Throws a HypError for what is no settings file. */
export function readSettings(path: string): SettingsFile {
  const link = guarded(path, () => lstatSync(path, { throwIfNoEntry: false }));
  if (link === undefined) return { real: realFolderOf(path) };
  let real: string;
  try {
    real = realpathSync(path);
  } catch (error) {
    throw new HypError("settings_unreadable", `${path} is a link to nothing that can be read.`, {
      cause: error,
    });
  }
  const stat = guarded(path, () => statSync(real));
  if (!stat.isFile()) throw new HypError("settings_unreadable", `${path} is not a file.`);
  if (stat.size > LIMITS.settingsBytes)
    throw new HypError("settings_too_large", `${path} has ${stat.size} bytes.`);
  const bytes = guarded(path, () => readFileSync(real));
  try {
    return {
      real,
      stat,
      bytes,
      text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    };
  } catch (error) {
    throw new HypError("settings_unreadable", `${path} is not UTF-8.`, { cause: error });
  }
}

/** The place of a file that is not there, behind links of the folders that are. */
function realFolderOf(path: string): string {
  const folder = dirname(path);
  try {
    return join(realpathSync(folder), basename(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || folder === path) throw unwritable(path, error);
    return join(realFolderOf(folder), basename(path));
  }
}

function guarded<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HypError("settings_unreadable", `${path} cannot be read: ${reason}`, { cause: error });
  }
}

function unwritable(path: string, error: unknown): HypError {
  const reason = error instanceof Error ? error.message : String(error);
  return new HypError("settings_unwritable", `${path} cannot be written: ${reason}`, { cause: error });
}

/** Throws a HypError when writing would fail, or is not wanted: a file without a write bit is meant to stay as it is. */
export function requireWritable(path: string, { real, stat }: SettingsFile): void {
  if (stat !== undefined && (stat.mode & 0o222) === 0)
    throw new HypError("settings_unwritable", `${path} is read-only.`);
  try {
    if (stat !== undefined) accessSync(real, constants.W_OK);
    const folder = statSync(nearestFolder(dirname(real)));
    if ((folder.mode & 0o222) === 0) throw new Error(`its folder is read-only`);
    accessSync(nearestFolder(dirname(real)), constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unwritable(path, error);
  }
}

function nearestFolder(folder: string): string {
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat?.isDirectory() === false) throw new Error(`${folder} is not a folder`);
  return stat === undefined ? nearestFolder(dirname(folder)) : folder;
}

/** Folders above the file that are not there, outermost first. */
export function missingFolders(real: string): readonly string[] {
  const folder = dirname(real);
  if (statSync(folder, { throwIfNoEntry: false }) !== undefined) return [];
  return [...missingFolders(folder), folder];
}

/** Replaces the file; mode and owner stay. Throws HypError `CONCURRENT_EDIT` when it is not any more what was read. */
export function writeSettings(path: string, file: SettingsFile, text: string): void {
  const { real, stat } = file;
  try {
    for (const folder of missingFolders(real)) mkdirSync(folder, { mode: 0o700 });
    sweep(real);
    const owner = stat !== undefined && isOthers(stat) ? { owner: { uid: stat.uid, gid: stat.gid } } : {};
    const mode = stat === undefined ? 0o600 : stat.mode & 0o7777;
    writeFileAtomic(real, text, mode, { ...owner, beforeRename: () => requireUnchanged(path, file) });
  } catch (error) {
    if (error instanceof HypError) throw error;
    throw unwritable(path, error);
  }
}

/** Removes the file, and the folders when they are empty. */
export function removeSettings(path: string, file: SettingsFile, folders: readonly string[]): void {
  requireUnchanged(path, file);
  try {
    rmSync(file.real);
    syncFolder(dirname(file.real));
    for (const folder of folders.toReversed()) rmdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOTEMPTY" && code !== "ENOENT") throw unwritable(path, error);
  }
}

/** By its content: two edits may fall into one tick of the clock. */
function requireUnchanged(path: string, { real, bytes }: SettingsFile): void {
  let now: Buffer | undefined;
  try {
    now = readFileSync(real);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const isSame = now === undefined || bytes === undefined ? now === bytes : now.equals(bytes);
  if (!isSame) throw new HypError("CONCURRENT_EDIT", `${path} was changed by somebody else meanwhile.`);
}

const isOthers = ({ uid, gid }: Stats): boolean => uid !== process.getuid?.() || gid !== process.getgid?.();

/** A process of ours that was killed left its temporary file, with a copy of the settings. */
function sweep(real: string): void {
  for (const name of readdirSync(dirname(real))) {
    if (!name.startsWith(`.${basename(real)}.`)) continue;
    const [, pid] = /^\.(\d+)\.[0-9a-f]{8}\.tmp$/.exec(name.slice(basename(real).length + 1)) ?? [];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(dirname(real), name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
