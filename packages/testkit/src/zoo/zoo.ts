import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import type { Behaviour, Call } from "./behaviour.ts";
import { BREAKS } from "./breaks.ts";
import { ENCODED } from "./codings.ts";
import { EVENTS } from "./events.ts";
import { FRAMING } from "./framing.ts";
import { HEADS } from "./heads.ts";

/** What upstreams do, good and bad. */
export const BEHAVIOURS: readonly Behaviour[] = [...FRAMING, ...HEADS, ...BREAKS, ...ENCODED, ...EVENTS];

const byName = new Map(BEHAVIOURS.map((behaviour) => [behaviour.name, behaviour]));
const UNKNOWN = "HTTP/1.1 404 No Such Animal\r\nContent-Length: 0\r\n\r\n";

export interface Zoo {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** A server on loopback, without an HTTP library in the way, that behaves at `/zoo/<name>` as the name says. */
export async function startZoo(): Promise<Zoo> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // Peers leave as they like; that is what the zoo is for.
    socket.on("error", () => {});
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Requests of one connection, in the plain form that well-behaved clients send: a length, or chunks. */
function serve(socket: Socket): void {
  let pending: Buffer = Buffer.alloc(0);
  let isBusy = false;
  let closed = false;
  const onData = (piece: Buffer): void => {
    pending = pending.length === 0 ? piece : Buffer.concat([pending, piece]);
    step();
  };
  const step = (): void => {
    const request = isBusy ? undefined : requestIn(pending);
    if (request === undefined) return;
    const behaviour = byName.get(request.name);
    if (behaviour?.readsUpload === false) {
      socket.off("data", onData);
      socket.pause();
    } else if (pending.length < request.bytes) return;
    pending = pending.subarray(request.bytes);
    isBusy = true;
    void answer(behaviour, { socket, query: request.query, pause: (ms) => pause(ms, () => closed) });
  };
  const answer = async (behaviour: Behaviour | undefined, call: Call): Promise<void> => {
    if (behaviour === undefined) socket.write(UNKNOWN);
    else await behaviour.serve(call);
    isBusy = false;
    step();
  };
  socket.on("data", onData);
  socket.on("close", () => (closed = true));
}

interface ZooRequest {
  readonly name: string;
  readonly query: URLSearchParams;
  /** Head and body. */
  readonly bytes: number;
}

function requestIn(bytes: Buffer): ZooRequest | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const text = bytes.toString("latin1", 0, end);
  const { pathname, searchParams } = new URL(text.split(" ")[1] ?? "/", "http://zoo");
  const length = Number(/^content-length: *(\d+)/im.exec(text)?.[1] ?? 0);
  return { name: pathname.replace(/^\/zoo\//, ""), query: searchParams, bytes: end + 4 + length };
}

async function pause(ms: number, isOver: () => boolean): Promise<void> {
  const until = performance.now() + ms;
  do await new Promise((resolve) => setTimeout(resolve, Math.min(ms, 20)));
  while (performance.now() < until && !isOver());
}
