import type { Socket } from "node:net";
import { LIMITS } from "../contract/limits.ts";

/** Whose request a connection carries. */
export interface ConnectionUser {
  onBytes(bytes: Buffer): void;
  /** The upstream sends no more. */
  onEnd(): void;
  onBroken(error: Error): void;
  /** What was written has left. */
  onDrain(): void;
  /** Nothing moved for `upstreamBodyIdleMs`. */
  onSilence(): void;
}

/** A connection to an upstream, for one request at a time. */
export class UpstreamConnection {
  readonly origin: string;
  readonly socket: Socket;
  #user: ConnectionUser | undefined;
  #carried = 0;
  #failure: Error | undefined;

  constructor(origin: string, socket: Socket) {
    this.origin = origin;
    this.socket = socket;
    socket.setTimeout(LIMITS.upstreamBodyIdleMs);
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("drain", this.#onDrain);
    socket.on("timeout", this.#onTimeout);
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
  }

  /** Can still carry something, as far as anybody knows. */
  get isAlive(): boolean {
    return !this.socket.destroyed && this.socket.writable && this.socket.readable;
  }

  /** True: it carried another request before. */
  begin(user: ConnectionUser): boolean {
    this.#user = user;
    return this.#carried++ > 0;
  }

  /** Nothing is read until `resume`; that it is silent meanwhile is our doing. */
  pause(): void {
    this.socket.pause();
    this.socket.setTimeout(0);
  }

  resume(): void {
    this.socket.setTimeout(LIMITS.upstreamBodyIdleMs);
    this.socket.resume();
  }

  /** The user hears no more of it. */
  free(): void {
    this.#user = undefined;
  }

  destroy(): void {
    this.#user = undefined;
    this.socket.destroy();
  }

  /** The socket as it was made, paused, with `rest` to be read first. */
  release(rest: Buffer): Socket {
    const { socket } = this;
    this.#user = undefined;
    this.pause();
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.off("drain", this.#onDrain);
    socket.off("timeout", this.#onTimeout);
    socket.off("error", this.#onError);
    socket.off("close", this.#onClose);
    if (rest.length > 0) socket.unshift(rest);
    return socket;
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#user) this.#user.onBytes(bytes);
    // Nobody asked.
    else this.socket.destroy();
  };

  readonly #onEnd = (): void => this.#user?.onEnd();

  readonly #onDrain = (): void => this.#user?.onDrain();

  readonly #onTimeout = (): void => this.#user?.onSilence();

  readonly #onError = (error: Error): void => {
    this.#failure = error;
  };

  readonly #onClose = (): void => this.#user?.onBroken(this.#failure ?? new Error("the upstream closed"));
}
