import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";

export interface AtomicWrite {
  /** Whose the new file is; else whose the process is. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** The last look before the old file is replaced; what it throws keeps that one. */
  readonly beforeRename?: () => void;
}

/**
 * Replaces the file as a whole: readers see the old text or the new one, also after a power loss. `mode` holds whatever the
 * umask. Throws the system's error and then leaves the old file and no temporary one.
 */
export function writeFileAtomic(
  path: string,
  text: string | Uint8Array,
  mode = 0o600,
  { owner, beforeRename }: AtomicWrite = {},
): void {
  const temporary = join(
    dirname(path),
    `.${basename(path)}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`,
  );
  const file = openSync(temporary, "wx", mode);
  try {
    try {
      // Before the mode: a change of the owner takes the bits for another user or group away.
      if (owner !== undefined) fchownSync(file, owner.uid, owner.gid);
      fchmodSync(file, mode);
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    beforeRename?.();
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}

/** Makes created, renamed and removed names in the folder durable. */
export function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
