import type { Socket } from "node:net";
import type { RawHeaders } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import { fieldLines } from "../wire/head-fields.ts";
import { forwardable } from "../wire/headers.ts";
import { type PlainRequest, readPlainRequest } from "../wire/plain-request.ts";
import type { ResponseHead } from "../wire/response-reader.ts";
import { headBytes, type OwnAnswer } from "./answer.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { AnswerPiece, ClientRequest, ClientSide, UploadTaker } from "./client-side.ts";
import { passOn, passOnTogether } from "./pass-on.ts";

// A connection whose requests are plain, read and answered without a library between: an answer's bytes go on as they came, chunks
// as chunks. The first request that is not plain takes the connection to node:http, with all that follows it.

const NOTHING = Buffer.alloc(0);
const KEPT = `Connection: keep-alive\r\nKeep-Alive: timeout=${LIMITS.keepAliveTimeoutMs / 1_000}\r\n\r\n`;
const ENDING = "Connection: close\r\n\r\n";
const NONE: ReadonlySet<string> = new Set();
/** The body goes on in it. */
const CODING: ReadonlySet<string> = new Set(["transfer-encoding"]);
const TRAILER: ReadonlySet<string> = new Set(["trailer"]);

export interface PlainClientOptions {
  readonly connection: ClientConnection;
  /** A request is there. */
  readonly onRequest: (client: PlainClient) => void;
  /** From here on another reader has the socket. What it reads first is what was no plain request. */
  readonly onUnusual: (socket: Socket) => void;
  /** No further request is taken. */
  readonly isStopping: () => boolean;
}

export class PlainClient implements ClientSide {
  readonly connection: ClientConnection;
  readonly canUpgrade = false;
  readonly #options: PlainClientOptions;
  readonly #socket: Socket;
  /** The present request, until its answer is given and its body has come. */
  #plain: PlainRequest | undefined;
  #isAnswered = false;
  #requests = 0;
  /** Since when none is; on the clock of `performance.now()`. */
  #idleSince = performance.now();
  /** Of its body, to come from the socket … */
  #bodyLeft = 0;
  /** … and here, while nobody takes it. */
  #body: Buffer[] = [];
  #taker: UploadTaker | undefined;
  /** What came behind it. */
  #early: Buffer = NOTHING;
  /** Goes out with the answer's first bytes. */
  #head = "";
  #ending: ResponseHead["ending"] = "none";

  constructor(options: PlainClientOptions) {
    this.#options = options;
    this.connection = options.connection;
    this.#socket = options.connection.socket;
    this.#socket.on("data", this.#onData);
    this.#socket.on("drain", this.#onDrain);
    this.#socket.on("end", this.#onEnd);
    this.#socket.on("error", ignore);
  }

  get request(): ClientRequest {
    const { method, target, headers, bodyBytes } = this.#plain!;
    return { method, target, headers, isHttp10: false, body: bodyBytes > 0 ? "sized" : "none" };
  }

