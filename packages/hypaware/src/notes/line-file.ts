import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createZstdDecompress } from "node:zlib";

const BLOCK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;
/** RFC 8878, section 3.1.1. */
const ZSTD_MAGIC = 0xfd2fb528;

/** A file that others append lines to, as it is now. It may be renamed or removed while it is read. */
export interface LineFile {
  /** Device and inode: the same file under any name. */
  readonly id: string;
  /** On the disk. */
  readonly bytes: number;
  /** With zstd. Offsets count what it holds, and to begin at one all before it is decompressed. */
  readonly isCompressed: boolean;
  /** Milliseconds since 1970. */
  readonly writtenMs: number;
  readonly bornMs: number;
  /** Whole lines behind `offset`, each with where the next begins. What has no newline yet is not there yet. */
  lines(offset: number): AsyncGenerator<FileLine>;
  close(): Promise<void>;
}

export interface FileLine {
  /** `undefined`: longer than the bound; it is passed over. */
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
    const isCompressed = await beginsAsZstd(file);
    const blocks = isCompressed ? decompressedBlocks : fileBlocks;
    return {
      isCompressed,
      id: `${dev}:${ino}`,
      bytes: size,
      writtenMs: mtimeMs,
      bornMs: birthtimeMs,
      lines: (offset) => readLines(blocks(file, offset), offset, maxLineBytes),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function beginsAsZstd(file: FileHandle): Promise<boolean> {
  const magic = Buffer.alloc(4);
  const { bytesRead } = await file.read(magic, 0, magic.length, 0);
  return bytesRead === magic.length && magic.readUInt32LE() === ZSTD_MAGIC;
}

/** The same memory each time. */
async function* fileBlocks(file: FileHandle, from: number): AsyncGenerator<Buffer> {
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  for (let offset = from; ;) {
    const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, offset);
    if (bytesRead === 0) return;
    offset += bytesRead;
    yield block.subarray(0, bytesRead);
  }
}

/** Throws where the file is damaged. */
async function* decompressedBlocks(file: FileHandle, from: number): AsyncGenerator<Buffer> {
  const packed = file.createReadStream({ start: 0, autoClose: false, highWaterMark: BLOCK_BYTES });
  // An error of either ends the iteration with it.
  const plain = pipeline(packed, createZstdDecompress({ chunkSize: BLOCK_BYTES }), () => {});
  let before = from;
  for await (const block of plain as AsyncIterable<Buffer>) {
    if (before >= block.length) before -= block.length;
    else {
      yield block.subarray(before);
      before = 0;
    }
  }
}

async function* readLines(
  blocks: AsyncIterable<Buffer>,
  from: number,
  maxLineBytes: number,
): AsyncGenerator<FileLine> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let offset = from;
  for await (const block of blocks) {
    let start = 0;
    for (;;) {
      const end = block.indexOf(NEWLINE, start);
      if (end === -1) break;
      const length = heldBytes + end - start;
      const text =
        length > maxLineBytes
          ? undefined
          : heldBytes === 0
            ? block.toString("utf8", start, end)
            : Buffer.concat([...held, block.subarray(start, end)]).toString("utf8");
      held = [];
      heldBytes = 0;
      start = end + 1;
      yield { text, next: offset + start };
    }
    const rest = block.length - start;
    heldBytes += rest;
    // Of a line over the bound only the length counts.
    if (heldBytes > maxLineBytes) held = [];
    else if (rest > 0) held.push(Buffer.from(block.subarray(start)));
    offset += block.length;
  }
}
