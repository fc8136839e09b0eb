import { crc32 } from "node:zlib";
import { crcFactor, crcOfPart } from "./crc-combine.ts";

// The checksum of a whole request body, by which a reader knows that it was rebuilt from the right base: CRC-32 of each quarter, started
// from the body's length. A conversation's body begins as the one before did, and reading 120 KB again costs more than all the rest of
// storing a difference. So who has the base remembers checksums of its beginnings, and has those of the quarters from them.

export const CHECKSUM_BYTES = 16;
const QUARTERS = 4;
/** Between two beginnings whose checksums are kept. */
const STEP_BYTES = 4 * 1_024;
/** A shorter body is read in less time than it takes to find what is known of it. */
const SHORT_BYTES = 16 * 1_024;

export function bodyChecksum(body: Buffer): Buffer {
  return checksum(body.length, (from, to) => crc32(body.subarray(from, to), body.length));
}

/** A body with checksums of its beginnings, known as far as they were needed. */
export class Beginnings {
  readonly body: Buffer;
  /** Of the first 0, 1, 2, … steps. */
  readonly #sums: number[];

  /** `known`: of a body whose first `prefix` bytes are the same. */
  constructor(body: Buffer, known?: Beginnings, prefix = 0) {
    this.body = body;
    this.#sums = known === undefined ? [0] : known.#sums.slice(0, Math.floor(prefix / STEP_BYTES) + 1);
  }

  get length(): number {
    return this.body.length;
  }

  /** As `bodyChecksum`. */
  bodyChecksum(): Buffer {
    const { length } = this;
    if (length < SHORT_BYTES) return bodyChecksum(this.body);
    let [front, size, factor] = [0, 0, crcFactor(0)];
    return checksum(length, (from, to) => {
      // But for the last one the quarters are alike.
      if (to - from !== size) factor = crcFactor((size = to - from));
      const whole = this.#upTo(to);
      const sum = crcOfPart(whole, front, length, factor);
      front = whole;
      return sum;
    });
  }

  #upTo(end: number): number {
    const sums = this.#sums;
    const steps = Math.floor(end / STEP_BYTES);
    for (let i = sums.length; i <= steps; i++)
      sums.push(crc32(this.body.subarray((i - 1) * STEP_BYTES, i * STEP_BYTES), sums[i - 1]));
    return crc32(this.body.subarray(steps * STEP_BYTES, end), sums[steps]);
  }
}

function checksum(length: number, sumOf: (from: number, to: number) => number): Buffer {
  const sums = Buffer.allocUnsafe(CHECKSUM_BYTES);
  const quarter = Math.ceil(length / QUARTERS);
  for (let i = 0; i < QUARTERS; i++)
    sums.writeUInt32LE(sumOf(Math.min(length, quarter * i), Math.min(length, quarter * (i + 1))), 4 * i);
  return sums;
}
