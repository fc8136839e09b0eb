import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { FrameSink } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import type { RouteInput } from "../contract/plugin.ts";
import type { ProjectorLog } from "../contract/projection.ts";
import { headerArrays, headerValue } from "../wire/headers.ts";
import { pathOf, queryOf } from "../wire/target.ts";
import { type OwnAnswer, ownAnswer, sendRawAnswer } from "./answer.ts";
import { ClientConnection } from "./client-connection.ts";
import type { ClientRequest, ClientSide } from "./client-side.ts";
import { untilDurable } from "./durable.ts";
import { Exchange } from "./exchange.ts";
import type { Admission, Refusal } from "./guard.ts";
import { HttpClient } from "./http-client.ts";
import type { ListenAddress } from "./listen.ts";
import { openListener } from "./listener.ts";
import { PeerCheck } from "./peer.ts";
import { PlainClient } from "./plain-client.ts";
import { ReadGarbage } from "./read-garbage.ts";
import type { Route, RouteDecision } from "./router.ts";
import { Rules, type RuleSettings } from "./rules.ts";
import { TapClock } from "./tap-clock.ts";
import { Tap } from "./tap.ts";
import { asksForUpgrade, isWebSocketHandshake, upgradeRefusal } from "./upgrade.ts";
import { UpgradingClient } from "./upgrading-client.ts";
import { UpstreamPool } from "./upstream-pool.ts";

export interface GatewayOptions extends RuleSettings {
  /** Port 0: any free one. */
  readonly listen: ListenAddress;
  /** A socket that listens there already, if it was passed to this process. */
  readonly passedSocket?: number | undefined;
  readonly sink: FrameSink;
  readonly log: ProjectorLog;
  /** For tests: who the other end of a connection is. */
  readonly peers?: PeerCheck;
}

export interface GatewayStats {
  readonly connections: number;
  readonly running: number;
  /** Since start, like all below. Refused by the guard: not an exchange. */
  readonly exchanges: number;
  readonly refused: number;
  /** Body bytes on the wire. */
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Copies that the journal did not take. */
  readonly droppedFrames: number;
  readonly droppedBytes: number;
  readonly failedTaps: number;
}

export interface Gateway {
  readonly host: string;
  readonly port: number;
  stats(): GatewayStats;
  /** For exchanges that begin from now on. Throws `config_invalid` for routes that lead to us, and keeps the old rules. */
  adopt(settings: RuleSettings): void;
  /**
   * Takes no more requests, lets running ones end, and after `drainMs` cuts the rest. Resolves when every socket is closed. Called again, the
   * earlier end counts.
   */
  stop(options: { readonly drainMs: number }): Promise<{ readonly cut: number }>;
}

/** Rejects with HypError `port_taken` (naming the holder where the system tells) or `config_invalid` (a loop). */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const server = await openListener(options.listen, options.passedSocket, options.log);
  const { port } = server.address() as AddressInfo;
  try {
    return new HttpGateway(server, { ...options, listen: { host: options.listen.host, port } });
  } catch (error) {
    server.close();
    throw error;
  }
}

class HttpGateway implements Gateway {
  readonly host: string;
  readonly port: number;
  readonly #options: GatewayOptions;
  readonly #server: Server;
  readonly #peers: PeerCheck;
  readonly #pool: UpstreamPool;
  readonly #clock = new TapClock();
  readonly #garbage = new ReadGarbage();
  readonly #connections = new Map<Socket, ClientConnection>();
  /** Of those connections that node:http does not have. */
  readonly #plainClients = new Map<Socket, PlainClient>();
  readonly #lateTimer: NodeJS.Timeout;
  readonly #brokenMatches = new Set<string>();
  #rules: Rules;
  #stopping: Promise<{ readonly cut: number }> | undefined;
  #cut = 0;
  #running = 0;
  #exchanges = 0;
  #refused = 0;
  #requestBytes = 0;
  #responseBytes = 0;

