import type { RawHeaders } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import { ChunkedReader } from "./chunked-reader.ts";
import { isHeadText, readFields } from "./head-fields.ts";
import { connectionTokens, headerValue, headerValues } from "./headers.ts";
import { MalformedResponse } from "./malformed-response.ts";

// The answer to one request, read beside its way to the client: its heads, where it ends, and what its body is without the bounds of
// chunks. As strict as RFC 9112: what two readers could understand in two ways is refused.

/** Each byte a character. */
export interface ReadHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: RawHeaders;
}

/** Of the final answer. */
export interface ResponseHead extends ReadHead {
  /** What ends the body. `switch`: a 101; what follows is another protocol. */
  readonly ending: "none" | "length" | "chunks" | "close" | "switch";
  /** Another request may follow on the connection. */
  readonly keepsConnection: boolean;
}

export interface ResponseListener {
  /** A 1xx head. */
  onInterim(head: ReadHead): void;
  onHead(head: ResponseHead): void;
  /** At most once a `read`. `wire`: as it came, up to trailers. `data`: the body's bytes in it. */
  onBody(wire: Buffer, data: Buffer): void;
}

const NOTHING = Buffer.alloc(0);
const HEAD_END = Buffer.from("\r\n\r\n");
const [LF, CR] = [0x0a, 0x0d];
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n/;
const LENGTH = /^\d{1,15}$/;
const BARE_LF = /(?<!\r)\n/;

export class ResponseReader {
  readonly #method: string;
  readonly #listener: ResponseListener;
  /** What came of a head that is not whole. */
  #held: Buffer = NOTHING;
  #head: ResponseHead | undefined;
  #chunks: ChunkedReader | undefined;
  /** Of a body with a length, to come. */
  #left = 0;
  #hasBegun = false;
  #rest: Buffer = NOTHING;

  constructor(method: string, listener: ResponseListener) {
    this.#method = method;
    this.#listener = listener;
  }

  /** A byte came. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  get isWhole(): boolean {
    switch (this.#head?.ending) {
      case undefined:
      case "close":
        return false;
      case "none":
      case "switch":
        return true;
      case "length":
        return this.#left === 0;
      case "chunks":
        return this.#chunks?.isWhole === true;
    }
  }

  /** What came behind the answer's end. */
  get rest(): Buffer {
    return this.#rest;
  }

  get trailers(): RawHeaders {
    return this.#chunks?.trailers ?? [];
  }

  /** The next bytes of the connection. Throws MalformedResponse; what was right before is told. */
  read(bytes: Buffer): void {
    this.#hasBegun = true;
    if (this.#head === undefined) {
      const all = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
      const at = this.#readHeads(all);
      if (this.#head === undefined) this.#held = all.subarray(at);
      else this.#readBody(all, at);
    } else this.#readBody(bytes, 0);
  }

  /** The upstream sends no more. False: that is not the end of the answer. */
  finish(): boolean {
    return this.#head?.ending === "close" || this.isWhole;
  }

  /** Where the next head begins that is not whole, or behind the final one. */
  #readHeads(bytes: Buffer): number {
    for (let at = 0; ;) {
      while (bytes[at] === CR || bytes[at] === LF) at++;
      const end = bytes.indexOf(HEAD_END, at);
      if (end === -1) {
        if (bytes.length - at > LIMITS.upstreamHeaderBytes)
          throw new MalformedResponse("its head is too long");
        if (BARE_LF.test(bytes.toString("latin1", at)))
          throw new MalformedResponse("a line of its head ends in a bare LF");
        return at;
      }
      if (end - at > LIMITS.upstreamHeaderBytes) throw new MalformedResponse("its head is too long");
      const head = readHead(bytes.toString("latin1", at, end + 2));
      at = end + HEAD_END.length;
      if (head.status >= 200 || head.status === 101) {
        this.#begin(head);
        return at;
      }
      this.#listener.onInterim(head);
    }
  }

  #begin({ minor, ...head }: ReadHead & { readonly minor: number }): void {
    const { status, headers } = head;
    const length = lengthOf(headers);
    const codings = headerValues(headers, "transfer-encoding");
    const isChunked = /(?:^|,)[\t ]*chunked$/i.test(codings.join());
    if (codings.length > 0 && (length !== undefined || minor === 0))
      throw new MalformedResponse("it has a transfer encoding and a length");
    const ending =
      status === 101
        ? "switch"
        : this.#method === "HEAD" || status === 204 || status === 304
          ? "none"
          : isChunked
            ? "chunks"
            : codings.length === 0 && length !== undefined
              ? "length"
              : "close";
    if (ending === "length") this.#left = length!;
    if (ending === "chunks") this.#chunks = new ChunkedReader();
    const tokens = connectionTokens(headers);
    const keepsConnection =
      ending !== "close" && !tokens.includes("close") && (minor === 1 || tokens.includes("keep-alive"));
    this.#head = { ...head, ending, keepsConnection };
    this.#listener.onHead(this.#head);
  }

  #readBody(bytes: Buffer, at: number): void {
    switch (this.#head!.ending) {
      case "none":
      case "switch":
        this.#rest = bytes.subarray(at);
        break;
      case "close":
        this.#tell(bytes.subarray(at));
        break;
      case "length": {
        const end = Math.min(bytes.length, at + this.#left);
        this.#left -= end - at;
        this.#rest = bytes.subarray(end);
        this.#tell(bytes.subarray(at, end));
        break;
      }
      case "chunks":
        this.#readChunks(this.#chunks!, bytes, at);
    }
  }

  #readChunks(chunks: ChunkedReader, bytes: Buffer, at: number): void {
    const { chunksEnd, end, data, error } = chunks.read(bytes, at);
    if (chunksEnd > at) this.#listener.onBody(bytes.subarray(at, chunksEnd), data);
    if (error) throw error;
    this.#rest = bytes.subarray(end);
  }

  #tell(bytes: Buffer): void {
    if (bytes.length > 0) this.#listener.onBody(bytes, bytes);
  }
}

function readHead(text: string): ReadHead & { readonly minor: number } {
  const line = STATUS_LINE.exec(text);
  if (line === null || !isHeadText(text)) throw new MalformedResponse("it has no proper status line");
  const headers = readFields(text, line[0].length);
  if (headers === undefined) throw new MalformedResponse("a line of its head is no field");
  return { status: Number(line[2]), statusText: line[3] ?? "", headers, minor: Number(line[1]) };
}

function lengthOf(headers: RawHeaders): number | undefined {
  const value = headerValue(headers, "content-length");
  if (value === undefined) return undefined;
  if (!LENGTH.test(value) || headerValues(headers, "content-length").length > 1)
    throw new MalformedResponse("its length is none");
  return Number(value);
}
