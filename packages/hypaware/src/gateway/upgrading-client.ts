import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { LIMITS } from "../contract/limits.ts";

/** The connection of a client that asked for a WebSocket and waits for the answer. node:http has let go of it. */
export class UpgradingClient {
  readonly socket: Socket;
  /** For an answer without an upgrade; the connection ends behind it. */
  readonly response: ServerResponse;
  #early: Buffer[];
  #earlyBytes = 0;

  /** `head`: what came in one piece with the request. */
  constructor(request: IncomingMessage, socket: Socket, head: Buffer) {
    this.socket = socket;
    this.#early = head.length === 0 ? [] : [head];
    socket.setTimeout(0);
    // Reading is also the only way to learn that the client has left.
    socket.on("data", this.#keep);
    this.response = new ServerResponse(request);
    this.response.shouldKeepAlive = false;
    this.response.assignSocket(socket);
    socket.on("drain", this.#drained);
    this.response.on("finish", () => socket.destroySoon());
  }

  /** Gives up the socket, paused, and returns what the client sent too early. */
  release(): readonly Buffer[] {
    this.socket.off("data", this.#keep);
    this.socket.off("drain", this.#drained);
    this.response.detachSocket(this.socket);
    this.socket.pause();
    const early = this.#early;
    this.#early = [];
    return early;
  }

  readonly #keep = (chunk: Buffer): void => {
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes >= LIMITS.uploadQueueBytes) this.socket.pause();
  };

  readonly #drained = (): void => {
    this.response.emit("drain");
  };
}
