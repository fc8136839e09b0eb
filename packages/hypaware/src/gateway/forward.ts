import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dispatcher } from "undici";
import type { Outcome } from "../contract/exchange.ts";
import type { RawHeaders } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import { forwardable, headerValue } from "../wire/headers.ts";
import { headBytes, type OwnAnswer, ownAnswer, sendAnswer } from "./answer.ts";
import type { ClientConnection, RunningExchange } from "./client-connection.ts";
import type { Route } from "./router.ts";
import type { Tap } from "./tap.ts";
import type { ReadGarbage } from "./read-garbage.ts";
import { Tunnel } from "./tunnel.ts";
import { hasBody, isHeardRefusal, upgradeRefusal } from "./upgrade.ts";
import type { UpgradingClient } from "./upgrading-client.ts";
import { Upload } from "./upload.ts";
import type { InterimHead } from "./upstream-heads.ts";
import type { ConnectionAware, TrackedClient, UpstreamPool } from "./upstream-pool.ts";

// One exchange on its way: the handler that undici calls with the upstream's answer.
//
// The end is the same end. A whole answer ends the client's; an upstream that breaks off breaks the client's connection behind
// exactly the bytes that came; a client that leaves destroys the upstream's request at once. Whatever comes first decides
// the outcome, and everything later is ignored.
//
// Chunks of one read are joined and written in one go, at the end of the tick: no byte waits, and a burst of small events
// costs one write.

const NOTHING = Buffer.alloc(0);

export interface ForwardOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly connection: ClientConnection;
  readonly pool: UpstreamPool;
  readonly tap: Tap;
  readonly garbage: ReadGarbage;
  readonly route: Route;
  /** Origin form, as the client sent it. */
  readonly target: string;
  /** The client asked for a WebSocket. */
  readonly upgrading: UpgradingClient | undefined;
  /** Strict durability: the client does not hear the end of an answer before this resolves. */
  readonly durable: (() => Promise<void>) | undefined;
  readonly onEnd: () => void;
}

export class Forward implements Dispatcher.DispatchHandler, ConnectionAware, RunningExchange {
  /** Set by the connection that takes the request. */
  connection: TrackedClient | undefined;

  readonly #options: ForwardOptions;
  readonly #upload: Upload | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  /** The request went out, at least in part. */
  #written = false;
  /** … on a connection that had carried others. */
  #reused = false;
  #resent = false;
  /** Bytes of 1xx heads. */
  #interimBytes = 0;
  #headReceived = false;
  #headSent = false;
  /** HTTP/1.0 without a length: the close of the connection is the end of the body. */
  #endsWithClose = false;
  #ended = false;
  #pending: Buffer[] = [];
  #flushPlanned = false;
  #listensForDrain = false;