  /** No request came for longer than one may take. `isFresh`: none has ever come. */
  isLate(now: number): { readonly isFresh: boolean } | undefined {
    if (this.#plain !== undefined) return undefined;
    const isFresh = this.#requests === 0;
    const limit = isFresh ? LIMITS.headersTimeoutMs : LIMITS.keepAliveTimeoutMs;
    return now - this.#idleSince > limit ? { isFresh } : undefined;
  }

  take(taker: UploadTaker): void {
    this.#taker = taker;
    const waiting = this.#body;
    this.#body = [];
    for (const bytes of waiting) taker.upload(bytes);
    if (this.#bodyLeft === 0 && this.#plain!.bodyBytes > 0) taker.uploadEnd();
    this.resumeUpload();
  }

  pauseUpload(): void {
    if (this.#bodyLeft > 0) this.#socket.pause();
  }

  resumeUpload(): void {
    if (this.#early.length < LIMITS.headerBytes) this.#socket.resume();
  }

  answer(answer: OwnAnswer): void {
    const own = this.#isLast() ? ["connection", "close"] : [];
    const head = headBytes(answer.status, answer.statusText, [...answer.headers, ...own]);
    this.#socket.write(this.#plain!.method === "HEAD" ? head : Buffer.concat([head, answer.body]));
    this.#finish();
  }

  inform(head: Buffer): void {
    this.#socket.write(head);
  }

  begin({ status, statusText, headers, ending }: ResponseHead): void {
    this.#ending = ending;
    const fields = forwardable(headers, ending === "chunks" ? NONE : TRAILER, CODING);
    this.#head = `HTTP/1.1 ${status} ${statusText}\r\n${fieldLines(fields)}${this.#isLast() ? ENDING : KEPT}`;
  }

  send({ wire }: AnswerPiece): boolean {
    const head = this.#takeHead();
    return head === "" ? passOn(this.#socket, wire) : passOnTogether(this.#socket, head, wire);
  }

  end({ wire }: AnswerPiece, trailers: RawHeaders): void {
    const head = this.#takeHead();
    const tail = this.#ending === "chunks" ? `${fieldLines(forwardable(trailers))}\r\n` : "";
    if (head !== "" || wire.length > 0 || tail !== "") passOnTogether(this.#socket, head, wire, tail);
    this.#finish();
  }

  #takeHead(): string {
    const head = this.#head;
    this.#head = "";
    return head;
  }

  breakOff(where: "before-answer" | "in-answer"): void {
    const socket = this.#socket;
    if (where === "before-answer") socket.resetAndDestroy();
    else if (this.#ending !== "close") socket.destroySoon();
    // Only a reset says that this close is no end.
    else socket.write(NOTHING, () => socket.resetAndDestroy());
  }

  release(): never {
    throw new Error("a plain request asks for no other protocol");
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#bodyLeft > 0) this.#readBody(bytes);
    else if (this.#plain === undefined && this.#early.length === 0) this.#readRequest(bytes);
    else {
      this.#early = this.#early.length === 0 ? bytes : Buffer.concat([this.#early, bytes]);
      if (this.#early.length >= LIMITS.headerBytes) this.#socket.pause();
    }
  };

  readonly #onDrain = (): void => {
    this.#taker?.drained();
    this.#goOn();
  };

  /** That is how a client leaves. */
  readonly #onEnd = (): void => void this.#socket.end();

  readonly #readEarly = (): void => {
    const bytes = this.#early;
    this.#early = NOTHING;
    this.#readRequest(bytes);
  };

  #readRequest(bytes: Buffer): void {
    // Who is to hear no further answer asks nothing further.
    if (!this.#socket.writable) return;
    const plain = readPlainRequest(bytes);
    if (plain === undefined) {
      this.#leave(bytes);
      return;
    }
    this.#plain = plain;
    this.#isAnswered = false;
    this.#requests++;
    this.connection.unanswered++;
    const end = Math.min(bytes.length, plain.headBytes + plain.bodyBytes);
    this.#bodyLeft = plain.bodyBytes - (end - plain.headBytes);
    if (end > plain.headBytes) this.#body.push(bytes.subarray(plain.headBytes, end));
    if (end < bytes.length) this.#early = bytes.subarray(end);
    this.#options.onRequest(this);
    if (this.#taker === undefined && !this.#isAnswered) this.#socket.pause();
  }

  #readBody(bytes: Buffer): void {
    const part = bytes.length <= this.#bodyLeft ? bytes : bytes.subarray(0, this.#bodyLeft);
    this.#bodyLeft -= part.length;
    if (part.length < bytes.length) this.#early = bytes.subarray(part.length);
    if (this.#taker) this.#taker.upload(part);
    else if (!this.#isAnswered) this.#body.push(part);
    if (this.#bodyLeft > 0) return;
    this.#taker?.uploadEnd();
    this.#goOn();
  }

  #isLast(): boolean {
    return this.#ending === "close" || this.#plain!.isLast || this.#options.isStopping();
  }

  #finish(): void {
    const isLast = this.#isLast();
    this.connection.unanswered--;
    this.#isAnswered = true;
    this.#taker = undefined;
    this.#body = [];
    this.#ending = "none";
    if (isLast) this.#socket.destroySoon();
    else {
      this.#goOn();
      this.resumeUpload();
    }
  }

  /** To the next request, once this one is over. A client that does not read what it asked for is not answered on. */
  #goOn(): void {
    if (this.#plain === undefined || !this.#isAnswered || this.#bodyLeft > 0) return;
    if (this.#socket.writableNeedDrain) return;
    this.#plain = undefined;
    this.#idleSince = performance.now();
    // Not at once: many small requests may have come together.
    if (this.#early.length > 0) process.nextTick(this.#readEarly);
    this.resumeUpload();
  }

  #leave(bytes: Buffer): void {
    const socket = this.#socket;
    socket.off("data", this.#onData);
    socket.off("drain", this.#onDrain);
    socket.off("end", this.#onEnd);
    socket.off("error", ignore);
    socket.pause();
    socket.unshift(bytes);
    this.#options.onUnusual(socket);
    socket.resume();
  }
}

function ignore(): void {
  // A close follows.
}
