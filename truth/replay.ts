// A scenario once more, through a gateway: we are the client and the provider. Requests begin and answers end in the order in which they
// did, so that calls overlap as they overlapped. Bodies go out in the content encodings that their headers name.

import { once } from "node:events";
import { request as httpRequest, createServer } from "node:http";
import type { ClientRequest, IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { acceptWebSocket } from "../flows/lib/websocket-upstream.ts";
import type { Call, HeaderList, HttpCall, SocketCalls } from "./scenario.ts";

const WAIT_MS = 20_000;
/** What belongs to a connection and is made anew. */
const HOP = new Set(["host", "connection", "content-length", "transfer-encoding", "keep-alive"]);

interface Arrived {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

interface Running {
  /** Ends the call as it ended. */
  end(): Promise<void>;
}

export class Replay {
  readonly #server: Server = createServer((request, response) => this.#arrived(request, response));
  #taking: ((arrived: Arrived) => void) | undefined;
  #socket: SocketCalls | undefined;

  private constructor() {
    this.#server.on("upgrade", (request, socket) => {
      const script = this.#socket;
      if (script === undefined || script.status !== 101) {
        socket.end(`HTTP/1.1 ${script?.status ?? 426} Refused\r\ncontent-length: 0\r\n\r\n`);
        return;
      }
      acceptWebSocket(request, socket, scripted(script));
    });
  }

  static async start(): Promise<Replay> {
    const replay = new Replay();
    replay.#server.listen(0, "127.0.0.1");
    await once(replay.#server, "listening");
    return replay;
  }

  /** The provider's address. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Sends everything to the gateway at `gateway`. */
  async run(calls: readonly Call[], gateway: string): Promise<void> {
    const running = new Map<Call, Running>();
    const steps = calls
      .flatMap((call, order) => [
        { call, order, at: call.startMs, isEnd: false },
        { call, order, at: Math.max(call.endMs, call.startMs), isEnd: true },
      ])
      .sort((a, b) => a.at - b.at || Number(a.isEnd) - Number(b.isEnd) || a.order - b.order);
    for (const { call, isEnd } of steps) {
      if (isEnd) await running.get(call)!.end();
      else
        running.set(
          call,
          call.kind === "http" ? await this.#begin(call, gateway) : this.#beginSocket(call, gateway),
        );
    }
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Resolves when the provider has the whole request. */
  async #begin(call: HttpCall, gateway: string): Promise<Running> {
    const arrives = new Promise<Arrived>((resolve) => (this.#taking = resolve));
    const body = encoded(Buffer.from(call.body), header(call.headers, "content-encoding"));
    const { hostname, port } = new URL(gateway);
    const client = httpRequest({
      hostname,
      port,
      method: call.method,
      path: call.target,
      headers: [...flat(call.headers), "host", `${hostname}:${port}`, "content-length", String(body.length)],
    });
    const ended = endOf(client);
    client.end(body);
    const { request, response } = await within(arrives, `${call.method} ${call.target} reaches the provider`);
    request.resume();
    if (!request.complete) await once(request, "end");
    return { end: () => finish(call, client, response, ended) };
  }

  #beginSocket(call: SocketCalls, gateway: string): Running {
    return {
      end: async () => {
        this.#socket = call;
        if (call.status !== 101) {
          await refusedUpgrade(call, gateway);
          return;
        }
        await speak(call, gateway);
      },
    };
  }

  #arrived(request: IncomingMessage, response: ServerResponse): void {
    const take = this.#taking;
    this.#taking = undefined;
    take?.({ request, response });
  }
}

async function finish(
  { answer }: HttpCall,
  client: ClientRequest,
  response: ServerResponse,
  ended: Promise<void>,
): Promise<void> {
  const isCut = answer.cutBy !== undefined;
  const body = encoded(Buffer.from(answer.body), header(answer.headers, "content-encoding"));
  const headers = isCut
    ? flat(answer.headers)
    : [...flat(answer.headers), "content-length", String(body.length)];
  response.sendDate = false;
  response.writeHead(answer.status, headers);
  if (!isCut) response.end(body);
  else {
    const arrived = new Promise<void>((resolve) =>
      client.once("response", (incoming) => {
        let received = 0;
        incoming.on("data", (chunk: Buffer) => {
          received += chunk.length;
          if (received >= body.length) resolve();
        });
        incoming.on("error", () => {});
      }),
    );
    response.write(body);
    await within(arrived, "what came before the cut arrives");
    if (answer.cutBy === "server") response.socket?.resetAndDestroy();
    else client.destroy();
  }
  await within(ended, "the call ends");
}

function endOf(client: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    client.on("response", (incoming) => {
      incoming.resume();
      incoming.on("close", resolve);
      incoming.on("error", () => resolve());
    });
    client.on("error", () => resolve());
    client.on("close", () => resolve());
  });
}

