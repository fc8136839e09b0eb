import type { Outcome } from "../contract/exchange.ts";
import type { RawHeaders } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import { connectionTokens, forwardable, headerValue } from "../wire/headers.ts";
import { MalformedResponse } from "../wire/malformed-response.ts";
import { requestHead } from "../wire/request-head.ts";
import {
  type ReadHead,
  type ResponseHead,
  type ResponseListener,
  ResponseReader,
} from "../wire/response-reader.ts";
import { headBytes, type OwnAnswer, ownAnswer } from "./answer.ts";
import type { RunningExchange } from "./client-connection.ts";
import type { AnswerPiece, ClientSide, UploadTaker } from "./client-side.ts";
import { ConnectError } from "./dial.ts";
import { passOn, passOnTogether } from "./pass-on.ts";
import type { ReadGarbage } from "./read-garbage.ts";
import type { Route } from "./router.ts";
import type { Tap } from "./tap.ts";
import { Tunnel } from "./tunnel.ts";
import { isHeardRefusal, upgradeRefusal } from "./upgrade.ts";
import type { ConnectionUser, UpstreamConnection } from "./upstream-connection.ts";
import type { UpstreamPool } from "./upstream-pool.ts";

// One exchange on its way, between a client's request and a connection to the upstream.
//
// The end is the same end. A whole answer ends the client's; an upstream that breaks off breaks the client's connection behind
// exactly the bytes that came; a client that leaves destroys the upstream's connection at once. Whatever comes first decides
// the outcome, and everything later is ignored.
//
// What one read brings is written in one go: no byte waits, and a burst of small events costs one write.

const NOTHING = Buffer.alloc(0);
const NO_PIECE: AnswerPiece = { wire: NOTHING, data: NOTHING };

export interface ExchangeOptions {
  readonly client: ClientSide;
  readonly pool: UpstreamPool;
  readonly tap: Tap;
  readonly garbage: ReadGarbage;
  readonly route: Route;
  /** Origin form, as the client sent it. */
  readonly target: string;
  /** Strict durability: the client does not hear the end of an answer before this resolves. */
  readonly durable: (() => Promise<void>) | undefined;
  readonly onEnd: () => void;
}

