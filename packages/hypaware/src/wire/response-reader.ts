import type { RawHeaders } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import { ChunkedReader } from "./chunked-reader.ts";
import { isHeadText, mayBecomeHead, readFields } from "./head-fields.ts";
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
const LENGTH = /^0*\d{1,15}$/;
const NO_STATUS_LINE = "it has no proper status line";
const NO_FIELD = "a line of its head is no field";
const VERSION = "HTTP/1.";

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
      const seen = this.#held.length;
      const all = seen === 0 ? bytes : Buffer.concat([this.#held, bytes]);
      const at = this.#readHeads(all, seen);
      if (this.#head === undefined) this.#held = all.subarray(at);
      else this.#readBody(all, at);
    } else this.#readBody(bytes, 0);
  }

  /** The upstream sends no more. False: that is not the end of the answer. */
  finish(): boolean {
    return this.#head?.ending === "close" || this.isWhole;
  }

  /** Where the next head begins that is not whole, or behind the final one. `seen`: what came before, which is looked at once. */
  #readHeads(bytes: Buffer, seen: number): number {
    for (let at = 0; ;) {
      while (bytes[at] === CR || bytes[at] === LF) at++;
      const end = bytes.indexOf(HEAD_END, Math.max(at, seen - HEAD_END.length + 1));
      const next = end === -1 ? bytes.length : end + HEAD_END.length;
      if (next - at > LIMITS.upstreamHeaderBytes) throw new MalformedResponse("its head is too long");
      if (end === -1) {
        const start = bytes.toString("latin1", at, at + VERSION.length);
        // What cannot become a head is not waited for: who speaks another protocol may say no more.
        if (!VERSION.startsWith(start)) throw new MalformedResponse(NO_STATUS_LINE);
        if (!mayBecomeHead(bytes.subarray(at), Math.max(0, seen - at))) throw new MalformedResponse(NO_FIELD);
        return at;
      }
      const head = readHead(bytes.toString("latin1", at, end + 2));
      at = next;
      if (head.status >= 200 || head.status === 101) {
        this.#begin(head);
        return at;
      }
      this.#listener.onInterim(head);
    }
  }

  #begin({ minor, length, isChunked, ...head }: FramedHead): void {
    const { status, headers } = head;
    const ending =
      status === 101
        ? "switch"
        : this.#method === "HEAD" || status === 204 || status === 304
          ? "none"
          : isChunked
            ? "chunks"
            : length !== undefined
              ? "length"
              : "close";
    if (ending === "length") this.#left = length!;
    if (ending === "chunks") this.#chunks = new ChunkedReader();
    const tokens = connectionTokens(headers);
    // The second is no field of HTTP, but there are proxies that mean it.
    const saysClose =
      tokens.includes("close") || /close/i.test(headerValues(headers, "proxy-connection").join());
    const keepsConnection =
      ending !== "close" && !saysClose && (minor === 1 || tokens.includes("keep-alive"));
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

interface FramedHead extends ReadHead {
  /** Of the version. */
  readonly minor: number;
  readonly length: number | undefined;
  readonly isChunked: boolean;
}

function readHead(text: string): FramedHead {
  const line = STATUS_LINE.exec(text);
  if (line === null || !isHeadText(text)) throw new MalformedResponse(NO_STATUS_LINE);
  const headers = readFields(text, line[0].length);
  if (headers === undefined) throw new MalformedResponse(NO_FIELD);
  const [minor, length] = [Number(line[1]), lengthOf(headers)];
  const codings = headerValues(headers, "transfer-encoding");
  if (codings.length > 0 && (length !== undefined || minor === 0 || codings.includes("")))
    throw new MalformedResponse("its transfer encoding leaves its end in doubt");
  const isChunked = /(?:^|,)[\t ]*chunked$/i.test(codings.join());
  return { status: Number(line[2]), statusText: line[3] ?? "", headers, minor, length, isChunked };
}

function lengthOf(headers: RawHeaders): number | undefined {
  const value = headerValue(headers, "content-length");
  if (value === undefined) return undefined;
  if (!LENGTH.test(value) || headerValues(headers, "content-length").length > 1)
    throw new MalformedResponse("its length is none");
  return Number(value);
}
