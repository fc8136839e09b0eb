import type { Outcome } from "../contract/exchange.ts";
import type { CaptureFrame, FrameSink, OpenHead, RawHeaders, TunnelSide } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import type { ProjectorLog } from "../contract/projection.ts";
import { collectSecrets, maskText, redactHeaders, scrubTarget } from "../wire/secrets.ts";
import type { OwnAnswer } from "./answer.ts";
import { BodyCopy, type CopiedBytes } from "./body-copy.ts";
import type { TapClock } from "./tap-clock.ts";
import { TunnelCopy } from "./tunnel-copy.ts";

// Copies one exchange to the journal. The bytes never wait for it: nothing here is asynchronous, and an error ends this
// exchange's recording, not the exchange. What the journal cannot take is dropped and counted as a gap.

export interface TapOptions {
  readonly sink: FrameSink;
  readonly clock: TapClock;
  readonly log: ProjectorLog;
  /** Lower-case names that are redacted whatever they are called. */
  readonly redactHeaders: ReadonlySet<string>;
}

/** A head before scrubbing. `routeKey`: masked in bodies, because clients show their own base URL. */
export type UnscrubbedHead = OpenHead & { readonly routeKey: string | undefined };

type Direction = "request" | "response";
const DIRECTIONS = { client: "request", server: "response" } as const;

export class Tap {
  readonly exchangeId: string;
  readonly #options: TapOptions;
  /** On the clock of `performance.now()`. */
  readonly #startedAt: number;
  #secrets: readonly Buffer[] = [];
  #request: BodyCopy | undefined;
  #response: BodyCopy | undefined;
  #tunnel: Record<TunnelSide, TunnelCopy> | undefined;
  #flushPlanned = false;
  #requestDone = false;
  #closed = false;
  #requestBytes = 0;
  #responseBytes = 0;
  readonly #dropped: Record<Direction, number> = { request: 0, response: 0 };
  #truncated = false;

  constructor(options: TapOptions, exchangeId: string, startedAt: number) {
    this.#options = options;
    this.exchangeId = exchangeId;
    this.#startedAt = startedAt;
  }

  get requestBytes(): number {
    return this.#requestBytes;
  }

  get responseBytes(): number {
    return this.#responseBytes;
  }

  /** One of the ends has said that it closes the WebSocket. */
  get sawWebSocketClose(): boolean {
    return this.#tunnel !== undefined && (this.#tunnel.client.sawClose || this.#tunnel.server.sawClose);
  }

