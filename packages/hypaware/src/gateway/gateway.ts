import { randomUUID } from "node:crypto";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { FrameSink } from "../contract/frame.ts";
import type { RouteInput } from "../contract/plugin.ts";
import type { ProjectorLog } from "../contract/projection.ts";
import { headerArrays, headerValue } from "../wire/headers.ts";
import { pathOf, queryOf } from "../wire/target.ts";
import { type OwnAnswer, ownAnswer } from "./answer.ts";
import type { ClientRequest, ClientSide } from "./client-side.ts";
import { Clients } from "./clients.ts";
import { untilDurable } from "./durable.ts";
import { Exchange } from "./exchange.ts";
import type { Admission, Refusal } from "./guard.ts";
import type { ListenAddress } from "./listen.ts";
import { openListener } from "./listener.ts";
import { PeerCheck } from "./peer.ts";
import { ReadGarbage } from "./read-garbage.ts";
import type { Route, RouteDecision } from "./router.ts";
import { Rules, type RuleSettings } from "./rules.ts";
import { TapClock } from "./tap-clock.ts";
import { Tap } from "./tap.ts";
import { asksForUpgrade, isWebSocketHandshake, upgradeRefusal } from "./upgrade.ts";
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
  readonly #clients: Clients;
  readonly #peers: PeerCheck;
  readonly #pool: UpstreamPool;
  readonly #clock = new TapClock();
  readonly #garbage = new ReadGarbage();
  readonly #brokenMatches = new Set<string>();
  #rules: Rules;
  #running = 0;
  #exchanges = 0;
  #refused = 0;
  #requestBytes = 0;
  #responseBytes = 0;

  constructor(server: Server, options: GatewayOptions) {
    this.host = options.listen.host;
    this.port = options.listen.port;
    this.#options = options;
    this.#rules = new Rules(options, this.host, this.port);
    this.#peers = options.peers ?? new PeerCheck();
    this.#pool = new UpstreamPool(this.#rules.own);
    this.#clients = new Clients(server, {
      onRequest: (client) => this.#tryAdmit(client),
      onMalformed: () => this.#refused++,
    });
    server.on("error", (error) => options.log.error("aigw.listener_failed", { error: error.message }));
  }

  stats(): GatewayStats {
    return {
      connections: this.#clients.size,
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

  async stop(options: { readonly drainMs: number }): Promise<{ readonly cut: number }> {
    const result = await this.#clients.stop(options);
    this.#pool.destroy();
    return result;
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
}
