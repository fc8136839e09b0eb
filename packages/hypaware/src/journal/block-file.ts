import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { decodeSegmentHeader, segmentPath } from "./segment.ts";
import type { SegmentHeader } from "./segment.ts";

const MAX_HEADER_BYTES = 1024;

/** Random access to a file that may still grow, in large reads. */
export class BlockFile {
  readonly #descriptor: number;
  readonly #blockBytes: number;
  #block: Buffer;
  #start = 0;
  #length = 0;

  private constructor(descriptor: number, blockBytes: number) {
    this.#descriptor = descriptor;
    this.#blockBytes = blockBytes;
    this.#block = Buffer.alloc(0);
  }

  /** `undefined`: there is no such file. */
  static open(path: string, blockBytes: number): BlockFile | undefined {
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return undefined;
    return new BlockFile(openSync(path, "r"), blockBytes);
  }

  size(): number {
    return fstatSync(this.#descriptor).size;
  }

  /** Fewer bytes only at the end of the file. The view is valid until the next call. */
  bytes(offset: number, length: number): Buffer {
    if (offset < this.#start || offset + length > this.#start + this.#length) this.#load(offset, length);
    const from = offset - this.#start;
    return this.#block.subarray(from, Math.min(from + length, this.#length));
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #load(offset: number, length: number): void {
    const wanted = Math.max(0, Math.min(Math.max(length, this.#blockBytes), this.size() - offset));
    if (this.#block.length < wanted) this.#block = Buffer.allocUnsafeSlow(wanted);
    this.#start = offset;
    this.#length = 0;
    while (this.#length < wanted) {
      const read = readSync(
        this.#descriptor,
        this.#block,
        this.#length,
        wanted - this.#length,
        offset + this.#length,
      );
      if (read === 0) return;
      this.#length += read;
    }
  }
}

/** `undefined`: missing or damaged. */
export function readSegmentHeader(runDir: string, segment: number): SegmentHeader | undefined {
  const file = BlockFile.open(segmentPath(runDir, segment), MAX_HEADER_BYTES);
  if (!file) return undefined;
  try {
    return decodeSegmentHeader(file.bytes(0, MAX_HEADER_BYTES));
  } finally {
    file.close();
  }
}