  /** First of all calls. */
  open(unscrubbed: UnscrubbedHead): void {
    try {
      const { routeKey, ...head } = unscrubbed;
      const extra = this.#options.redactHeaders;
      const seen = collectSecrets(head.headers, head.target, extra);
      this.#secrets = routeKey === undefined ? seen : [...seen, Buffer.from(routeKey)];
      this.#request = new BodyCopy(this.#secrets);
      const scrubbed = {
        ...head,
        target: scrubTarget(head.target),
        headers: redactHeaders(head.headers, extra, this.#secrets),
      };
      this.#append({ kind: "open", exchangeId: this.exchangeId, head: scrubbed });
    } catch (error) {
      this.#closed = true;
      this.#fail(error);
    }
  }

  requestBody(chunk: Buffer): void {
    this.#requestBytes += chunk.length;
    if (this.#closed || !this.#request) return;
    try {
      const { clock } = this.#options;
      this.#request.push(chunk, 0);
      clock.heldRequestBytes += chunk.length;
      if (this.#request.length >= LIMITS.requestFrameBytes || clock.heldRequestBytes > LIMITS.tapHeldBytes) {
        this.#relieve(this.#request);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The upload is complete; also for a request without a body. */
  requestEnd(): void {
    if (this.#closed || this.#requestDone) return;
    try {
      this.#requestDone = true;
      this.#endRequest(true);
    } catch (error) {
      this.#fail(error);
    }
  }

  responseHead(status: number, statusText: string, headers: RawHeaders): void {
    if (this.#closed) return;
    try {
      const extra = this.#options.redactHeaders;
      const secrets = [...this.#secrets, ...collectSecrets(headers, "", extra)];
      this.#response = new BodyCopy(secrets);
      if (status === 101) this.#tunnel = { client: new TunnelCopy(secrets), server: new TunnelCopy(secrets) };
      this.#append({
        kind: "response-head",
        exchangeId: this.exchangeId,
        head: {
          tMs: this.#now(),
          status,
          statusText: maskText(statusText, secrets),
          headers: redactHeaders(headers, extra, secrets),
        },
      });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** An answer of our own, whole. */
  answer(answer: OwnAnswer): void {
    this.responseHead(answer.status, answer.statusText, answer.headers);
    this.responseBody(answer.body);
  }

  responseBody(bytes: Buffer): void {
    this.#responseBytes += bytes.length;
    if (this.#closed || !this.#response) return;
    try {
      const tMs = this.#now();
      for (let at = 0; at < bytes.length; at += LIMITS.tapChunkBytes) {
        const piece = bytes.subarray(at, at + LIMITS.tapChunkBytes);
        if (this.#response.length + piece.length > LIMITS.tapChunkBytes) this.#flushResponse(false);
        this.#response.push(piece, tMs);
      }
      this.#planFlush();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Behind a 101. */
  tunnelBytes(side: TunnelSide, bytes: Buffer): void {
    if (side === "client") this.#requestBytes += bytes.length;
    else this.#responseBytes += bytes.length;
    if (this.#closed || !this.#tunnel) return;
    try {
      const tMs = this.#now();
      const copy = this.#tunnel[side];
      for (let at = 0; at < bytes.length; at += LIMITS.tapChunkBytes) {
        const piece = bytes.subarray(at, at + LIMITS.tapChunkBytes);
        // Both, so that a call's bytes are never recorded behind its answer's.
        if (copy.length + piece.length > LIMITS.tapChunkBytes) {
          this.#flushTunnel("client", false);
          this.#flushTunnel("server", false);
        }
        const lost = copy.push(piece, tMs);
        if (lost > 0) this.#countDropped(DIRECTIONS[side], lost);
      }
      this.#planFlush();
    } catch (error) {
      this.#fail(error);
    }
  }

  #planFlush(): void {
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    this.#options.clock.soon(this);
  }

  /** Called by the clock. */
  flush(): void {
    this.#flushPlanned = false;
    if (this.#closed) return;
    try {
      this.#flushAnswer(false);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Last of all calls; later ones are ignored. */
  close(outcome: Outcome, error: string | null): void {
    if (this.#closed) return;
    try {
      if (!this.#requestDone) this.#endRequest(false);
      this.#flushAnswer(true);
    } catch (reason) {
      this.#fail(reason);
    }
    this.#closed = true;
    this.#appendGap("request");
    this.#appendGap("response");
    this.#append({
      kind: "close",
      exchangeId: this.exchangeId,
      end: {
        tMs: this.#now(),
        outcome: outcome === "complete" && this.#truncated ? "truncated" : outcome,
        error: error === null ? null : maskText(error, this.#secrets),
        requestBytes: this.#requestBytes,
        responseBytes: this.#responseBytes,
      },
    });
  }

  #now(): number {
    return Math.round((performance.now() - this.#startedAt) * 100) / 100;
  }

  /** Frees what is held of a long upload. */
  #relieve(request: BodyCopy): void {
    this.#options.clock.heldRequestBytes -= request.length;
    for (const piece of request.takePieces(LIMITS.tapChunkBytes)) this.#appendRequest(piece, false);
  }

  /** `last`: the upload is complete, which is said even when it was empty. */
  #endRequest(last: boolean): void {
    if (!this.#request) return;
    this.#options.clock.heldRequestBytes -= this.#request.length;
    this.#appendRequest(this.#request.take(true), last);
  }

  #appendRequest({ bytes, masked }: CopiedBytes, last: boolean): void {
    if (bytes.length === 0 && !last) return;
    const { exchangeId } = this;
    this.#appendBytes("request", bytes.length, { kind: "request-body", exchangeId, bytes, masked, last });
  }

  #flushAnswer(final: boolean): void {
    this.#flushResponse(final);
    this.#flushTunnel("client", final);
    this.#flushTunnel("server", final);
  }

  #flushTunnel(side: TunnelSide, final: boolean): void {
    const copy = this.#tunnel?.[side];
    if (!copy || copy.length === 0) return;
    const taken = copy.take(final);
    const { length } = taken.bytes;
    if (length === 0) return;
    const direction = DIRECTIONS[side];
    const { exchangeId } = this;
    if (!this.#appendBytes(direction, length, { kind: "ws-bytes", exchangeId, side, ...taken }))
      this.#countDropped(direction, copy.skip());
  }

  #flushResponse(final: boolean): void {
    if (!this.#response || (this.#response.length === 0 && !final)) return;
    const { bytes, masked, arrivals } = this.#response.take(final);
    if (bytes.length === 0) return;
    this.#appendBytes("response", bytes.length, {
      kind: "response-bytes",
      exchangeId: this.exchangeId,
      bytes,
      arrivals,
      masked,
    });
  }

  #appendBytes(direction: Direction, length: number, frame: CaptureFrame): boolean {
    const { sink, clock } = this.#options;
    if (sink.append(frame)) {
      this.#appendGap(direction);
      return true;
    }
    clock.droppedFrames++;
    clock.droppedBytes += length;
    this.#countDropped(direction, length);
    return false;
  }

  #countDropped(direction: Direction, length: number): void {
    this.#truncated = true;
    this.#dropped[direction] += length;
  }

  /** Once the journal takes frames again, and at the end. */
  #appendGap(direction: Direction): void {
    const droppedBytes = this.#dropped[direction];
    if (droppedBytes === 0) return;
    this.#dropped[direction] = 0;
    this.#append({ kind: "gap", exchangeId: this.exchangeId, direction, droppedBytes });
  }

  #append(frame: CaptureFrame): void {
    if (!this.#options.sink.append(frame)) this.#options.clock.droppedFrames++;
  }

  /** What was recorded stays; the rest of this exchange is only counted. */
  #fail(error: unknown): void {
    const { clock, log } = this.#options;
    clock.failedTaps++;
    clock.heldRequestBytes -= this.#request?.length ?? 0;
    this.#truncated = true;
    this.#request = undefined;
    this.#response = undefined;
    this.#tunnel = undefined;
    log.error("aigw.tap_failed", {
      exchange_id: this.exchangeId,
      error: error instanceof Error ? error.message : String(error),
    });
  }
}