/** Answers each of the client's messages with what followed it. */
function scripted({ messages }: SocketCalls): () => readonly string[] {
  let at = 0;
  return () => {
    at = messages.findIndex(({ side }, index) => index >= at && side === "client") + 1;
    const next = messages.findIndex(({ side }, index) => index >= at && side === "client");
    return messages.slice(at, next === -1 ? undefined : next).map(({ text }) => text);
  };
}

async function speak({ headers, target, messages }: SocketCalls, gateway: string): Promise<void> {
  const handshake = new Set([
    "upgrade",
    "sec-websocket-version",
    "sec-websocket-key",
    "sec-websocket-extensions",
  ]);
  const client = new WebSocket(`${gateway.replace("http", "ws")}${target}`, {
    headers: Object.fromEntries(
      headers.filter(([name]) => !HOP.has(name.toLowerCase()) && !handshake.has(name.toLowerCase())),
    ),
  });
  await within(once(client, "open"), "the connection opens");
  for (const [index, { side, text }] of messages.entries()) {
    if (side === "server") continue;
    const next = messages.findIndex((each, at) => at > index && each.side === "client");
    const answers = (next === -1 ? messages.length : next) - index - 1;
    const heard = heardTimes(client, answers);
    client.send(text);
    await within(heard, "the answer comes");
  }
  const closed = once(client, "close");
  client.close();
  await within(closed, "the connection closes");
}

async function heardTimes(client: WebSocket, count: number): Promise<void> {
  if (count === 0) return;
  await new Promise<void>((resolve) => {
    let left = count;
    const heard = (): void => {
      left -= 1;
      if (left > 0) return;
      client.removeEventListener("message", heard);
      resolve();
    };
    client.addEventListener("message", heard);
  });
}

async function refusedUpgrade({ headers, target }: SocketCalls, gateway: string): Promise<void> {
  const { hostname, port } = new URL(gateway);
  const own = headers.filter(([name]) => !["host", "content-length"].includes(name.toLowerCase()));
  const client = httpRequest({
    hostname,
    port,
    path: target,
    headers: [...own.flat(), "host", `${hostname}:${port}`],
  });
  const ended = endOf(client);
  client.on("upgrade", (_response, socket) => socket.destroy());
  client.end();
  await within(ended, "the handshake is refused");
}

function flat(headers: HeaderList): string[] {
  return headers.filter(([name]) => !HOP.has(name.toLowerCase())).flatMap(([name, value]) => [name, value]);
}

function header(headers: HeaderList, name: string): string | undefined {
  return headers.find(([each]) => each.toLowerCase() === name)?.[1];
}

function encoded(body: Buffer, encoding: string | undefined): Buffer {
  switch (encoding) {
    case undefined:
    case "identity":
      return body;
    case "gzip":
      return gzipSync(body);
    case "deflate":
      return deflateSync(body);
    case "br":
      return brotliCompressSync(body);
    case "zstd":
      return zstdCompressSync(body);
    default:
      throw new Error(`unknown content encoding ${encoding}`);
  }
}

async function within<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${WAIT_MS / 1000} s: ${what}`)), WAIT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
