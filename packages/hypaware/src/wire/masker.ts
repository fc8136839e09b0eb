import type { MaskedRange } from "../contract/frame.ts";
import { ByteSearch } from "./byte-search.ts";

// Replaces every occurrence of some secrets in a stream by as many `*`, wherever the stream is cut into chunks.
//
// Occurrences may overlap (a secret may end as it begins), so the search may not jump over a match; and it must stay linear
// for any secret and any stream. Per secret: `ByteSearch` runs to the next match; behind a match and at the end of a
// chunk a Knuth-Morris-Pratt automaton says how much of the secret may have begun. Its state is all that one chunk leaves
// to the next: so many bytes are held back, none when the tail begins no secret. Chunks are never written to (the same
// memory is on its way to the socket); without a match they are returned as they are.

const ASTERISK = 0x2a;
const NOTHING = Buffer.alloc(0);

class Needle {
  readonly #bytes: Buffer;
  readonly #next: ByteSearch;
  /** [k]: length of the longest proper border of the first k bytes. Made when it is needed: most streams show no secret. */
  #border: Uint32Array | undefined;
  /** How many bytes at the end of the stream so far are a beginning of the secret. */
  state = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#next = new ByteSearch(bytes);
  }

  /** Adds each occurrence that ends in `chunk` to `ranges`; `start` is the chunk's place. The state moves to the chunk's end. */
  search(chunk: Buffer, start: number, ranges: MaskedRange[]): void {
    const { length } = this.#bytes;
    let at = 0;
    while (at < chunk.length) {
      while (this.state > 0 && at < chunk.length) {
        this.#advance(chunk[at++]!);
        if (this.state === length) this.#match(start + at, ranges);
      }
      if (at === chunk.length) return;
      const found = this.#next.indexIn(chunk, at);
      if (found === -1) {
        at = Math.max(at, chunk.length - length + 1);
        while (at < chunk.length) this.#advance(chunk[at++]!);
        return;
      }
      at = found + length;
      this.#match(start + at, ranges);
    }
  }

  #match(end: number, ranges: MaskedRange[]): void {
    const { length } = this.#bytes;
    ranges.push({ offset: end - length, length });
    this.#border ??= bordersOf(this.#bytes);
    this.state = this.#border[length]!;
  }

  #advance(byte: number): void {
    while (this.state > 0 && this.#bytes[this.state] !== byte) {
      this.#border ??= bordersOf(this.#bytes);
      this.state = this.#border[this.state]!;
    }
    if (this.#bytes[this.state] === byte) this.state++;
  }
}

function bordersOf(bytes: Buffer): Uint32Array {
  const border = new Uint32Array(bytes.length + 1);
  for (let end = 1, length = 0; end < bytes.length; end++) {
    while (length > 0 && bytes[end] !== bytes[length]) length = border[length]!;
    if (bytes[end] === bytes[length]) length++;
    border[end + 1] = length;
  }
  return border;
}

/** Sorts, and joins what overlaps or touches. */
function merged(ranges: readonly MaskedRange[]): MaskedRange[] {
  const result: { offset: number; length: number }[] = [];
  for (const { offset, length } of [...ranges].sort((a, b) => a.offset - b.offset)) {
    const last = result.at(-1);
    if (last && offset <= last.offset + last.length) {
      last.length = Math.max(last.length, offset + length - last.offset);
    } else result.push({ offset, length });
  }
  return result;
}

/** Bytes in the order and of the length they came in; `masked` offsets are from the start of `bytes`. */
export interface MaskedBytes {
  readonly bytes: Buffer;
  readonly masked: MaskedRange[];
}

/** One stream, one Masker. Holds back at most the longest secret less one byte. */
export class Masker {
  readonly #needles: readonly Needle[];
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Relative to the start of the held bytes. */
  #ranges: MaskedRange[] = [];

  constructor(secrets: readonly Buffer[]) {
    this.#needles = secrets.filter((secret) => secret.length > 0).map((secret) => new Needle(secret));
  }

  push(chunk: Buffer): MaskedBytes {
    let hold = 0;
    for (const needle of this.#needles) {
      needle.search(chunk, this.#heldBytes, this.#ranges);
      hold = Math.max(hold, needle.state);
    }
    const isUntouched = hold === 0 && this.#heldBytes === 0 && this.#ranges.length === 0;
    if (isUntouched) return { bytes: chunk, masked: [] };
    if (chunk.length > 0) this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    return this.#release(this.#heldBytes - hold);
  }

  end(): MaskedBytes {
    for (const needle of this.#needles) needle.state = 0;
    return this.#release(this.#heldBytes);
  }

  #release(length: number): MaskedBytes {
    if (length === 0) return { bytes: NOTHING, masked: [] };
    const bytes = this.#take(length);
    if (this.#ranges.length === 0) return { bytes, masked: [] };
    const masked: MaskedRange[] = [];
    const later: MaskedRange[] = [];
    for (const { offset, length: size } of merged(this.#ranges)) {
      const end = offset + size;
      if (offset < length) masked.push({ offset, length: Math.min(end, length) - offset });
      if (end > length)
        later.push({ offset: Math.max(offset, length) - length, length: end - Math.max(offset, length) });
    }
    this.#ranges = later;
    if (masked.length === 0) return { bytes, masked };
    const copy = Buffer.from(bytes);
    for (const { offset, length: size } of masked) copy.fill(ASTERISK, offset, offset + size);
    return { bytes: copy, masked };
  }

  /** The first `length` held bytes. */
  #take(length: number): Buffer {
    const pieces: Buffer[] = [];
    let missing = length;
    let used = 0;
    while (missing > 0) {
      const piece = this.#held[used]!;
      if (piece.length > missing) {
        pieces.push(piece.subarray(0, missing));
        this.#held[used] = piece.subarray(missing);
        missing = 0;
      } else {
        pieces.push(piece);
        missing -= piece.length;
        used++;
      }
    }
    this.#held = this.#held.slice(used);
    this.#heldBytes -= length;
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }
}
