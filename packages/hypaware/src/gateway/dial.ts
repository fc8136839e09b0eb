import type { Socket } from "node:net";
import { buildConnector } from "undici";
import { LIMITS } from "../contract/limits.ts";
import type { OwnAddress } from "./own-address.ts";

/** There is no connection (name, TCP, TLS, loop). */
export class ConnectError extends Error {
  constructor(cause: Error & { readonly code?: string }) {
    super(wordsOf(cause), { cause });
    this.name = "ConnectError";
  }
}

/** Connects to `scheme://host[:port]` for HTTP/1.1. */
export type Dial = (origin: string, onResult: (result: Socket | ConnectError) => void) => void;

/** Never to ourselves: an upstream whose name leads to `own` is refused. */
export function createDial(own: OwnAddress): Dial {
  const connect = buildConnector({ allowH2: false, timeout: LIMITS.upstreamConnectMs });
  return (origin, onResult) => {
    const { protocol, hostname, host, port } = new URL(origin);
    const target = { protocol, host, port, hostname: hostname.replace(/^\[(.*)\]$/, "$1") };
    connect(target, (error, socket) => {
      if (error) onResult(new ConnectError(error));
      else if (own.isReached(socket.remoteAddress, socket.remotePort)) {
        socket.destroy();
        onResult(new ConnectError(new Error(`${hostname}:${port} is this gateway's own address`)));
      } else onResult(socket);
    });
  };
}

function wordsOf(error: Error & { readonly code?: string }): string {
  const inner: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  if (inner.length > 0)
    return inner.map((one) => (one instanceof Error ? one.message : String(one))).join("; ");
  return error.message || error.code || error.name;
}
