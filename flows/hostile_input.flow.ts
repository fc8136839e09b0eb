import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { exchangeRaw, openRaw } from "@hypaware/testkit";
import { recorderPid } from "./lib/daemon.ts";
import type { Daemon } from "./lib/daemon.ts";
import type { FlowContext } from "./lib/flow.ts";
import { isAlive } from "./lib/process.ts";
import { RssPeak, rssMB } from "./lib/rss.ts";

export const title =
  "garbage, bombs and a 200 MB line end no process, cost under 64 MB, and the bytes still flow";
export const timeoutMs = 180_000;

const MB = 1024 * 1024;
const LINE_MB = 200;
/** What a gateway has carried before anybody calls it idle: a long request and a long answer. */
const WARM_MB = 8;
const MAX_GROWTH_MB = 64;
const PIECE = Buffer.alloc(MB, "a");

/** Sent as they stand. None of them may reach the upstream. */
const REFUSED: Readonly<Record<string, string>> = {
  garbage: "\u0000\u0001\u0002 not http at all\r\n\r\n",
  "a TLS hello": "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003",
  CONNECT: "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
  "a foreign absolute form": "GET http://example.com/v1/messages HTTP/1.1\r\nHost: example.com\r\n\r\n",
  "no Host": "GET /v1/messages HTTP/1.1\r\n\r\n",
  "two lengths": "POST / HTTP/1.1\r\nHost: @\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
  "length and chunks":
    "POST / HTTP/1.1\r\nHost: @\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "a long header": `GET / HTTP/1.1\r\nHost: @\r\nX: ${"x".repeat(2 * MB)}\r\n\r\n`,
  "many headers": `GET / HTTP/1.1\r\nHost: @\r\n${"X-Y: z\r\n".repeat(20_000)}\r\n`,
};

export default async function hostileInput(ctx: FlowContext): Promise<void> {
  const seen: string[] = [];
  const upstream = await startUpstream(seen);
  try {
    const base_url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    const upstreams = [{ name: "anything", base_url, path_prefix: "/" }];
    const gateway = { name: "@hypaware/ai-gateway", config: { listen: "127.0.0.1:0", upstreams } };
    ctx.writeConfig({ version: 2, plugins: [gateway] });
    const daemon = await ctx.startDaemon();
    const recorder = await recorderPid(ctx.state);
    await longBodies(daemon, WARM_MB);
    seen.length = 0;
    await sleep(1_000);
    const idle = rssMB(daemon.pid) ?? 0;
    const peak = new RssPeak(daemon.pid);

    for (const [name, bytes] of Object.entries(REFUSED)) await refused(daemon, name, bytes, seen);
    assert.deepEqual(seen, []);
    assert.equal((await ask(daemon, "//double//slash/../x")).status, 200);
    assert.deepEqual(seen.splice(0), ["GET //double//slash/../x"], "a target is passed on as it is");
    await endlessHead(daemon);
    await longBodies(daemon, LINE_MB);

    const grown = peak.stop() - idle;
    ctx.note(`gateway ${idle.toFixed(0)} MB idle, at most ${grown.toFixed(0)} MB more`);
    assert.ok(grown <= MAX_GROWTH_MB, `the gateway grew by ${grown.toFixed(0)} MB`);
    assert.equal((await ask(daemon, "/v1/messages?still=here")).status, 200);
    const [row] = await ctx.sql(
      `SELECT outcome, response_bytes::INT AS response_bytes, request_bytes::INT AS request_bytes
         FROM ai_gateway_exchanges WHERE path = '/long?mb=${LINE_MB}'`,
    );
    assert.deepEqual(
      [Number(row?.["request_bytes"]), Number(row?.["response_bytes"])],
      [LINE_MB * MB, LINE_MB * MB],
      "what is too long to keep is still counted",
    );
    assert.ok(isAlive(daemon.pid));
    assert.equal(await recorderPid(ctx.state), recorder, "the recorder never ended");
    assert.equal((await daemon.stop()).code, 0);
  } finally {
    upstream.closeAllConnections();
    upstream.close();
  }
}