  constructor(options: ForwardOptions) {
    this.#options = options;
    const { request, tap } = options;
    if (hasBody(request.rawHeaders)) {
      this.#upload = new Upload(
        request,
        (chunk) => {
          options.garbage.passed(chunk.length);
          tap.requestBody(chunk);
        },
        () => tap.requestEnd(),
      );
    } else tap.requestEnd();
  }

  start(): void {
    this.#options.connection.running.add(this);
    this.#dispatch();
  }

  #dispatch(): void {
    const { request, pool, route, target, upgrading } = this.#options;
    const options: Dispatcher.DispatchOptions = {
      origin: route.origin,
      path: route.basePath + target,
      method: request.method ?? "GET",
      headers: forwardable(request.rawHeaders, FOR_US),
      upgrade: upgrading ? (headerValue(request.rawHeaders, "upgrade") ?? null) : null,
      // undici takes async iterables; its types do not say so.
      body: (this.#upload as unknown as Dispatcher.DispatchOptions["body"]) ?? null,
    };
    // The next idle connection may be dying, too.
    if (this.#resent) pool.dispatchAlone(options, this);
    else pool.dispatch(options, this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#ended) {
      controller.abort(new Error("the client is gone"));
      return;
    }
    this.#controller = controller;
    this.#written = true;
    this.#reused = this.connection?.carry((head) => this.#inform(head)) ?? false;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    const { request, response, tap, upgrading } = this.#options;
    if (this.#ended) return;
    // A 101 that comes here did not name its protocol; undici would wait for another answer.
    if (upgrading && (status >= 200 || status === 101) && !isHeardRefusal(status)) {
      const reason = new Error(`the upstream answered ${status} to the upgrade`);
      this.#refuse(upgradeRefusal(reason.message), reason);
      controller.abort(reason);
      return;
    }
    // A 1xx that was not fit to be passed on.
    if (status < 200) return;
    const raw = decodeHeaders(controller.rawHeaders);
    const text = this.connection?.statusText ?? "";
    const isUnsized = headerValue(raw, "content-length") === undefined;
    response.sendDate = false;
    response.writeHead(status, text, forwardable(raw, mayTrail(request, status, isUnsized) ? NONE : TRAILER));
    this.#headReceived = true;
    this.#endsWithClose = request.httpVersionMinor === 0 && isUnsized;
    tap.responseHead(status, text, raw);
    this.#planFlush();
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    upstream: Duplex,
  ): void {
    const { connection, tap, upgrading, onEnd } = this.#options;
    if (this.#ended || !upgrading) {
      upstream.destroy();
      return;
    }
    // From here on the tunnel is the exchange.
    this.#ended = true;
    connection.running.delete(this);
    const raw = decodeHeaders(controller.rawHeaders);
    const text = this.connection?.statusText ?? "";
    tap.responseHead(status, text, raw);
    // The pool makes nothing but sockets.
    const tunnel = new Tunnel({ connection, upstream: upstream as Socket, tap, onEnd });
    tunnel.start(headBytes(status, text, raw), upgrading.release());
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#ended) return;
    this.#options.garbage.passed(chunk.length);
    this.#pending.push(chunk);
    this.#planFlush();
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#ended) return;
    const failure = this.connection?.failure;
    if (failure) {
      this.#breakOff(failure);
      return;
    }
    const trailers = forwardable(decodeHeaders(controller.rawTrailers));
    if (trailers.length > 0) this.#options.response.addTrailers(pairsOf(trailers));
    // A body with a length ends with its last byte, and undici tells of both in one turn: what came in it is what can be held.
    const bytes = this.#takePending();
    this.#end("complete", null);
    if (this.#upload?.isTaken === false)
      this.#upload.fail(new Error("answered before the upload was complete"));
    const { durable } = this.#options;
    if (durable === undefined) this.#endAnswer(bytes);
    else void durable().then(() => this.#endAnswer(bytes));
  }

  #endAnswer(bytes: Buffer): void {
    if (bytes.length > 0) this.#options.response.end(bytes);
    else this.#options.response.end();
  }

  /** `controller` is null when the request was refused before it was queued. */
  onResponseError(_controller: unknown, error: Error): void {
    if (this.#ended) return;
    if (this.#maySendAgain(error)) {
      this.#resent = true;
      this.#written = false;
      this.#dispatch();
    } else if (this.#headReceived) this.#breakOff(error);
    else if (this.#options.upgrading) this.#refuse(upgradeRefusal(describe(error)), error);
    else if (this.#options.pool.isConnectError(error)) {
      this.#refuse(ownAnswer(502, { error: "upstream connection failed", detail: describe(error) }), error);
    } else if (isUnsendable(error))
      this.#refuse(ownAnswer(400, { error: "bad request", detail: describe(error) }), error);
    else {
      // Nothing came back. A direct call would see its connection break, too.
      this.#end("upstream_refused", describe(error));
      this.#upload?.fail(error);
      this.#cut((socket) => socket.resetAndDestroy());
    }
  }

  clientGone(): void {
    this.#abort("client_aborted", "client_aborted");
  }

  interrupt(): void {
    this.#abort("interrupted", "the gateway was stopped");
    this.#options.connection.socket.destroy();
  }

  #abort(outcome: Outcome, reason: string): void {
    if (this.#ended) return;
    this.#takePending();
    this.#end(outcome, reason);
    // node:http closes its own connections.
    this.#options.upgrading?.socket.destroy();
    const error = new Error(reason);
    this.#controller?.abort(error);
    this.#upload?.fail(error);
  }

  /** Passes a 1xx head on. HTTP/1.0 has none (RFC 9110, section 15.2), and a 100 that the client asked for came from us. */
  #inform({ status, statusText, headers }: InterimHead): void {
    const { request, response, connection } = this.#options;
    if (this.#ended || request.httpVersionMinor === 0) return;
    if (status === 100 && headerValue(request.rawHeaders, "expect") !== undefined) return;
    const bytes = headBytes(status, statusText, forwardable(headers));
    this.#interimBytes += bytes.length;
    if (this.#interimBytes > LIMITS.interimBytes) return;
    // Before the answers to earlier requests it would be taken for one of theirs.
    if (response.socket) connection.socket.write(bytes);
    else response.once("socket", () => connection.socket.write(bytes));
  }

  /**
   * An idle connection may die while a request is on its way to it. Sent again, once: what was not written yet, and what is
   * safe to repeat (RFC 9110, section 9.2.2) if not one byte came back.
   */
  #maySendAgain(error: Error): boolean {
    if (this.#resent || !isBrokenSocket(error)) return false;
    if (!this.#written) return !this.#options.pool.isConnectError(error);
    const { method } = this.#options.request;
    const isUnanswered = this.#reused && this.connection?.hasAnswered === false;
    return isUnanswered && this.#upload === undefined && (method === "GET" || method === "HEAD");
  }

  #refuse(answer: OwnAnswer, reason: Error): void {
    sendAnswer(this.#options.response, answer);
    this.#options.tap.answer(answer);
    this.#end("upstream_refused", describe(reason));
    this.#upload?.fail(reason);
  }

  #breakOff(error: Error): void {
    this.#flush();
    this.#end("upstream_aborted", describe(error));
    this.#upload?.fail(error);
    this.#cut((socket) => {
      if (!this.#endsWithClose) socket.destroySoon();
      // Only a reset says that this close is no end.
      else socket.write(NOTHING, () => socket.resetAndDestroy());
    });
  }

  /** Breaks the client's connection behind what was written. A pipelined request waits for the answer before it. */
  #cut(how: (socket: ClientConnection["socket"]) => void): void {
    const { response, connection } = this.#options;
    const { socket } = connection;
    const cut = (): void => {
      while (socket.writableCorked > 0) socket.uncork();
      how(socket);
    };
    if (response.socket) cut();
    else response.once("socket", () => setImmediate(cut));
  }

  #planFlush(): void {
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    process.nextTick(flushLater, this);
  }

  /** Called at the end of the tick. */
  flushPlanned(): void {
    this.#flushPlanned = false;
    if (!this.#ended) this.#flush();
  }

  #flush(): void {
    const bytes = this.#takePending();
    if (bytes.length === 0 && this.#headSent) return;
    this.#headSent = true;
    // Without bytes this sends the head alone; `flushHeaders()` would encode it as UTF-8.
    if (this.#options.response.write(bytes)) return;
    this.#controller?.pause();
    if (this.#listensForDrain) return;
    this.#listensForDrain = true;
    this.#options.response.on("drain", () => {
      if (!this.#ended) this.#controller?.resume();
    });
  }

  /** What came and was not written yet; the tap sees it here. */
  #takePending(): Buffer {
    if (this.#pending.length === 0) return NOTHING;
    const bytes = this.#pending.length === 1 ? this.#pending[0]! : Buffer.concat(this.#pending);
    this.#pending = [];
    this.#options.tap.responseBody(bytes);
    return bytes;
  }

  #end(outcome: Outcome, error: string | null): void {
    this.#ended = true;
    this.#options.connection.running.delete(this);
    this.#options.tap.close(outcome, error);
    this.#options.onEnd();
  }
}

function flushLater(forward: Forward): void {
  forward.flushPlanned();
}

/** Host is the upstream's, our 100 Continue was the answer to Expect, and undici sends no trailers. */
const FOR_US: ReadonlySet<string> = new Set(["host", "expect", "trailer"]);
const TRAILER: ReadonlySet<string> = new Set(["trailer"]);
const NONE: ReadonlySet<string> = new Set();

/** Will the answer be in chunks? Nothing else can have trailers, and node:http refuses to announce them. */
function mayTrail(request: IncomingMessage, status: number, isUnsized: boolean): boolean {
  return (
    request.httpVersionMinor > 0 && request.method !== "HEAD" && status !== 204 && status !== 304 && isUnsized
  );
}

function pairsOf(raw: RawHeaders): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) pairs.push([raw[i]!, raw[i + 1]!]);
  return pairs;
}

/** undici gives the raw list as buffers, name and value by turns. */
function decodeHeaders(raw: Dispatcher.DispatchController["rawHeaders"]): string[] {
  if (!Array.isArray(raw)) return [];
  return raw.map((item: Buffer | string) => (typeof item === "string" ? item : item.toString("latin1")));
}

function isBrokenSocket(error: Error & { readonly code?: string }): boolean {
  return error.code === "UND_ERR_SOCKET" || error.code === "ECONNRESET" || error.code === "EPIPE";
}

/** The request itself is what undici refuses to write. */
function isUnsendable(error: Error & { readonly code?: string }): boolean {
  return error.code === "UND_ERR_INVALID_ARG" || error.code === "UND_ERR_NOT_SUPPORTED";
}

function describe(error: Error & { readonly code?: string }): string {
  const inner = error instanceof AggregateError ? error.errors : [];
  if (inner.length > 0)
    return inner.map((one) => (one instanceof Error ? one.message : String(one))).join("; ");
  return error.message || error.code || error.name;
}