export class Exchange implements RunningExchange, ConnectionUser, ResponseListener, UploadTaker {
  readonly #options: ExchangeOptions;
  readonly #reader: ResponseReader;
  #upstream: UpstreamConnection | undefined;
  /** Of the request's body, while there is no connection. */
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  /** The body is whole, or there is none. */
  #uploadDone: boolean;
  /** The connection had carried others. */
  #reused = false;
  #resent = false;
  /** Bytes of 1xx heads. */
  #interimBytes = 0;
  #head: ResponseHead | undefined;
  #headSent = false;
  #ended = false;
  #piece = NO_PIECE;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    const { request } = options.client;
    this.#reader = new ResponseReader(request.method, this);
    this.#uploadDone = request.body === "none";
  }

  start(): void {
    const { client, tap } = this.#options;
    client.connection.running.add(this);
    if (this.#uploadDone) tap.requestEnd();
    client.take(this);
    this.#connect();
  }

  #connect(): void {
    const { pool, route } = this.#options;
    // The next idle connection may be dying, too.
    const idle = this.#resent ? undefined : pool.takeIdle(route.origin);
    if (idle) {
      this.#goOut(idle);
      return;
    }
    pool.open(route.origin, (result) => {
      if (result instanceof ConnectError) this.#fail(result);
      else if (this.#ended) pool.keep(result);
      else this.#goOut(result);
    });
  }

  #goOut(upstream: UpstreamConnection): void {
    const { client, route, target } = this.#options;
    const { method, headers, body } = client.request;
    this.#upstream = upstream;
    this.#reused = upstream.begin(this);
    const head = requestHead({
      method,
      headers,
      target: route.basePath + target,
      host: route.host,
      isChunked: body === "chunked",
      isUpgrade: client.canUpgrade,
    });
    const first = this.#queue.length === 1 ? this.#queue[0]! : Buffer.concat(this.#queue);
    this.#queue = [];
    this.#queuedBytes = 0;
    if (passOnTogether(upstream.socket, head, first)) client.resumeUpload();
    else client.pauseUpload();
  }

  // The request's body.

  upload(bytes: Buffer): void {
    // After the end the rest is read and thrown away, so that the client gets to the answer behind its own upload.
    if (this.#ended || bytes.length === 0) return;
    const { client, garbage, tap } = this.#options;
    garbage.passed(bytes.length);
    tap.requestBody(bytes);
    this.#pass(client.request.body === "chunked" ? chunkOf(bytes) : bytes);
  }

  uploadEnd(): void {
    if (this.#ended || this.#uploadDone) return;
    this.#uploadDone = true;
    this.#options.tap.requestEnd();
    if (this.#options.client.request.body === "chunked") this.#pass(LAST_CHUNK);
  }

  #pass(bytes: Buffer): void {
    const { client } = this.#options;
    if (this.#upstream) {
      if (!passOn(this.#upstream.socket, bytes)) client.pauseUpload();
      return;
    }
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    if (this.#queuedBytes >= LIMITS.uploadQueueBytes) client.pauseUpload();
  }

  onDrain(): void {
    this.#options.client.resumeUpload();
  }

  // The answer.

  onBytes(bytes: Buffer): void {
    if (this.#ended) return;
    this.#options.garbage.passed(bytes.length);
    try {
      this.#reader.read(bytes);
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    if (this.#ended || this.#head === undefined) return;
    if (this.#reader.isWhole) this.#complete(this.#head);
    else this.#flush();
  }

  /** HTTP/1.0 has none (RFC 9110, section 15.2), and a 100 that the client asked for came from us. */
  onInterim({ status, statusText, headers }: ReadHead): void {
    const { client } = this.#options;
    if (client.request.isHttp10) return;
    if (status === 100 && headerValue(client.request.headers, "expect") !== undefined) return;
    const bytes = headBytes(status, statusText, forwardable(headers));
    if (bytes.length > LIMITS.interimHeadBytes) return;
    this.#interimBytes += bytes.length;
    if (this.#interimBytes > LIMITS.interimBytes) return;
    client.inform(bytes);
  }

  onHead(head: ResponseHead): void {
    const { client, tap } = this.#options;
    const { status, statusText, headers } = head;
    if (client.canUpgrade && !isSwitch(head) && !isHeardRefusal(status)) {
      const reason = new Error(`the upstream answered ${status} to the upgrade`);
      this.#refuse(upgradeRefusal(reason.message), reason);
      return;
    }
    if (head.ending === "switch" && !client.canUpgrade)
      throw new MalformedResponse("it switches the protocol, and nobody asked for that");
    this.#head = head;
    tap.responseHead(status, statusText, headers);
    if (head.ending !== "switch") client.begin(head);
  }

  onBody(wire: Buffer, data: Buffer): void {
    this.#piece = { wire, data };
    this.#options.tap.responseBody(data);
  }

  onEnd(): void {
    if (this.#ended) return;
    if (this.#reader.finish()) this.#complete(this.#head!);
    else this.#fail(new Error("the upstream closed"));
  }

  onBroken(error: Error): void {
    this.#fail(error);
  }

  onSilence(): void {
    // A model may think for long before its first byte.
    if (this.#head) this.#fail(new Error("the upstream fell silent"));
  }

  drained(): void {
    if (!this.#ended) this.#upstream?.resume();
  }

  #flush(): void {
    if (this.#headSent && this.#piece.wire.length === 0) return;
    this.#headSent = true;
    if (!this.#options.client.send(this.#takePiece())) this.#upstream?.pause();
  }

  #takePiece(): AnswerPiece {
    const piece = this.#piece;
    this.#piece = NO_PIECE;
    return piece;
  }

  #complete(head: ResponseHead): void {
    if (head.ending === "switch") {
      this.#switch(head);
      return;
    }
    const { client, durable, pool } = this.#options;
    const upstream = this.#upstream!;
    const piece = this.#takePiece();
    this.#end("complete", null);
    // An answer to a request that was not all sent, or with something behind it: who knows what comes next.
    if (this.#uploadDone && head.keepsConnection && this.#reader.rest.length === 0)
      pool.keep(upstream, keepAliveMs(head.headers));
    else upstream.destroy();
    const { trailers } = this.#reader;
    if (durable === undefined) client.end(piece, trailers);
    else void durable().then(() => client.end(piece, trailers));
  }

  /** From here on the tunnel is the exchange. */
  #switch({ status, statusText, headers }: ResponseHead): void {
    const { client, tap, onEnd } = this.#options;
    const { connection } = client;
    this.#ended = true;
    connection.running.delete(this);
    const upstream = this.#upstream!.release(this.#reader.rest);
    const tunnel = new Tunnel({ connection, upstream, tap, onEnd });
    tunnel.start(headBytes(status, statusText, headers), client.release());
  }

  // Ends before the end.

  #fail(error: Error): void {
    if (this.#ended) return;
    const { client } = this.#options;
    if (this.#maySendAgain(error)) {
      this.#resent = true;
      this.#upstream?.destroy();
      this.#upstream = undefined;
      this.#connect();
    } else if (this.#head) {
      this.#flush();
      this.#upstream?.destroy();
      this.#end("upstream_aborted", error.message);
      client.breakOff("in-answer");
    } else if (client.canUpgrade) this.#refuse(upgradeRefusal(error.message), error);
    else if (error instanceof ConnectError) {
      this.#refuse(ownAnswer(502, { error: "upstream connection failed", detail: error.message }), error);
    } else {
      // Nothing came back. A direct call would see its connection break, too.
      this.#upstream?.destroy();
      this.#end("upstream_refused", error.message);
      client.breakOff("before-answer");
    }
  }

  /** An idle connection may die while a request is on its way to it. Sent again, once, is what is safe to repeat (RFC 9110, section 9.2.2). */
  #maySendAgain(error: Error): boolean {
    if (this.#resent || !this.#reused || this.#reader.hasBegun || error instanceof ConnectError) return false;
    const { method, body } = this.#options.client.request;
    return body === "none" && (method === "GET" || method === "HEAD");
  }

  #refuse(answer: OwnAnswer, reason: Error): void {
    const { client, tap } = this.#options;
    this.#upstream?.destroy();
    tap.answer(answer);
    this.#end("upstream_refused", reason.message);
    client.answer(answer);
  }

  clientGone(): void {
    this.#abort("client_aborted", "client_aborted");
  }

  interrupt(): void {
    this.#abort("interrupted", "the gateway was stopped");
    this.#options.client.connection.socket.destroy();
  }

  #abort(outcome: Outcome, reason: string): void {
    if (this.#ended) return;
    this.#upstream?.destroy();
    this.#end(outcome, reason);
    this.#options.client.connection.socket.destroy();
  }

  #end(outcome: Outcome, error: string | null): void {
    const { client, tap, onEnd } = this.#options;
    this.#ended = true;
    client.connection.running.delete(this);
    tap.close(outcome, error);
    // What comes of the body is read and thrown away.
    client.resumeUpload();
    onEnd();
  }
}

const LAST_CHUNK = Buffer.from("0\r\n\r\n");

function chunkOf(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}

/** A 101 that names its protocol. */
function isSwitch({ ending, headers }: ResponseHead): boolean {
  return (
    ending === "switch" &&
    connectionTokens(headers).includes("upgrade") &&
    headerValue(headers, "upgrade") !== undefined
  );
}

/** For how long an upstream says that it keeps a connection. */
function keepAliveMs(headers: RawHeaders): number | undefined {
  const seconds = /timeout=(\d{1,6})/i.exec(headerValue(headers, "keep-alive") ?? "")?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}
