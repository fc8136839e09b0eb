import type { Socket } from "node:net";
import type { PeerCheck, PeerVerdict } from "./peer.ts";

/** An exchange that runs on a connection. */
export interface RunningExchange {
  /** The client closed its side, or vanished. */
  clientGone(): void;
  /** We stop: end it now. */
  interrupt(): void;
}

/** One accepted connection. A half-closed one counts as gone: that is how a client aborts. */
export class ClientConnection {
  readonly socket: Socket;
  readonly running = new Set<RunningExchange>();
  /** Requests received and not answered yet, exchanges or not. */
  unanswered = 0;
  /** Asked once, when the first request without a route key comes. */
  #peer: PeerVerdict | Promise<PeerVerdict> | undefined;
  #gone = false;

  constructor(socket: Socket) {
    this.socket = socket;
    const gone = (): void => {
      this.#gone = true;
      for (const exchange of this.running) exchange.clientGone();
    };
    socket.on("end", gone);
    socket.on("close", gone);
  }

  peer(check: PeerCheck): PeerVerdict | Promise<PeerVerdict> {
    this.#peer ??= check.check(this.socket).then((verdict) => (this.#peer = verdict));
    return this.#peer;
  }

  get isGone(): boolean {
    return this.#gone;
  }
}