function ask({ port }: Daemon, target: string): ReturnType<typeof exchangeRaw> {
  const bytes = Buffer.from(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  return exchangeRaw({ host: "127.0.0.1", port }, "GET", bytes);
}

/** An error status or a closed connection, and nothing reaches the upstream. */
async function refused({ port }: Daemon, name: string, text: string, seen: readonly string[]): Promise<void> {
  const before = seen.length;
  const connection = await openRaw("127.0.0.1", port);
  connection.socket.write(Buffer.from(text.replace("Host: @", `Host: 127.0.0.1:${port}`), "latin1"));
  const closed = await Promise.race([connection.closed, sleep(5_000, "open" as const)]);
  const answer = connection.received().toString("latin1");
  connection.socket.destroy();
  assert.ok(closed !== "open" || /^HTTP\/1\.1 4\d\d /.test(answer), `${name}: neither refused nor closed`);
  assert.ok(!answer.startsWith("HTTP/1.1 2"), `${name}: ${answer.slice(0, 100)}`);
  assert.equal(seen.length, before, `${name} reached the upstream`);
}

/** A request line that never ends: the connection is closed long before it was read. */
async function endlessHead({ port }: Daemon): Promise<void> {
  const { socket, closed } = await openRaw("127.0.0.1", port);
  socket.write("GET /");
  for (let i = 0; i < LINE_MB && socket.writable; i++) {
    if (!socket.write(PIECE)) await Promise.race([once(socket, "drain").catch(() => {}), closed]);
  }
  assert.notEqual(await Promise.race([closed, sleep(15_000, "open" as const)]), "open", "a head has a bound");
  socket.destroy();
}

/** A body without one line end, there and back: each side has what the other sent. */
async function longBodies({ port }: Daemon, megabytes: number): Promise<void> {
  const expected = createHash("sha256");
  for (let i = 0; i < megabytes; i++) expected.update(PIECE);
  const digest = expected.digest("hex");
  const socket = connect(port, "127.0.0.1");
  const length = `Content-Length: ${megabytes * MB}`;
  socket.write(`POST /long?mb=${megabytes} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${length}\r\n\r\n`);
  const answer = readAnswer(socket, megabytes * MB);
  for (let i = 0; i < megabytes; i++) if (!socket.write(PIECE)) await once(socket, "drain");
  assert.deepEqual(await answer, { uploaded: digest, downloaded: digest });
  socket.destroy();
}

/** Hashes the body of a response of known length. */
async function readAnswer(
  socket: AsyncIterable<Buffer>,
  length: number,
): Promise<{ uploaded: string; downloaded: string }> {
  const hash = createHash("sha256");
  let head = "";
  let left = length;
  for await (const piece of socket) {
    let body = piece;
    if (!head.includes("\r\n\r\n")) {
      head += piece.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) continue;
      body = Buffer.from(head.slice(end + 4), "latin1");
      head = head.slice(0, end + 4);
    }
    hash.update(body);
    left -= body.length;
    if (left === 0) break;
  }
  return { uploaded: /x-uploaded: (\w+)/i.exec(head)?.[1] ?? "", downloaded: hash.digest("hex") };
}

/** Answers `POST /long?mb=N` with the digest of what came and N MB; anything else briefly. */
async function startUpstream(seen: string[]): Promise<Server> {
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    seen.push(`${request.method} ${request.url}`);
    const hash = createHash("sha256");
    for await (const piece of request) hash.update(piece as Buffer);
    const megabytes = Number(/^\/long\?mb=(\d+)$/.exec(request.url ?? "")?.[1]);
    if (Number.isNaN(megabytes)) {
      response.end("ok");
      return;
    }
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "content-length": megabytes * MB,
      "x-uploaded": hash.digest("hex"),
    });
    for (let i = 0; i < megabytes; i++) if (!response.write(PIECE)) await once(response, "drain");
    response.end();
  }
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
