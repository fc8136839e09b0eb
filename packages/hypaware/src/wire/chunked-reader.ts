import type { RawHeaders } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import { isHeadText, mayBecomeHead, readFields } from "./head-fields.ts";
import { headerValue } from "./headers.ts";
import { MalformedResponse } from "./malformed-response.ts";

// A body in chunks (RFC 9112, section 7.1), read beside its way: what its data is, and where it ends. An answer of events has hundreds of
// chunks, so nothing is made for each of them, and their usual bounds are read at once: `#readSize` and `#readEnd` know the most
// usual ones, and `#step` knows all, byte by byte.

const NOTHING = Buffer.alloc(0);
const [TAB, LF, CR, SPACE, SEMICOLON, DELETE] = [0x09, 0x0a, 0x0d, 0x20, 0x3b, 0x7f];
const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILERS = 6;
const END = 7;

/** What a stretch of bytes holds of a body. */
export interface ReadChunks {
  /** Behind the chunks; trailers, and the empty line that ends them, are none. */
  readonly chunksEnd: number;
  /** Behind the body, or the end of the bytes. */
  readonly end: number;
  readonly data: Buffer;
  /** What is behind `chunksEnd` cannot be read. */
  readonly error: MalformedResponse | undefined;
}

export class ChunkedReader {
  #state = SIZE;
  #hasSize = false;
  /** Of the chunk that is read, to come. */
  #left = 0;
  #extensionBytes = 0;
  #trailers: Buffer = NOTHING;
  #fields: RawHeaders = [];

  get isWhole(): boolean {
    return this.#state === END;
  }

  /** Behind the last chunk; once it is whole. */
  get trailers(): RawHeaders {
    return this.#fields;
  }

  /** Reads from `at`. */
  read(bytes: Buffer, at: number): ReadChunks {
    const data = new Stretches(bytes);
    let i = at;
    let error: MalformedResponse | undefined;
    while (i < bytes.length && this.#state < TRAILERS) {
      if (this.#state === SIZE) i = this.#readSize(bytes, i);
      if (this.#state === DATA) {
        const to = Math.min(bytes.length, i + this.#left);
        data.add(i, to);
        this.#left -= to - i;
        i = this.#left === 0 ? this.#readEnd(bytes, to) : to;
      } else if (i < bytes.length) {
        error = this.#step(bytes[i]!);
        if (error) break;
        i++;
      }
    }
    const chunksEnd = i;
    if (this.#state === TRAILERS && error === undefined) {
      const read = this.#readTrailers(bytes, i);
      if (typeof read === "number") i = read;
      else error = read;
    }
    return { chunksEnd, end: i, data: data.joined, error };
  }

  /** Behind the line of a usual size, if all of it is here and data follows; or `at`, and nothing is read. */
  #readSize(bytes: Buffer, at: number): number {
    let size = 0;
    let i = at;
    for (; i < bytes.length && i - at < USUAL_DIGITS; i++) {
      const digit = hexDigit(bytes[i]!);
      if (digit === -1) break;
      size = size * 16 + digit;
    }
    if (this.#hasSize || size === 0 || bytes[i] !== CR || bytes[i + 1] !== LF || i + 2 === bytes.length)
      return at;
    this.#left = size;
    this.#state = DATA;
    return i + 2;
  }

  /** Behind the line end that ends a chunk, if all of it is here; or `at`, and nothing is read of it. */
  #readEnd(bytes: Buffer, at: number): number {
    if (bytes[at] !== CR || bytes[at + 1] !== LF) {
      this.#state = DATA_CR;
      return at;
    }
    this.#state = SIZE;
    return at + 2;
  }

  #step(byte: number): MalformedResponse | undefined {
    switch (this.#state) {
      case SIZE: {
        const digit = hexDigit(byte);
        if (digit !== -1 && this.#left <= MAX_SIZE / 16) {
          this.#left = this.#left * 16 + digit;
          this.#hasSize = true;
        } else if (this.#hasSize && byte === CR) this.#state = SIZE_LF;
        else if (this.#hasSize && byte === SEMICOLON) this.#state = EXTENSION;
        else return new MalformedResponse("a chunk has no proper size");
        return undefined;
      }
      case EXTENSION:
        if (byte === CR) this.#state = SIZE_LF;
        else if (
          (byte < SPACE && byte !== TAB) ||
          byte === DELETE ||
          ++this.#extensionBytes > LIMITS.chunkExtensionBytes
        )
          return new MalformedResponse("a chunk has no proper extension");
        return undefined;
      case SIZE_LF:
        this.#hasSize = false;
        this.#extensionBytes = 0;
        this.#state = this.#left === 0 ? TRAILERS : DATA;
        return byte === LF ? undefined : new MalformedResponse("a chunk's size does not end with its line");
      case DATA_CR:
        this.#state = DATA_LF;
        return byte === CR ? undefined : new MalformedResponse("a chunk is longer than its size");
      default:
        this.#state = SIZE;
        return byte === LF ? undefined : new MalformedResponse("a chunk is longer than its size");
    }
  }

  /** Where they end, or the end of the bytes. */
  #readTrailers(bytes: Buffer, at: number): number | MalformedResponse {
    const held = this.#trailers.length;
    const all = held === 0 ? bytes.subarray(at) : Buffer.concat([this.#trailers, bytes.subarray(at)]);
    const end = trailersEnd(all, held);
    if ((end === -1 ? all.length : end) > LIMITS.upstreamHeaderBytes)
      return new MalformedResponse("its trailers are too long");
    if (end === -1) {
      if (!mayBecomeHead(all, held)) return new MalformedResponse(NO_FIELD);
      this.#trailers = all;
      return bytes.length;
    }
    const text = all.toString("latin1", 0, end - 2);
    const fields = isHeadText(text) ? readFields(text, 0) : undefined;
    if (fields === undefined) return new MalformedResponse(NO_FIELD);
    if (headerValue(fields, "content-length") !== undefined)
      return new MalformedResponse("its trailers tell another length");
    this.#fields = fields;
    this.#state = END;
    return at + end - held;
  }
}

const NO_FIELD = "a line of its trailers is no field";
const MAX_SIZE = 2 ** 48;
const USUAL_DIGITS = 6;

/** Stretches of some bytes, in order, put together. One alone is not copied; to move each within one copy is cheaper than to copy each. */
class Stretches {
  readonly #bytes: Buffer;
  #start = 0;
  #length = 0;
  /** From the first one's start. */
  #copy: Buffer | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  add(from: number, to: number): void {
    if (this.#length === 0) this.#start = from;
    else {
      this.#copy ??= Buffer.from(this.#bytes.subarray(this.#start));
      this.#copy.copyWithin(this.#length, from - this.#start, to - this.#start);
    }
    this.#length += to - from;
  }

  get joined(): Buffer {
    return (
      this.#copy?.subarray(0, this.#length) ?? this.#bytes.subarray(this.#start, this.#start + this.#length)
    );
  }
}

/** Behind the empty line; -1: it is still to come. The first `seen` bytes do not hold all of it. */
function trailersEnd(bytes: Buffer, seen: number): number {
  if (bytes[0] === CR && bytes[1] === LF) return 2;
  const end = bytes.indexOf("\r\n\r\n", Math.max(0, seen - 3));
  return end === -1 ? -1 : end + 4;
}

/** -1: it is none. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
