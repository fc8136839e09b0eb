import { headerOf } from "./recording.ts";

// Reads one HTTP/1.1 response from bytes as they come (RFC 9112), strictly: what a lenient client would mend is an
// error here, because the point is to see what was really sent.

export interface RawResponse {
  readonly status: number;
  readonly statusText: string;
  /** Name, value, name, value, … in wire order and spelling. */
  readonly rawHeaders: readonly string[];
  /** Without transfer framing, still content-encoded. */
  readonly body: Buffer;
  /** The framing's own end was seen. Never true for a body that ends with the connection. */
  readonly complete: boolean;
  /** The 1xx heads before it. */
  readonly interim: readonly InterimHead[];
  /** Name, value by turns, after the last chunk. */
  readonly trailers: readonly string[];
}

export type InterimHead = Pick<RawResponse, "status" | "statusText" | "rawHeaders">;

type State = "head" | "length" | "chunk-size" | "chunk-data" | "chunk-end" | "trailer" | "close" | "done";

const CRLF = Buffer.from("\r\n");

export class ResponseReader {
  readonly #headRequest: boolean;
  #state: State = "head";
  #pending: Buffer = Buffer.alloc(0);
  #left = 0;
  #status = 0;
  #statusText = "";
  #rawHeaders: string[] = [];
  readonly #body: Buffer[] = [];
  readonly #interim: InterimHead[] = [];
  readonly #trailers: string[] = [];

  /** `method` of the request: an answer to HEAD has no body whatever its headers say. */
  constructor(method = "GET") {
    this.#headRequest = method === "HEAD";
  }

  get done(): boolean {
    return this.#state === "done";
  }

  /** The response head was read. */
  get begun(): boolean {
    return this.#status !== 0;
  }

  /** Only the close of the connection can end this body. */
  get endsWithClose(): boolean {
    return this.#state === "close";
  }

  /** Throws on bytes that are no HTTP/1.1 response, and on bytes after its end. */
  push(bytes: Buffer): void {
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    while (this.#pending.length > 0 && this.#step()) continue;
    if (this.done && this.#pending.length > 0) throw new Error(`${this.#pending.length} bytes after the end`);
  }

  response(): RawResponse {
    return {
      status: this.#status,
      statusText: this.#statusText,
      rawHeaders: this.#rawHeaders,
      body: Buffer.concat(this.#body),
      complete: this.done,
      interim: this.#interim,
      trailers: this.#trailers,
    };
  }

  /** One token; false when it is not whole yet. */
  #step(): boolean {
    switch (this.#state) {
      case "head": {
        const end = this.#pending.indexOf("\r\n\r\n");
        if (end < 0) return false;
        this.#readHead(
          this.#take(end + 4)
            .toString("latin1")
            .slice(0, -4),
        );
        return true;
      }
      case "length":
      case "chunk-data":
        this.#left -= this.#append(this.#left);
        if (this.#left === 0) this.#state = this.#state === "length" ? "done" : "chunk-end";
        return true;
      case "chunk-size": {
        const line = this.#line();
        if (line === undefined) return false;
        if (!/^[0-9a-f]+(;.*)?$/i.test(line)) throw new Error(`not a chunk size: ${line}`);
        this.#left = Number.parseInt(line, 16);
        this.#state = this.#left === 0 ? "trailer" : "chunk-data";
        return true;
      }
      case "chunk-end":
        if (this.#pending.length < CRLF.length) return false;
        if (!this.#take(CRLF.length).equals(CRLF)) throw new Error("a chunk without its line end");
        this.#state = "chunk-size";
        return true;
      case "trailer": {
        const line = this.#line();
        if (line === "") this.#state = "done";
        else if (line !== undefined) this.#trailers.push(...fieldOf(line));
        return line !== undefined;
      }
      case "close":
        this.#append(this.#pending.length);
        return true;
      case "done":
        return false;
    }
  }

  #readHead(text: string): void {
    const [first = "", ...lines] = text.split("\r\n");
    const match = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(first);
    if (match === null) throw new Error(`not a status line: ${first}`);
    this.#status = Number(match[1]);
    this.#statusText = match[2] ?? "";
    this.#rawHeaders = lines.flatMap(fieldOf);
    if (this.#status < 200 && this.#status !== 101) {
      this.#interim.push({
        status: this.#status,
        statusText: this.#statusText,
        rawHeaders: this.#rawHeaders,
      });
      this.#status = 0;
      this.#statusText = "";
      this.#rawHeaders = [];
      return;
    }
    const length = headerOf(this.#rawHeaders, "content-length");
    if (this.#headRequest || this.#status === 204 || this.#status === 304 || this.#status === 101) {
      this.#state = "done";
    } else if (headerOf(this.#rawHeaders, "transfer-encoding") !== undefined) {
      this.#state = "chunk-size";
    } else if (length !== undefined) {
      this.#left = Number(length);
      this.#state = this.#left === 0 ? "done" : "length";
    } else {
      this.#state = "close";
    }
  }

  /** A line without its end; undefined when it is not whole yet. */
  #line(): string | undefined {
    const end = this.#pending.indexOf(CRLF);
    return end < 0
      ? undefined
      : this.#take(end + 2)
          .toString("latin1")
          .slice(0, -2);
  }

  #take(length: number): Buffer {
    const taken = this.#pending.subarray(0, length);
    this.#pending = this.#pending.subarray(length);
    return taken;
  }

  #append(atMost: number): number {
    const taken = this.#take(Math.min(atMost, this.#pending.length));
    this.#body.push(taken);
    return taken.length;
  }
}

function fieldOf(line: string): [name: string, value: string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}
