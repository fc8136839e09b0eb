import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { LIMITS } from "../contract/limits.ts";
import { ownAnswer, sendRawAnswer } from "./answer.ts";
import { ClientConnection } from "./client-connection.ts";
import type { ClientSide } from "./client-side.ts";
import { HttpClient } from "./http-client.ts";
import { PlainClient } from "./plain-client.ts";
import { isWebSocketHandshake } from "./upgrade.ts";
import { UpgradingClient } from "./upgrading-client.ts";

export interface ClientsListener {
  onRequest(client: ClientSide): void;
  /** What came is no request; it was answered. */
  onMalformed(): void;
}

/** The connections of a server, and who reads them. */
export class Clients {
  readonly #server: Server;
  readonly #listener: ClientsListener;
  readonly #connections = new Map<Socket, ClientConnection>();
  /** Of those connections that node:http does not have. */
  readonly #plainClients = new Map<Socket, PlainClient>();
  readonly #lateTimer: NodeJS.Timeout;
  #stopping: Promise<{ readonly cut: number }> | undefined;
  #cut = 0;

  constructor(server: Server, listener: ClientsListener) {
    this.#server = server;
    this.#listener = listener;
    this.#carryPlainRequests();
    this.#lateTimer = setInterval(() => this.#closeLate(), LIMITS.headersTimeoutMs / 5).unref();
    server.on("request", (request, response) => this.#receive(request, response));
    server.on("checkContinue", (request, response) => this.#receive(request, response));
    server.on("checkExpectation", (request, response) => this.#receive(request, response));
    this.#carryUpgrades();
    server.on("connect", (_request, socket: Socket) => refuseConnect(socket));
    server.on("clientError", (error, socket) => this.#refuseMalformed(error, socket as Socket));
  }

  /** Open connections. */
  get size(): number {
    return this.#connections.size;
  }

  /**
   * Takes no more requests, lets running ones end, and after `drainMs` cuts the rest. Resolves when every socket is closed. Called again, the
   * earlier end counts.
   */
  stop({ drainMs }: { readonly drainMs: number }): Promise<{ readonly cut: number }> {
    this.#stopping ??= this.#drain();
    const timer = setTimeout(() => this.#cutRunning(), drainMs);
    return this.#stopping.finally(() => clearTimeout(timer));
  }

  async #drain(): Promise<{ readonly cut: number }> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    // Node takes a connection that has not sent anything yet for a busy one. What it sent before it could know is answered.
    const timer = setTimeout(() => {
      for (const connection of this.#connections.values()) closeIfIdle(connection);
    }, LIMITS.freshConnectionMs);
    await closed;
    clearTimeout(timer);
    clearInterval(this.#lateTimer);
    return { cut: this.#cut };
  }

  #cutRunning(): void {
    for (const connection of this.#connections.values()) {
      this.#cut += connection.running.size;
      for (const exchange of connection.running) exchange.interrupt();
      connection.socket.destroy();
    }
  }

  /** A connection is read by us until its first request that is not plain; then by node:http. */
  #carryPlainRequests(): void {
    const [toHttp] = this.#server.listeners("connection");
    this.#server.removeAllListeners("connection");
    this.#server.on("connection", (socket: Socket) => {
      const connection = new ClientConnection(socket);
      this.#connections.set(socket, connection);
      socket.on("close", () => {
        this.#connections.delete(socket);
        this.#plainClients.delete(socket);
      });
      const client = new PlainClient({
        connection,
        onRequest: () => this.#listener.onRequest(client),
        onUnusual: () => {
          this.#plainClients.delete(socket);
          toHttp?.call(this.#server, socket);
        },
        isStopping: () => this.#stopping !== undefined,
      });
      this.#plainClients.set(socket, client);
    });
  }

  /** node:http does the same with its own. */
  #closeLate(): void {
    const now = performance.now();
    for (const [socket, client] of this.#plainClients) {
      const late = client.isLate(now);
      if (late?.isFresh === true) this.#refuseMalformed(new RequestTimeout(), socket);
      else if (late) socket.destroy();
    }
  }

  /**
   * Only handshakes become `upgrade` events. A Node that cannot tell (before 22.21 and 24.9) would make events of all offers, of
   * requests with bodies that offer h2c too; there WebSockets are refused.
   */
  #carryUpgrades(): void {
    if (!("shouldUpgradeCallback" in this.#server)) return;
    this.#server.shouldUpgradeCallback = (request: IncomingMessage) => this.#mayUpgrade(request);
    this.#server.on("upgrade", (request, socket, head) =>
      this.#receiveUpgrade(request, socket as Socket, head),
    );
  }

  /** Not behind an answer that is still to come: what the client sent next would get in front of it. */
  #mayUpgrade(request: IncomingMessage): boolean {
    const { method = "", rawHeaders: headers, httpVersionMinor } = request;
    return (
      isWebSocketHandshake({ method, headers, isHttp10: httpVersionMinor === 0 }) &&
      this.#connections.get(request.socket)?.unanswered === 0
    );
  }

  #receiveUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on("error", ignore);
    const upgrading = new UpgradingClient(request, socket, head);
    this.#receive(request, upgrading.response, upgrading);
  }

  #receive(request: IncomingMessage, response: ServerResponse, upgrading?: UpgradingClient): void {
    // An abort is seen by the connection; without a listener it would be an uncaught error.
    request.on("error", ignore);
    response.on("error", ignore);
    if (this.#stopping) response.shouldKeepAlive = false;
    const connection = this.#connections.get(request.socket);
    if (!connection) return;
    connection.unanswered++;
    response.on("close", () => {
      connection.unanswered--;
      // The head may have promised a kept connection before the stop.
      if (this.#stopping) closeIfIdle(connection);
    });
    this.#listener.onRequest(new HttpClient(request, response, connection, upgrading));
  }

  #refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
    const connection = this.#connections.get(socket);
    const busy = connection !== undefined && connection.running.size > 0;
    if (busy || !socket.writable || error.code === "ECONNRESET") {
      socket.destroy();
      return;
    }
    this.#listener.onMalformed();
    const status = MALFORMED_STATUS[error.code ?? ""] ?? 400;
    sendRawAnswer(socket, ownAnswer(status, { error: "bad request", detail: error.message }));
  }
}

const MALFORMED_STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** As node:http says it. */
class RequestTimeout extends Error {
  readonly code = "ERR_HTTP_REQUEST_TIMEOUT";

  constructor() {
    super("Request timeout");
  }
}

/** Behind what is still on its way to the client. */
function closeIfIdle(connection: ClientConnection): void {
  if (connection.unanswered === 0) connection.socket.destroySoon();
}

function ignore(): void {
  // Seen elsewhere.
}

function refuseConnect(socket: Socket): void {
  socket.on("error", ignore);
  sendRawAnswer(socket, ownAnswer(405, { error: "method not allowed", detail: "this gateway is no tunnel" }));
}
