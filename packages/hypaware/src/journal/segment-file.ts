import { open, rename, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

/** A segment that is being written. Every method rejects with the system's error; then the file is not used any more. */
export interface SegmentFile {
  write(buffers: readonly Buffer[], offset: number): Promise<void>;
  /** What was written before is durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The journal's door to the disk. Tests put a failing one in its place. */
export interface SegmentDisk {
  /** Durable under its name when it returns, with the header in it. An older file of that name is replaced as a whole. */
  create(path: string, header: Buffer): Promise<SegmentFile>;
}

export const realDisk: SegmentDisk = {
  async create(path, header) {
    const temporary = `${path}.tmp`;
    const file = await open(temporary, "w", 0o600);
    try {
      await file.chmod(0o600);
      await writeAll(file, [header], 0);
      await file.sync();
      await rename(temporary, path);
      await syncFolder(dirname(path));
    } catch (error) {
      await file.close().catch(() => undefined);
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
    return {
      write: (buffers, offset) => writeAll(file, buffers, offset),
      sync: () => file.datasync(),
      close: () => file.close(),
    };
  },
};

/** Not the one of disk/: that waits on the gateway's only thread. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The system may take less than it is given, as it does shortly before the disk is full. */
async function writeAll(file: FileHandle, buffers: readonly Buffer[], offset: number): Promise<void> {
  let rest = buffers;
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest, offset);
    if (bytesWritten === 0) throw new Error("the system wrote nothing");
    offset += bytesWritten;
    let whole = 0;
    while (whole < rest.length && bytesWritten >= rest[whole]!.length) bytesWritten -= rest[whole++]!.length;
    rest = rest.slice(whole);
    if (bytesWritten > 0) rest = [rest[0]!.subarray(bytesWritten), ...rest.slice(1)];
  }
}
