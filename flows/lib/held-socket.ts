import assert from "node:assert/strict";
import net from "node:net";

/** An address that stays ours while nobody accepts there, as a service manager holds it for a daemon that is down. */
export interface HeldSocket {
  readonly port: number;
  /** To be passed to a process. */
  readonly fd: number;
  close(): void;
}

interface BoundHandle {
  readonly fd: number;
  close(): void;
  getsockname(address: { port?: number }): number;
}

/** Node's own servers accept as soon as they listen, and would take the daemon's connections; cluster's half of `listen` only binds. */
const cluster = net as unknown as { _createServerHandle(host: string, port: number, family: 4): BoundHandle };

export function holdSocket(): HeldSocket {
  const handle = cluster._createServerHandle("127.0.0.1", 0, 4);
  const address: { port?: number } = {};
  assert.equal(handle.getsockname(address), 0);
  return { port: address.port ?? 0, fd: handle.fd, close: () => handle.close() };
}