  constructor(server: Server, options: GatewayOptions) {
    this.host = options.listen.host;
    this.port = options.listen.port;
    this.#options = options;
    this.#server = server;
    this.#rules = new Rules(options, this.host, this.port);
    this.#peers = options.peers ?? new PeerCheck();
    this.#pool = new UpstreamPool(this.#rules.own);
    this.#carryPlainRequests();
    this.#lateTimer = setInterval(() => this.#closeLate(), LIMITS.headersTimeoutMs / 5).unref();
    server.on("request", (request, response) => this.#receive(request, response));
    server.on("checkContinue", (request, response) => this.#receive(request, response));
    server.on("checkExpectation", (request, response) => this.#receive(request, response));
    this.#carryUpgrades();
    server.on("connect", (_request, socket: Socket) => refuseConnect(socket));
    server.on("clientError", (error, socket) => this.#refuseMalformed(error, socket as Socket));
    server.on("error", (error) => options.log.error("aigw.listener_failed", { error: error.message }));
  }

  stats(): GatewayStats {
    return {
      connections: this.#connections.size,
      running: this.#running,
      exchanges: this.#exchanges,
      refused: this.#refused,
      requestBytes: this.#requestBytes,
      responseBytes: this.#responseBytes,
      droppedFrames: this.#clock.droppedFrames,
      droppedBytes: this.#clock.droppedBytes,
      failedTaps: this.#clock.failedTaps,
    };
  }

  adopt(settings: RuleSettings): void {
    this.#rules = new Rules(settings, this.host, this.port);
    this.#brokenMatches.clear();
  }

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
    this.#pool.destroy();
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
        onRequest: () => this.#tryAdmit(client),
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
    this.#tryAdmit(new HttpClient(request, response, connection, upgrading));
  }

  /** A bug of ours ends this connection, never the process. */
  #tryAdmit(client: ClientSide): void {
    const { connection } = client;
    try {
      if (!connection.isGone) this.#admit(client);
      // Of an upgrade node:http has let go.
      else if (client.canUpgrade) connection.socket.destroy();
    } catch (error) {
      this.#options.log.error("aigw.request_failed", {
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      connection.socket.destroy();
    }
  }

  #admit(client: ClientSide): void {
    const { request, connection } = client;
    const admission = this.#rules.guard.admit(request.target, request.headers);
    if ("status" in admission) {
      const { status, reason, error, detail } = admission;
      this.#refuse(client, status, reason, { error, detail });
      return;
    }
    // A valid route key proves the account: others cannot read it. Otherwise the kernel is asked, which takes a moment.
    const peer = admission.routeKey === undefined ? connection.peer(this.#peers) : "same-account";
    if (peer instanceof Promise) void peer.then(() => this.#tryAdmit(client));
    else if (peer === "other-account") {
      this.#refuse(client, 403, "account", {
        error: "account not allowed",
        detail: "this gateway belongs to another account of this machine",
      });
    } else this.#begin(client, request, admission);
  }

  #refuse(
    client: ClientSide,
    status: number,
    reason: Refusal["reason"] | "account",
    body: { readonly error: string; readonly detail: string },
  ): void {
    this.#refused++;
    this.#options.log.debug("aigw.request_refused", { status, reason });
    client.answer(ownAnswer(status, body));
  }

  /** From here on it is an exchange. */
  #begin(client: ClientSide, request: ClientRequest, { target, routeKey, clientName }: Admission): void {
    const startedAt = performance.now();
    const decision = this.#decide(request, target);
    const tap = new Tap(
      {
        sink: this.#options.sink,
        clock: this.#clock,
        log: this.#options.log,
        redactHeaders: this.#rules.redact,
      },
      randomUUID().replaceAll("-", ""),
      startedAt,
    );
    const devRunId = headerValue(request.headers, "x-hyp-dev-run-id");
    tap.open({
      startedAt: Date.now(),
      method: request.method,
      target,
      httpVersion: request.isHttp10 ? "1.0" : "1.1",
      headers: request.headers,
      upstream: decision.route?.name ?? null,
      provider: decision.route?.provider ?? null,
      routeReason: decision.reason,
      clientName,
      gatewayId: this.#rules.gatewayId,
      metadata: devRunId === undefined ? {} : { dev_run_id: devRunId },
      routeKey,
    });
    this.#exchanges++;
    if (!client.canUpgrade && asksForUpgrade(request.headers)) {
      const error = isWebSocketHandshake(request)
        ? "this connection cannot carry a WebSocket"
        : "this gateway upgrades to a WebSocket only, in a GET without a body";
      this.#answerExchange(client, tap, upgradeRefusal(error), error);
    } else if (!decision.route) {
      const error = "no upstream matches path";
      const path = pathOf(target);
      const answer = client.canUpgrade ? upgradeRefusal(error) : ownAnswer(404, { error, path });
      this.#answerExchange(client, tap, answer, error);
    } else this.#exchange(client, target, decision.route, tap);
  }

  #decide({ method, headers: raw }: ClientRequest, target: string): RouteDecision {
    let headers: RouteInput["headers"] | undefined;
    const input: RouteInput = {
      method,
      path: pathOf(target),
      query: queryOf(target),
      // Most routes are decided by the path; then nobody reads them.
      get headers() {
        return (headers ??= headerArrays(raw));
      },
    };
    return this.#rules.routes.route(input, (route, error) => {
      if (this.#brokenMatches.has(route.name)) return;
      this.#brokenMatches.add(route.name);
      this.#options.log.warn("aigw.upstream_match_error", {
        upstream: route.name,
        error: error instanceof Error ? error.message : String(error),
      });
    });
  }

  #answerExchange(client: ClientSide, tap: Tap, answer: OwnAnswer, error: string): void {
    tap.answer(answer);
    tap.close("upstream_refused", error);
    this.#responseBytes += answer.body.length;
    client.answer(answer);
  }

  #exchange(client: ClientSide, target: string, route: Route, tap: Tap): void {
    this.#running++;
    const exchange = new Exchange({
      client,
      pool: this.#pool,
      tap,
      garbage: this.#garbage,
      route,
      target,
      durable: this.#rules.durability === "strict" ? () => untilDurable(this.#options.sink) : undefined,
      onEnd: () => this.#ended(tap),
    });
    exchange.start();
  }

  #ended(tap: Tap): void {
    this.#running--;
    this.#requestBytes += tap.requestBytes;
    this.#responseBytes += tap.responseBytes;
  }

  #refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
    const connection = this.#connections.get(socket);
    const busy = connection !== undefined && connection.running.size > 0;
    if (busy || !socket.writable || error.code === "ECONNRESET") {
      socket.destroy();
      return;
    }
    this.#refused++;
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
