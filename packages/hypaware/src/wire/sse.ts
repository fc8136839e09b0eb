// Server-sent events as the WHATWG event-stream grammar has them, read incrementally. Work is on bytes: line ends are ASCII, so
// a line is a whole piece of UTF-8 wherever the chunks were cut. Each byte is looked at a fixed number of times, whatever the
// chunking. Two differences from a browser, because we record instead of act: an event with a name and no data is kept, and so
// is a last event with data whose blank line never came.

/** `event` is `message` when the stream gave no name; `id` only when this event's own block had one. */
export interface SseEvent {
  readonly event: string;
  readonly data: string;
  readonly id?: string;
}

const END_OF_BLOCK = "\n\n";
const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

export class SseParser {
  readonly #onEvent: (event: SseEvent, end: number) => void;
  readonly #maxEventBytes: number;
  /** Beginning of the line that has no end yet; the buffer is longer than what is kept. */
  #line = Buffer.alloc(0);
  #kept = 0;
  /** Length of that line, kept or not. */
  #lineBytes = 0;
  #firstLine = true;
  /** The last byte was CR: a LF that follows belongs to it. */
  #afterCr = false;
  #event = "";
  #data: string | undefined;
  #id: string | undefined;
  /** Bytes of the lines kept for the current block, its unfinished line included. */
  #blockBytes = 0;
  /** The current block is over the bound and is passed over until its blank line. */
  #skipping = false;
  #truncated = false;

  /** Bytes of the stream before the current chunk, and up to the end of the current line. */
  #before = 0;
  #lineEnd = 0;

  /** `end`: of the event in the stream, in bytes, its blank line included. */
  constructor(
    onEvent: (event: SseEvent, end: number) => void,
    options: { readonly maxEventBytes?: number } = {},
  ) {
    this.#onEvent = onEvent;
    this.#maxEventBytes = options.maxEventBytes ?? Number.POSITIVE_INFINITY;
  }

  /** An event was dropped because it was longer than `maxEventBytes`. */
  get truncated(): boolean {
    return this.#truncated;
  }

