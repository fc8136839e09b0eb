import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
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
  /** By origin: the next handshake is shorter. */
  const sessions = new Map<string, Buffer>();
  return (origin, onResult) => {
    const { protocol, hostname, port } = new URL(origin);
    const host = hostname.replace(/^\[(.*)\]$/, "$1");
    const socket =
      protocol === "https:"
        ? connectTls({
            host,
            port: Number(port || 443),
            // An address is no name (RFC 6066, section 3).
            servername: isIP(host) === 0 ? host : "",
            ALPNProtocols: ["http/1.1"],
            session: sessions.get(origin),
          })
        : connectTcp({ host, port: Number(port || 80) });
    socket.setNoDelay(true);
    socket.setKeepAlive(true, LIMITS.upstreamProbeMs);
    socket.on("session", (session: Buffer) => sessions.set(origin, session));
    const tell = (result: Socket | ConnectError): void => {
      clearTimeout(timer);
      socket.off("error", fail);
      onResult(result);
    };
    const fail = (error: Error): void => {
      // What else may go wrong with it is of no interest.
      socket.on("error", () => undefined).destroy();
      tell(new ConnectError(error));
    };
    const timer = setTimeout(
      () => fail(new Error(`no connection to ${hostname} within ${LIMITS.upstreamConnectMs / 1_000} s`)),
      LIMITS.upstreamConnectMs,
    );
    socket.on("error", fail);
    socket.once(protocol === "https:" ? "secureConnect" : "connect", () => {
      if (own.isReached(socket.remoteAddress, socket.remotePort))
        fail(new Error(`${hostname}:${port} is this gateway's own address`));
      else tell(socket);
    });
  };
}

function wordsOf(error: Error & { readonly code?: string }): string {
  const inner: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  if (inner.length > 0)
    return inner.map((one) => (one instanceof Error ? one.message : String(one))).join("; ");
  return error.message || error.code || error.name;
}
