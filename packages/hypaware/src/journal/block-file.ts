import { decodeSegmentHeader } from "./segment.ts";
import type { SegmentHeader } from "./segment.ts";
import { openSegment } from "./segment-bytes.ts";
import type { SegmentBytes } from "./segment-bytes.ts";

const MAX_HEADER_BYTES = 1024;

/** Random access to a segment that may still grow, in large reads. */
export class BlockFile {
  readonly #segment: SegmentBytes;
  readonly #blockBytes: number;
  #block: Buffer;
  #start = 0;
  #length = 0;

  private constructor(segment: SegmentBytes, blockBytes: number) {
    this.#segment = segment;
    this.#blockBytes = blockBytes;
    this.#block = Buffer.alloc(0);
  }

  /** `undefined`: there is no such segment. */
  static open(runDir: string, segment: number, blockBytes: number): BlockFile | undefined {
    const bytes = openSegment(runDir, segment);
    return bytes && new BlockFile(bytes, blockBytes);
  }

  size(): number {
    return this.#segment.size();
  }

  /** Fewer bytes only at the end of the file. The view is valid until the next call. */
  bytes(offset: number, length: number): Buffer {
    if (offset < this.#start || offset + length > this.#start + this.#length) this.#load(offset, length);
    const from = offset - this.#start;
    return this.#block.subarray(from, Math.min(from + length, this.#length));
  }

  close(): void {
    this.#segment.close();
  }

  #load(offset: number, length: number): void {
    const wanted = Math.max(0, Math.min(Math.max(length, this.#blockBytes), this.size() - offset));
    if (this.#block.length < wanted) this.#block = Buffer.allocUnsafeSlow(wanted);
    this.#start = offset;
    this.#length = 0;
    while (this.#length < wanted) {
      const read = this.#segment.read(
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
  const file = BlockFile.open(runDir, segment, MAX_HEADER_BYTES);
  if (!file) return undefined;
  try {
    return decodeSegmentHeader(file.bytes(0, MAX_HEADER_BYTES));
  } finally {
    file.close();
  }
}
