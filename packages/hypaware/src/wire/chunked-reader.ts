import type { RawHeaders } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import { isHeadText, readFields } from "./head-fields.ts";
import { MalformedResponse } from "./malformed-response.ts";

// A body in chunks (RFC 9112, section 7.1), read beside its way: what its data is, and where it ends.

const NOTHING = Buffer.alloc(0);
const [TAB, LF, CR, SPACE, SEMICOLON, DELETE] = [0x09, 0x0a, 0x0d, 0x20, 0x3b, 0x7f];
const SIZE_DIGITS = 12;

type State = "size" | "extension" | "size-lf" | "data" | "data-cr" | "data-lf" | "trailers" | "end";

export class ChunkedReader {
  #state: State = "size";
  #digits = 0;
  /** Of the chunk that is read, to come. */
  #left = 0;
  #extensionBytes = 0;
  #trailers: Buffer = NOTHING;
  #fields: RawHeaders = [];

  get isWhole(): boolean {
    return this.#state === "end";
  }

  /** Behind the last chunk; once it is whole. */
  get trailers(): RawHeaders {
    return this.#fields;
  }

  /**
   * Reads from `at` to the end of the body or of the bytes and returns where. `onData`: a stretch of data. `onChunks`: the bytes up to there
   * are chunks as they came; trailers and the empty line that ends them are none. Throws MalformedResponse behind what was right.
   */
  read(
    bytes: Buffer,
    at: number,
    onData: (from: number, to: number) => void,
    onChunks: (to: number) => void,
  ): number {
    let i = at;
    try {
      while (i < bytes.length && this.#state !== "trailers") {
        if (this.#state === "data") {
          const to = Math.min(bytes.length, i + this.#left);
          onData(i, to);
          this.#left -= to - i;
          i = to;
          if (this.#left === 0) this.#state = "data-cr";
        } else {
          this.#step(bytes[i]!);
          i++;
        }
      }
    } finally {
      onChunks(i);
    }
    return this.#state === "trailers" ? this.#readTrailers(bytes, i) : i;
  }

  #step(byte: number): void {
    switch (this.#state) {
      case "size": {
        const digit = hexDigit(byte);
        if (digit !== -1 && this.#digits < SIZE_DIGITS) {
          this.#left = this.#left * 16 + digit;
          this.#digits++;
        } else if (this.#digits > 0 && byte === CR) this.#state = "size-lf";
        else if (this.#digits > 0 && byte === SEMICOLON) this.#state = "extension";
        else throw new MalformedResponse("a chunk has no proper size");
        break;
      }
      case "extension":
        if (byte === CR) this.#state = "size-lf";
        else if (
          (byte < SPACE && byte !== TAB) ||
          byte === DELETE ||
          this.#extensionBytes++ > LIMITS.interimHeadBytes
        )
          throw new MalformedResponse("a chunk has no proper extension");
        break;
      case "size-lf":
        expectByte(byte, LF);
        this.#digits = 0;
        this.#extensionBytes = 0;
        this.#state = this.#left === 0 ? "trailers" : "data";
        break;
      case "data-cr":
        expectByte(byte, CR);
        this.#state = "data-lf";
        break;
      default:
        expectByte(byte, LF);
        this.#state = "size";
    }
  }

  #readTrailers(bytes: Buffer, at: number): number {
    const held = this.#trailers.length;
    const all = held === 0 ? bytes.subarray(at) : Buffer.concat([this.#trailers, bytes.subarray(at)]);
    const end = trailersEnd(all);
    if (end === -1) {
      if (all.length > LIMITS.upstreamHeaderBytes) throw new MalformedResponse("the trailers are too long");
      this.#trailers = all;
      return bytes.length;
    }
    const text = all.toString("latin1", 0, end - 2);
    const fields = isHeadText(text) ? readFields(text, 0) : undefined;
    if (fields === undefined) throw new MalformedResponse("a line of the trailers is no field");
    this.#fields = fields;
    this.#state = "end";
    return at + end - held;
  }
}

/** Behind the empty line; -1: it is still to come. */
function trailersEnd(bytes: Buffer): number {
  if (bytes[0] === CR && bytes[1] === LF) return 2;
  const end = bytes.indexOf("\r\n\r\n");
  return end === -1 ? -1 : end + 4;
}

function expectByte(byte: number, wanted: number): void {
  if (byte !== wanted) throw new MalformedResponse("a chunk does not end where it should");
}

/** -1: it is none. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
