import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Outcome } from "../contract/exchange.ts";
import type { TunnelSide } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import type { ClientConnection, RunningExchange } from "./client-connection.ts";
import type { Tap } from "./tap.ts";

// A WebSocket behind its 101: two sockets, and every byte of one is written to the other as it came. So frames, masks, extensions
// and close codes are what the two ends made them.
//
// The end is the same end. An end of stream is passed on and the other direction goes on; a side that breaks off breaks the other
// one: the upstream at once, the client behind what had come for it. A side that does not read makes the other one wait.

const NOTHING = Buffer.alloc(0);

export interface TunnelOptions {
  readonly connection: ClientConnection;
  readonly upstream: Socket;
  readonly tap: Tap;
  readonly onEnd: () => void;
}

export class Tunnel implements RunningExchange {
  readonly #options: TunnelOptions;
  /** The side that ended first. */
  #first: TunnelSide | undefined;
  #ended = false;

  constructor(options: TunnelOptions) {
    this.#options = options;
  }

  /** `head`: the answer to the upgrade. `early`: what the client sent before it had that. */
  start(head: Buffer, early: readonly Buffer[]): void {
    const { connection, upstream } = this.#options;
    const client = connection.socket;
    connection.running.add(this);
    // Upstream sockets are opened as ones that end when the other side does.
    upstream.allowHalfOpen = true;
    client.write(head);
    this.#carry("client", client, upstream);
    this.#carry("server", upstream, client);
    for (const bytes of early) this.#pass("client", bytes, client, upstream);
    upstream.resume();
    if (!upstream.writableNeedDrain) client.resume();
  }

  /** Seen here, where an end of stream is none of the exchange. */
  clientGone(): void {}

  interrupt(): void {
    this.#end("interrupted", "the gateway was stopped");
    this.#options.connection.socket.destroy();
    this.#options.upstream.destroy();
  }

  #carry(side: TunnelSide, from: Socket, to: Socket): void {
    from.on("data", (bytes) => this.#pass(side, bytes, from, to));
    to.on("drain", () => from.resume());
    from.on("end", () => {
      to.end();
      if (this.#first !== undefined) this.#finish();
      this.#first ??= side;
      // One direction may stay open for as long as it is used; forgotten by both ends it would stay for ever.
      to.setTimeout(LIMITS.upstreamBodyIdleMs, () => to.destroy());
    });
    from.on("error", (error) => this.#breakOff(side, from, to, error.message));
    from.on("close", () => {
      if (!this.#ended) this.#breakOff(side, from, to, `the ${side} broke off`);
    });
  }

  #pass(side: TunnelSide, bytes: Buffer, from: Socket, to: Socket): void {
    this.#options.tap.tunnelBytes(side, bytes);
    if (!to.write(bytes)) from.pause();
  }

  #breakOff(side: TunnelSide, from: Socket, to: Socket, error: string): void {
    this.#first ??= side;
    this.#finish(error);
    from.destroy();
    if (to.destroyed) return;
    if (side === "client") reset(to);
    // Behind its end there is nothing to break.
    else if (!to.writableEnded) to.write(NOTHING, () => reset(to));
  }

  /** Whole when one of the ends had said that it closes: then whoever went first went in order. */
  #finish(error?: string): void {
    const { tap } = this.#options;
    if (tap.sawWebSocketClose) this.#end("complete", null);
    else if (this.#first === "client") this.#end("client_aborted", "client_aborted");
    else this.#end("upstream_aborted", error ?? "the upstream left without closing the WebSocket");
  }

  #end(outcome: Outcome, error: string | null): void {
    if (this.#ended) return;
    this.#ended = true;
    const { connection, tap, onEnd } = this.#options;
    connection.running.delete(this);
    tap.close(outcome, error);
    onEnd();
  }
}

/** A TLS connection has no reset of its own; it just ends, without its closing alert. */
function reset(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}