  /** The bytes may be reused after the call. */
  push(bytes: Uint8Array): void {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let start = 0;
    if (this.#afterCr && chunk.length > 0) {
      this.#afterCr = false;
      if (chunk[0] === LF) start = 1;
    }
    if (this.#lineBytes === 0) start = this.#takeBlocks(chunk, start);
    // Each is searched again only when passed: one search per line end, and one more per chunk.
    let lf = nextOf(chunk, LF, start);
    let cr = nextOf(chunk, CR, start);
    while (lf < chunk.length || cr < chunk.length) {
      const end = Math.min(lf, cr);
      this.#lineEnd = this.#before + end + 1;
      const piece = chunk.subarray(start, end);
      if (this.#lineBytes === 0 && this.#fits(piece)) {
        this.#blockBytes += piece.length;
        this.#takeLine(piece, piece.length);
      } else {
        this.#append(piece);
        this.#endLine();
      }
      start = end + 1;
      if (end === cr) {
        if (start === chunk.length) this.#afterCr = true;
        else if (chunk[start] === LF) start += 1;
      }
      if (lf < start) lf = nextOf(chunk, LF, start);
      if (cr < start) cr = nextOf(chunk, CR, start);
    }
    this.#append(chunk.subarray(start));
    this.#before += chunk.length;
  }

  /** The stream is over. */
  end(): void {
    this.#lineEnd = this.#before;
    if (this.#lineBytes > 0) this.#endLine();
    if (this.#data !== undefined) this.#endBlock();
  }

  /**
   * The usual chunk ends with the end of an event and has no CR: up to there it is decoded at once, which is exact because a
   * LF is part of no other character. Returns where the rest begins.
   */
  #takeBlocks(chunk: Buffer, start: number): number {
    const last = chunk.lastIndexOf(END_OF_BLOCK);
    const mayHaveMark = this.#firstLine && chunk[start] === BOM[0];
    if (last < start || mayHaveMark || this.#skipping) return start;
    const end = last + END_OF_BLOCK.length;
    const blocks = chunk.subarray(start, end);
    if (!this.#fits(blocks) || blocks.includes(CR)) return start;
    this.#firstLine = false;
    const text = blocks.toString("utf8");
    // Then each character was one byte.
    const isSame = text.length === blocks.length;
    let lineEnd = 0;
    for (let at = 0, lf = 0; at < text.length; at = lf + 1) {
      lf = text.indexOf("\n", at);
      lineEnd = isSame ? lf + 1 : blocks.indexOf(LF, lineEnd) + 1;
      if (lf > at) this.#field(text, at, lf);
      else {
        this.#lineEnd = this.#before + start + lineEnd;
        this.#endBlock();
      }
    }
    return end;
  }

  #fits(piece: Buffer): boolean {
    return this.#blockBytes + piece.length <= this.#maxEventBytes;
  }

  #append(piece: Buffer): void {
    if (piece.length === 0) return;
    if (this.#fits(piece)) this.#keep(piece);
    else {
      // The first byte tells a comment, which belongs to no event however long it is.
      if (this.#kept === 0) this.#keep(piece.subarray(0, 1));
      if (!this.#skipping && this.#line[0] !== COLON) {
        this.#skipping = true;
        this.#truncated = true;
        this.#data = undefined;
      }
    }
    this.#lineBytes += piece.length;
    this.#blockBytes += piece.length;
  }

  #keep(piece: Buffer): void {
    const needed = this.#kept + piece.length;
    if (needed > this.#line.length) {
      // Doubling keeps the copying linear when the pieces are single bytes.
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#line.length, 256));
      this.#line.copy(larger, 0, 0, this.#kept);
      this.#line = larger;
    }
    piece.copy(this.#line, this.#kept);
    this.#kept = needed;
  }

  #endLine(): void {
    const line = this.#line.subarray(0, this.#kept);
    const length = this.#lineBytes;
    this.#line = Buffer.alloc(0);
    this.#kept = 0;
    this.#lineBytes = 0;
    this.#takeLine(line, length);
  }

  /** `line` is shorter than `length` when a bound cut it. */
  #takeLine(line: Buffer, length: number): void {
    const hasMark = this.#firstLine && line.subarray(0, BOM.length).equals(BOM);
    this.#firstLine = false;
    const text = hasMark ? line.subarray(BOM.length) : line;
    if (text.length === 0) this.#endBlock();
    else if (text[0] === COLON) this.#blockBytes -= length;
    else if (!this.#skipping) {
      const line = text.toString("utf8");
      this.#field(line, 0, line.length);
    }
  }

  /** The line of `text` from `start` to `end`. Comments and fields that are not known are of no concern. */
  #field(text: string, start: number, end: number): void {
    const data = valueOf("data", text, start, end);
    if (data !== undefined) {
      this.#data = this.#data === undefined ? data : `${this.#data}\n${data}`;
      return;
    }
    const event = valueOf("event", text, start, end);
    if (event !== undefined) {
      this.#event = event;
      return;
    }
    // One with a NUL is ignored by the grammar.
    const id = valueOf("id", text, start, end);
    if (id?.includes("\0") === false) this.#id = id;
  }

  #endBlock(): void {
    const kept = !this.#skipping && (this.#data !== undefined || this.#event !== "");
    const event = this.#event === "" ? "message" : this.#event;
    const data = this.#data ?? "";
    const id = this.#id;
    this.#event = "";
    this.#data = undefined;
    this.#id = undefined;
    this.#blockBytes = 0;
    this.#skipping = false;
    if (kept) this.#onEvent(id === undefined ? { event, data } : { event, data, id }, this.#lineEnd);
  }
}

/** Of the line's field, if it has this name. */
function valueOf(name: string, text: string, start: number, end: number): string | undefined {
  if (!text.startsWith(name, start)) return undefined;
  const at = start + name.length;
  if (at === end) return "";
  if (text[at] !== ":") return undefined;
  return text.slice(text[at + 1] === " " ? at + 2 : at + 1, end);
}

/** `chunk.length` when there is none. */
function nextOf(chunk: Buffer, byte: number, from: number): number {
  const found = chunk.indexOf(byte, from);
  return found === -1 ? chunk.length : found;
}
