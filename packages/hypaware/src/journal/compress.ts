import { open, rename, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import { LIMITS } from "../contract/limits.ts";
import { syncFolder } from "../disk/atomic.ts";
import { encodeSeekTable } from "./compressed-segment.ts";
import type { CompressedBlock } from "./compressed-segment.ts";
import { compressedPath, segmentPath } from "./segment.ts";

const compressBlock = promisify(zstdCompress);
const decompressBlock = promisify(zstdDecompress);

/**
 * Replaces a segment that nobody writes any more by its compressed form, of which every block was read back before. Readers
 * find one or the other at any moment, also after a kill or a power loss between any two steps; then call again. The new file
 * has the old one's time. Resolves with its size; rejects with the system's error, and then the plain file is still there.
 */
export async function compressSegment(runDir: string, segment: number): Promise<number> {
  const plain = segmentPath(runDir, segment);
  const compressed = compressedPath(runDir, segment);
  const temporary = `${compressed}.tmp`;
  let bytes: number;
  const from = await open(plain, "r");
  try {
    const to = await open(temporary, "w", 0o600);
    try {
      await to.chmod(0o600);
      bytes = await copyCompressed(from, to);
      const { atime, mtime } = await from.stat();
      await to.utimes(atime, mtime);
      await to.sync();
    } finally {
      await to.close();
    }
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  } finally {
    await from.close();
  }
  await rename(temporary, compressed);
  syncFolder(runDir);
  await rm(plain);
  syncFolder(runDir);
  return bytes;
}

async function copyCompressed(from: FileHandle, to: FileHandle): Promise<number> {
  const blocks: CompressedBlock[] = [];
  const params = { [constants.ZSTD_c_checksumFlag]: 1 };
  const buffer = Buffer.alloc(LIMITS.compressedBlockBytes);
  let bytes = 0;
  for (let isEnd = false; !isEnd;) {
    const block = buffer.subarray(0, await fill(from, buffer, blocks.length * buffer.length));
    isEnd = block.length < buffer.length;
    if (block.length === 0) break;
    const compressed = await compressBlock(block, { params });
    const again = await decompressBlock(compressed, { maxOutputLength: block.length });
    if (!again.equals(block)) throw new Error("a block does not read back as it was");
    await to.writeFile(compressed);
    bytes += compressed.length;
    blocks.push({ compressedBytes: compressed.length, plainBytes: block.length });
  }
  const table = encodeSeekTable(blocks);
  await to.writeFile(table);
  return bytes + table.length;
}

/** Blocks but for the last must be full, and the system may give less than it is asked for. */
async function fill(file: FileHandle, buffer: Buffer, position: number): Promise<number> {
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, position + length);
    length += bytesRead;
    if (bytesRead === 0 || length === buffer.length) return length;
  }
}
