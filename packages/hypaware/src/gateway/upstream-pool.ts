import { LIMITS } from "../contract/limits.ts";
import { type ConnectError, createDial, type Dial } from "./dial.ts";
import type { OwnAddress } from "./own-address.ts";
import { UpstreamConnection } from "./upstream-connection.ts";

interface Idle {
  readonly connection: UpstreamConnection;
  /** On the clock of `performance.now()`. */
  readonly until: number;
}

/** Connections to all upstreams: HTTP/1.1, one request at a time on each, kept for `upstreamIdleSocketMs` when idle. */
export class UpstreamPool {
  readonly #dial: Dial;
  /** By origin; who was used last is used next. */
  readonly #idle = new Map<string, Idle[]>();
  readonly #open = new Set<UpstreamConnection>();
  #timer: NodeJS.Timeout | undefined;
  #isDestroyed = false;

  constructor(own: OwnAddress) {
    this.#dial = createDial(own);
  }

  /** A kept connection. */
  takeIdle(origin: string): UpstreamConnection | undefined {
    const idle = this.#idle.get(origin);
    const now = performance.now();
    for (let last = idle?.pop(); last; last = idle?.pop()) {
      if (last.until > now && last.connection.isAlive) return last.connection;
      last.connection.destroy();
    }
    return undefined;
  }

  /** A new connection. */
  open(origin: string, onResult: (result: UpstreamConnection | ConnectError) => void): void {
    this.#dial(origin, (result) => {
      if (result instanceof Error) {
        onResult(result);
        return;
      }
      const connection = new UpstreamConnection(origin, result);
      this.#open.add(connection);
      result.on("close", () => this.#open.delete(connection));
      onResult(connection);
      if (this.#isDestroyed) connection.destroy();
    });
  }

  /** For the next request. `hintMs`: what the upstream says that it keeps it for; that may only shorten it. */
  keep(connection: UpstreamConnection, hintMs = Number.POSITIVE_INFINITY): void {
    connection.free();
    const keptMs = Math.min(LIMITS.upstreamIdleSocketMs, hintMs - LIMITS.upstreamIdleMarginMs);
    if (keptMs <= 0 || this.#isDestroyed || !connection.isAlive) {
      connection.destroy();
      return;
    }
    let idle = this.#idle.get(connection.origin);
    if (!idle) this.#idle.set(connection.origin, (idle = []));
    idle.push({ connection, until: performance.now() + keptMs });
    this.#timer ??= setTimeout(() => this.#closeOld(), LIMITS.upstreamIdleSocketMs).unref();
  }

  destroy(): void {
    this.#isDestroyed = true;
    clearTimeout(this.#timer);
    for (const connection of this.#open) connection.destroy();
  }

  #closeOld(): void {
    const now = performance.now();
    this.#timer = undefined;
    for (const [origin, idle] of this.#idle) {
      const kept = idle.filter(({ connection, until }) => {
        if (until > now && connection.isAlive) return true;
        connection.destroy();
        return false;
      });
      if (kept.length > 0) this.#idle.set(origin, kept);
      else this.#idle.delete(origin);
    }
    if (this.#idle.size > 0)
      this.#timer = setTimeout(() => this.#closeOld(), LIMITS.upstreamIdleSocketMs / 4).unref();
  }
}
