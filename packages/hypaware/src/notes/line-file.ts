import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";

const BLOCK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** A file that others append lines to, as it is now. It may be renamed or removed while it is read. */
export interface LineFile {
  /** Device and inode: the same file under any name. */
  readonly id: string;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly writtenMs: number;
  readonly bornMs: number;
  /** Whole lines behind `offset`, each with where the next begins. What has no newline yet is not there yet. */
  lines(offset: number): AsyncGenerator<FileLine>;
  close(): Promise<void>;
}

export interface FileLine {
  /** `undefined`: longer than the bound, or not worth reading; it is passed over. */
  readonly text: string | undefined;
  readonly next: number;
}

/** `undefined`: there is no such file. Rejects with the system's other errors, for a symbolic link, too. */
export async function openLineFile(path: string, maxLineBytes: number): Promise<LineFile | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const { dev, ino, size, mtimeMs, birthtimeMs } = await file.stat();
    return {
      id: `${dev}:${ino}`,
      bytes: size,
      writtenMs: mtimeMs,
      bornMs: birthtimeMs,
      lines: (offset) => readLines(file, offset, maxLineBytes),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function* readLines(file: FileHandle, from: number, maxLineBytes: number): AsyncGenerator<FileLine> {
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  let held: Buffer[] = [];
  let heldBytes = 0;
  let offset = from;
  for (;;) {
    const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, offset);
    if (bytesRead === 0) return;
    let start = 0;
    for (;;) {
      const end = block.subarray(0, bytesRead).indexOf(NEWLINE, start);
      if (end === -1) break;
      const length = heldBytes + end - start;
      const text =
        length > maxLineBytes
          ? undefined
          : Buffer.concat([...held, block.subarray(start, end)]).toString("utf8");
      held = [];
      heldBytes = 0;
      start = end + 1;
      yield { text, next: offset + start };
    }
    const rest = bytesRead - start;
    heldBytes += rest;
    // Of a line over the bound only the length counts.
    if (heldBytes > maxLineBytes) held = [];
    else if (rest > 0) held.push(Buffer.from(block.subarray(start, bytesRead)));
    offset += bytesRead;
  }
}
