import type { IncomingMessage, ServerResponse } from "node:http";
import type { RawHeaders } from "../contract/frame.ts";
import { forwardable, headerValue } from "../wire/headers.ts";
import type { ResponseHead } from "../wire/response-reader.ts";
import { type OwnAnswer, sendAnswer } from "./answer.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { AnswerPiece, ClientRequest, ClientSide, UploadTaker } from "./client-side.ts";
import { hasBody } from "./upgrade.ts";
import type { UpgradingClient } from "./upgrading-client.ts";

const NOTHING = Buffer.alloc(0);
const TRAILER: ReadonlySet<string> = new Set(["trailer"]);
const NONE: ReadonlySet<string> = new Set();

/** A request that node:http has read. */
export class HttpClient implements ClientSide {
  readonly request: ClientRequest;
  readonly connection: ClientConnection;
  readonly #incoming: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #upgrading: UpgradingClient | undefined;
  /** HTTP/1.0 without a length: the close of the connection is the end of the body. */
  #endsWithClose = false;

  constructor(
    incoming: IncomingMessage,
    response: ServerResponse,
    connection: ClientConnection,
    upgrading: UpgradingClient | undefined,
  ) {
    const headers = incoming.rawHeaders;
    const isChunked = headerValue(headers, "transfer-encoding") !== undefined;
    this.request = {
      method: incoming.method ?? "",
      target: incoming.url ?? "",
      isHttp10: incoming.httpVersionMinor === 0,
      headers,
      body: isChunked ? "chunked" : hasBody(headers) ? "sized" : "none",
    };
    this.connection = connection;
    this.#incoming = incoming;
    this.#response = response;
    this.#upgrading = upgrading;
  }

  get canUpgrade(): boolean {
    return this.#upgrading !== undefined;
  }

  take(taker: UploadTaker): void {
    if (headerValue(this.request.headers, "expect")?.toLowerCase() === "100-continue")
      this.#response.writeContinue();
    this.#response.on("drain", () => taker.drained());
    if (this.request.body === "none") return;
    this.#incoming.on("data", (bytes: Buffer) => taker.upload(bytes));
    this.#incoming.on("end", () => taker.uploadEnd());
  }

  pauseUpload(): void {
    this.#incoming.pause();
  }

  resumeUpload(): void {
    this.#incoming.resume();
  }

  answer(answer: OwnAnswer): void {
    sendAnswer(this.#response, answer);
  }

  inform(head: Buffer): void {
    const { socket } = this.connection;
    // Before the answers to earlier requests it would be taken for one of theirs.
    if (this.#response.socket) socket.write(head);
    else this.#response.once("socket", () => socket.write(head));
  }

  begin({ status, statusText, headers }: ResponseHead): void {
    const isUnsized = headerValue(headers, "content-length") === undefined;
    const mayTrail = isUnsized && this.#isChunked(status);
    this.#endsWithClose = this.request.isHttp10 && isUnsized;
    this.#response.sendDate = false;
    this.#response.writeHead(status, statusText, forwardable(headers, mayTrail ? NONE : TRAILER));
  }

  /** Without bytes the head alone; `flushHeaders()` would encode it as UTF-8. */
  send({ data }: AnswerPiece): boolean {
    return this.#response.write(data);
  }

  end({ data }: AnswerPiece, trailers: RawHeaders): void {
    const passedOn = forwardable(trailers);
    if (passedOn.length > 0) this.#response.addTrailers(pairsOf(passedOn));
    if (data.length > 0) this.#response.end(data);
    else this.#response.end();
  }

  /** A pipelined request waits for the answer before it. */
  breakOff(where: "before-answer" | "in-answer"): void {
    const { socket } = this.connection;
    const cut = (): void => {
      while (socket.writableCorked > 0) socket.uncork();
      if (where === "before-answer") socket.resetAndDestroy();
      else if (!this.#endsWithClose) socket.destroySoon();
      // Only a reset says that this close is no end.
      else socket.write(NOTHING, () => socket.resetAndDestroy());
    };
    if (this.#response.socket) cut();
    else this.#response.once("socket", () => setImmediate(cut));
  }

  release(): readonly Buffer[] {
    return this.#upgrading?.release() ?? [];
  }

  /** Nothing but an answer in chunks can have trailers, and node:http refuses to announce them elsewhere. */
  #isChunked(status: number): boolean {
    const { isHttp10, method } = this.request;
    return !isHttp10 && method !== "HEAD" && status !== 204 && status !== 304;
  }
}

function pairsOf(raw: RawHeaders): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) pairs.push([raw[i]!, raw[i + 1]!]);
  return pairs;
}
