import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import { LIMITS } from "../contract/limits.ts";
import { BufferCache } from "./buffer-cache.ts";
import type { SegmentBytes } from "./segment-bytes.ts";

// A compressed segment, `<n>.journal.zst`: the segment's bytes in blocks of `compressedBlockBytes` (the last is shorter), each a zstd
// frame of its own with checksum, then a seek table in a skippable frame, as in zstd's "seekable format":
//
//   u32 184D2A5E, u32 length of the rest; per block u32 compressed, u32 plain bytes; u32 blocks, u8 0, u32 8F92EAB1
//
// So `zstd -d` gives the segment back, and any block can be read alone. A block that does not decompress reads as zeros, which
// no frame begins with; without its table the file reads as empty.

const SKIPPABLE = 0x184d2a5e;
const SEEKABLE = 0x8f92eab1;
const TABLE_HEAD_BYTES = 8;
const ENTRY_BYTES = 8;
const FOOTER_BYTES = 9;

/** Of this process, from all segments: a reader opens the same one for every exchange. */
const blocksKept = new BufferCache(LIMITS.blocksKeptBytes);

export interface CompressedBlock {
  readonly compressedBytes: number;
  readonly plainBytes: number;
}

export function encodeSeekTable(blocks: readonly CompressedBlock[]): Buffer {
  const table = Buffer.alloc(TABLE_HEAD_BYTES + ENTRY_BYTES * blocks.length + FOOTER_BYTES);
  table.writeUInt32LE(SKIPPABLE, 0);
  table.writeUInt32LE(table.length - TABLE_HEAD_BYTES, 4);
  for (const [i, { compressedBytes, plainBytes }] of blocks.entries()) {
    table.writeUInt32LE(compressedBytes, TABLE_HEAD_BYTES + ENTRY_BYTES * i);
    table.writeUInt32LE(plainBytes, TABLE_HEAD_BYTES + ENTRY_BYTES * i + 4);
  }
  table.writeUInt32LE(blocks.length, table.length - FOOTER_BYTES);
  table.writeUInt32LE(SEEKABLE, table.length - 4);
  return table;
}

/** Reads as the segment did before it was compressed. */
export class CompressedSegment implements SegmentBytes {
  readonly #descriptor: number;
  /** Where each block begins in the file. */
  readonly #starts: number[] = [];
  readonly #blocks: readonly CompressedBlock[];
  readonly #size: number;
  /** Tells the file from any other that has or had its name. */
  readonly #identity: string;

  /** Throws the system's error when there is no such file. */
  constructor(path: string) {
    this.#descriptor = openSync(path, "r");
    const { dev, ino, ctimeNs } = fstatSync(this.#descriptor, { bigint: true });
    this.#identity = `${dev}:${ino}:${ctimeNs}`;
    this.#blocks = this.#readTable();
    let start = 0;
    for (const { compressedBytes } of this.#blocks) {
      this.#starts.push(start);
      start += compressedBytes;
    }
    this.#size = this.#blocks.reduce((sum, { plainBytes }) => sum + plainBytes, 0);
  }

  size(): number {
    return this.#size;
  }

  read(into: Buffer, at: number, length: number, offset: number): number {
    const index = Math.floor(offset / LIMITS.compressedBlockBytes);
    if (index >= this.#blocks.length) return 0;
    const from = offset - index * LIMITS.compressedBlockBytes;
    return this.#block(index).copy(into, at, from, from + length);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #block(index: number): Buffer {
    const name = `${this.#identity}/${index}`;
    const kept = blocksKept.get(name);
    if (kept) return kept;
    const { compressedBytes, plainBytes } = this.#blocks[index]!;
    const compressed = this.#bytes(this.#starts[index]!, compressedBytes);
    const block = decompressed(compressed, plainBytes) ?? Buffer.alloc(plainBytes);
    blocksKept.set(name, block);
    return block;
  }

  /** None when the table is not whole, or speaks of blocks that are cut otherwise than ours. */
  #readTable(): readonly CompressedBlock[] {
    const fileBytes = fstatSync(this.#descriptor).size;
    const footer = this.#bytes(Math.max(0, fileBytes - FOOTER_BYTES), FOOTER_BYTES);
    if (footer.length < FOOTER_BYTES || footer.readUInt32LE(FOOTER_BYTES - 4) !== SEEKABLE) return [];
    const count = footer.readUInt32LE(0);
    const entriesAt = fileBytes - FOOTER_BYTES - ENTRY_BYTES * count;
    if (entriesAt < TABLE_HEAD_BYTES) return [];
    const entries = this.#bytes(entriesAt, ENTRY_BYTES * count);
    const blocks = Array.from({ length: count }, (_none, i) => ({
      compressedBytes: entries.readUInt32LE(ENTRY_BYTES * i),
      plainBytes: entries.readUInt32LE(ENTRY_BYTES * i + 4),
    }));
    const total = blocks.reduce((sum, { compressedBytes }) => sum + compressedBytes, 0);
    const isOurs = blocks.every(({ plainBytes }, i) =>
      i < count - 1 ? plainBytes === LIMITS.compressedBlockBytes : plainBytes <= LIMITS.compressedBlockBytes,
    );
    return isOurs && total === entriesAt - TABLE_HEAD_BYTES ? blocks : [];
  }

  #bytes(offset: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(this.#descriptor, bytes, 0, length, offset));
  }
}

function decompressed(bytes: Buffer, plainBytes: number): Buffer | undefined {
  try {
    const block = zstdDecompressSync(bytes, { maxOutputLength: plainBytes });
    return block.length === plainBytes ? block : undefined;
  } catch {
    return undefined;
  }
}
