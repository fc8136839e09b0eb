import type { Socket } from "node:net";
import type { RawHeaders } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";

// Looks at the heads of answers on their way from an upstream's socket to undici, for what undici does not tell or bear: the
// status text as bytes (it decodes UTF-8, and of a text that comes in pieces it keeps the last one), and 1xx answers, which are
// taken out and told (a 100 that it did not ask for breaks the connection). Nothing else is changed but for empty lines in front of
// a head, and what is not as it should be is left for undici to judge.
//
// undici takes bytes by `socket.read()` and by nothing else. Between two answers, and behind the status line of a final one, they
// pass untouched: also those that undici puts back and reads again.

const NOTHING = Buffer.alloc(0);
const [LF, CR] = [0x0a, 0x0d];
const STATUS_LINE = /^HTTP\/\d\.\d (\d{3})(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const FIELD = /^([\w!#$%&'*+.^`|~-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*)$/;

/** A 1xx head; each byte a character. */
export interface InterimHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: RawHeaders;
}

export type OnInterim = (head: InterimHead) => void;

export class UpstreamHeads {
  /** What came of the head that is due and must wait for its rest; undefined while none is due. */
  #held: Buffer | undefined;
  #hasBegun = false;
  #statusText = "";
  #onInterim: OnInterim | undefined;

  constructor(socket: Socket) {
    const read = socket.read.bind(socket) as (size?: number) => Buffer | null;
    socket.read = (size?: number) => this.#filter(read(size));
  }

  /** A byte of the answer that is due came. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Of the final head; each byte a character. */
  get statusText(): string {
    return this.#statusText;
  }

  /** A request goes out: heads come until a final one. */
  expect(onInterim: OnInterim): void {
    this.#held = NOTHING;
    this.#hasBegun = false;
    this.#statusText = "";
    this.#onInterim = onInterim;
  }

  /** Null, as from `read()`: wait for more. */
  #filter(chunk: Buffer | null): Buffer | null {
    if (chunk === null || this.#held === undefined) return chunk;
    this.#hasBegun = true;
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    for (let at = 0; ;) {
      while (bytes[at] === CR || bytes[at] === LF) at++;
      const lineEnd = bytes.indexOf(LF, at);
      const line = STATUS_LINE.exec(lineOf(bytes, at, lineEnd));
      const isInterim = line?.[1]?.startsWith("1") === true && line[1] !== "101";
      const end = isInterim ? emptyLineEnd(bytes, lineEnd + 1) : lineEnd;
      if (end === -1 && bytes.length - at <= LIMITS.interimHeadBytes) {
        this.#held = bytes.subarray(at);
        return null;
      }
      const headers = isInterim && end !== -1 ? fieldsOf(bytes, lineEnd + 1, end) : undefined;
      if (headers === undefined) {
        this.#held = undefined;
        this.#statusText = line?.[2] ?? "";
        return bytes.subarray(at);
      }
      this.#onInterim?.({ status: Number(line?.[1]), statusText: line?.[2] ?? "", headers });
      at = end;
    }
  }
}

/** Without its end. */
function lineOf(bytes: Buffer, start: number, lineEnd: number): string {
  return bytes.toString("latin1", start, bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd);
}

/** Behind the first empty line from `at`, where a line begins; -1: it is still to come. */
function emptyLineEnd(bytes: Buffer, at: number): number {
  for (let start = at; ;) {
    const end = bytes.indexOf(LF, start);
    if (end === -1) return -1;
    if (lineOf(bytes, start, end) === "") return end + 1;
    start = end + 1;
  }
}

/** `undefined`: a line is no field. */
function fieldsOf(bytes: Buffer, start: number, end: number): string[] | undefined {
  const fields: string[] = [];
  for (const line of bytes.toString("latin1", start, end).split("\r\n").slice(0, -2)) {
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    fields.push(name, value.trimEnd());
  }
  return fields;
}
