import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import { FrameWalker } from "../wire/websocket.ts";
import {
  eventually,
  rawClient,
  rawServer,
  type RawServer,
  type Rig,
  startRig,
  type Wire,
} from "./fixtures/rig.ts";
import {
  ACCEPT,
  BINARY,
  CLOSE,
  closeBytes,
  echo,
  frameBytes,
  handshake,
  PING,
  PONG,
  TEXT,
  webSocketClient,
  WebSocketEnd,
  webSocketServer,
} from "./fixtures/websocket.ts";
import { PeerCheck } from "./peer.ts";
import { RouteKeys } from "./route-key.ts";
import { buildRoutes } from "./router.ts";

let rig: Rig;
let upstream: RawServer;

afterEach(async () => {
  await rig.stop({ drainMs: 0 });
  await upstream.close();
});

/** What the journal got of one side. */
function recorded(side: "client" | "server"): Buffer {
  const frames = rig.sink.of("ws-bytes").filter((frame) => frame.side === side);
  let at = 0;
  for (const { offset, bytes, arrivals } of frames) {
    expect(offset).toBe(at);
    at += bytes.length;
    expect(arrivals.reduce((sum, { length }) => sum + length, 0)).toBe(bytes.length);
  }
  return Buffer.concat(frames.map(({ bytes }) => bytes));
}

/** Payloads of recorded frames, by the same reading of the format that a recorder would do. */
function payloads(stream: Buffer): string[] {
  const result: string[] = [];
  for (const { part, bytes } of new FrameWalker().push(stream))
    if (part !== "head") result.push(bytes.toString());
  return result;
}

const ended = () => eventually(() => rig.sink.of("close").length === 1, 5_000);
const end = () => rig.sink.of("close")[0]!.end;

test("the handshake passes as it is in both directions", async () => {
  upstream = await rawServer(async (wire, socket) => {
    const head = await wire.head();
    expect(head?.startLine).toBe("GET /base/v1/responses?x=1 HTTP/1.1");
    expect(head?.raw).toEqual([
      "host",
      `127.0.0.1:${upstream.port}`,
      "connection",
      "upgrade",
      "upgrade",
      "websocket",
      "Sec-WebSocket-Version",
      "13",
      "Sec-WebSocket-Key",
      "dGhlIHNhbXBsZSBub25jZQ==",
      "AUTHORIZATION",
      "Bearer sk-1234567890abcdef",
      "Sec-WebSocket-Protocol",
      "a, b",
      "sec-websocket-extensions",
      "permessage-deflate; client_max_window_bits",
      "x-dup",
      "1",
      "X-Dup",
      "2",
    ]);
    socket.write(
      `HTTP/1.1 101 Web Socket Protocol Handshake\r\nX-First: 1\r\nupgrade: WebSocket\r\nCONNECTION: upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\nsec-websocket-extensions: permessage-deflate\r\nSec-WebSocket-Protocol: b\r\nset-cookie: sid=0123456789abcdef\r\n\r\n`,
    );
  });
  rig = await startRig(`${upstream.url}/base`);
  const client = await webSocketClient(
    rig.port,
    "/v1/responses?x=1",
    "AUTHORIZATION: Bearer sk-1234567890abcdef\r\nSec-WebSocket-Protocol: a, b\r\nsec-websocket-extensions: permessage-deflate; client_max_window_bits\r\nx-dup: 1\r\nX-Dup: 2\r\n",
  );
  expect(client.head).toEqual({
    startLine: "HTTP/1.1 101 Web Socket Protocol Handshake",
    raw: [
      "X-First",
      "1",
      "upgrade",
      "WebSocket",
      "CONNECTION",
      "upgrade",
      "Sec-WebSocket-Accept",
      ACCEPT,
      "sec-websocket-extensions",
      "permessage-deflate",
      "Sec-WebSocket-Protocol",
      "b",
      "set-cookie",
      "sid=0123456789abcdef",
    ],
  });
  expect(rig.sink.of("response-head")[0]?.head).toMatchObject({
    status: 101,
    statusText: "Web Socket Protocol Handshake",
  });
  expect(JSON.stringify(rig.sink.frames)).not.toMatch(/sk-1234567890abcdef|0123456789abcdef/);
});

test("text, binary, fragments, pings, 0 to 1,000,000 bytes come back as they were sent, and the journal has both sides", async () => {
  upstream = await webSocketServer(echo);
  rig = await startRig(upstream.url);
  const client = await webSocketClient(rig.port);
  const bodies = [0, 1, 125, 126, 65_535, 65_536, 1_000_000].map((length, i) => Buffer.alloc(length, 97 + i));
  const sent = [
    ...bodies.map((payload) => ({ payload, opcode: BINARY, fin: true, rsv1: false })),
    { payload: Buffer.from("grüße"), opcode: TEXT, fin: true, rsv1: false },
    { payload: Buffer.from("part one, "), opcode: TEXT, fin: false, rsv1: false },
    { payload: Buffer.from("ping"), opcode: PING, fin: true, rsv1: false },
    { payload: Buffer.from("part two"), opcode: 0, fin: true, rsv1: false },
    { payload: Buffer.from([0xaa, 0x56, 0x4a, 0x2d]), opcode: TEXT, fin: true, rsv1: true },
  ];
  for (const { payload, ...options } of sent) {
    client.send(payload, options);
    const { payload: back, key, ...head } = await client.frame();
    expect(head).toEqual({ ...options, opcode: options.opcode === PING ? PONG : options.opcode });
    expect(back.equals(payload)).toBe(true);
    expect(key).toBeUndefined();
  }
  client.close(1000, "done");
  expect(await client.closed()).toEqual({ code: 1000, reason: "done" });
  client.socket.end();
  await ended();
  const close = { payload: Buffer.concat([Buffer.from([0x03, 0xe8]), Buffer.from("done")]), opcode: CLOSE };
  const stream = (isClient: boolean) =>
    Buffer.concat(
      [...sent, close].map(({ payload, ...options }) =>
        frameBytes(payload, {
          ...options,
          opcode: options.opcode === PING && !isClient ? PONG : options.opcode,
          // Unmasked, which is: masked with nothing.
          key: isClient ? Buffer.alloc(4) : undefined,
        }),
      ),
    );
  expect(recorded("client").equals(stream(true))).toBe(true);
  expect(recorded("server").equals(stream(false))).toBe(true);
  expect(end()).toMatchObject({
    outcome: "complete",
    error: null,
    requestBytes: stream(true).length,
    responseBytes: stream(false).length,
  });
  expect(rig.stats()).toMatchObject({ running: 0, exchanges: 1, requestBytes: stream(true).length });
});

test("1,000 small frames in one go and one by one keep their order", async () => {
  upstream = await webSocketServer(echo);
  rig = await startRig(upstream.url);
  const client = await webSocketClient(rig.port);
  for (let i = 0; i < 1_000; i++) client.send(`m${i}`);
  for (let i = 0; i < 1_000; i++) expect(await client.text()).toBe(`m${i}`);
  for (let i = 0; i < 100; i++) {
    client.send(`n${i}`);
    expect(await client.text()).toBe(`n${i}`);
  }
  client.close(1000);
  await client.closed();
  await ended();
  const all = [
    ...Array.from({ length: 1_000 }, (_, i) => `m${i}`),
    ...Array.from({ length: 100 }, (_, i) => `n${i}`),
  ];
  expect(payloads(recorded("client")).slice(0, -1)).toEqual(all);
  expect(payloads(recorded("server")).slice(0, -1)).toEqual(all);
  expect(rig.sink.of("ws-bytes").length).toBeLessThan(600);
});

test.each([
  [1000, "bye"],
  [1001, ""],
  [4000, "an application's own"],
])("close code %i passes from either side", async (code, reason) => {
  upstream = await webSocketServer(async (wsEnd) => {
    if ((await wsEnd.text()) === "you first") wsEnd.close(code, reason);
    const { code: back } = await wsEnd.closed();
    if (back !== code) wsEnd.socket.resetAndDestroy();
    else wsEnd.socket.end(closeBytes(code, reason));
  });
  rig = await startRig(upstream.url);
  const first = await webSocketClient(rig.port);
  first.send("you first");
  expect(await first.closed()).toEqual({ code, reason });
  first.close(code);
  await first.wire.rest();
  const second = await webSocketClient(rig.port);
  second.send("me first");
  second.close(code, reason);
  expect(await second.closed()).toEqual({ code, reason });
  await second.wire.rest();
  first.socket.end();
  second.socket.end();
  await eventually(() => rig.sink.of("close").length === 2);
  expect(rig.sink.of("close").map(({ end: { outcome } }) => outcome)).toEqual(["complete", "complete"]);
});

test("an independent client speaks through it", async () => {
  upstream = await webSocketServer(echo);
  rig = await startRig(upstream.url);
  const client = new WebSocket(`ws://127.0.0.1:${rig.port}/v1/responses`);
  client.binaryType = "arraybuffer";
  await once(client, "open");
  const back: unknown[] = [];
  const whole = new Promise<void>((resolve) => {
    client.addEventListener("message", ({ data }) => {
      back.push(typeof data === "string" ? data : Buffer.from(data as ArrayBuffer).toString("hex"));
      if (back.length === 3) resolve();
    });
  });
  client.send("hello");
  client.send(Buffer.from([1, 2, 255]));
  client.send("x".repeat(200_000));
  await whole;
  expect(back).toEqual(["hello", "0102ff", "x".repeat(200_000)]);
  client.close(4000, "enough");
  const [closed] = (await once(client, "close")) as [CloseEvent];
  expect([closed.code, closed.reason, closed.wasClean]).toEqual([4000, "enough", true]);
});

test("frames that came in one piece with the 101 or with the request are not lost", async () => {
  upstream = await rawServer(async (wire, socket) => {
    await wire.head();
    socket.write(
      Buffer.concat([
        Buffer.from("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"),
        frameBytes("early"),
      ]),
    );
    const wsEnd = new WebSocketEnd(wire, false);
    wsEnd.send(await wsEnd.text());
    socket.end();
  });
  rig = await startRig(upstream.url);
  const wire = await rawClient(rig.port);
  const hasty = frameBytes("hasty", { key: Buffer.from([1, 2, 3, 4]) });
  wire.socket.write(Buffer.concat([Buffer.from(handshake(rig.port)), hasty]));
  await wire.head();
  const client = new WebSocketEnd(wire, true);
  expect(await client.text()).toBe("early");
  expect(await client.text()).toBe("hasty");
  wire.socket.end();
  await ended();
  expect(payloads(recorded("client"))).toEqual(["hasty"]);
  expect(payloads(recorded("server"))).toEqual(["early", "hasty"]);
});

test("an upstream that breaks off in the middle of a frame breaks the client behind the bytes that came", async () => {
  const half = frameBytes("x".repeat(1_000)).subarray(0, 500);
  upstream = await webSocketServer(async (wsEnd) => {
    await wsEnd.frame();
    wsEnd.socket.write(half, () => setTimeout(() => wsEnd.socket.resetAndDestroy(), 20));
  });
  rig = await startRig(upstream.url);
  const client = await webSocketClient(rig.port);
  client.send("go");
  expect((await client.wire.bytes(500)).equals(half)).toBe(true);
  expect((await client.wire.rest()).length).toBe(0);
  expect(client.wire.error).toMatchObject({ code: "ECONNRESET" });
  await ended();
  expect(end()).toMatchObject({ outcome: "upstream_aborted", responseBytes: 500 });
  expect(recorded("server").equals(half)).toBe(true);
});

test("an upstream that just ends without a close frame ends the client, and is recorded as having left", async () => {
  upstream = await webSocketServer((wsEnd) => wsEnd.socket.end(frameBytes("last words")));
  rig = await startRig(upstream.url);
  const client = await webSocketClient(rig.port);
  expect(await client.text()).toBe("last words");
  await client.wire.rest();
  expect(client.wire.error).toBeUndefined();
  client.socket.end();
  await ended();
  expect(end()).toMatchObject({
    outcome: "upstream_aborted",
    error: "the upstream left without closing the WebSocket",
  });
});

test.each([
  ["resets", (wire: Wire) => wire.socket.resetAndDestroy()],
  ["is killed", (wire: Wire) => wire.socket.destroy()],
])("a client that %s is gone for the upstream within a moment", async (_name, leave) => {
  let gone = 0;
  upstream = await webSocketServer(async (wsEnd) => {
    wsEnd.socket.on("close", () => (gone = performance.now()));
    wsEnd.socket.on("end", () => wsEnd.socket.end());
    wsEnd.send("hello");
    await wsEnd.frame();
  });
  rig = await startRig(upstream.url);
  const client = await webSocketClient(rig.port);
  await client.frame();
  const left = performance.now();
  leave(client.wire);
  await eventually(() => gone > 0, 5_000);
  expect(gone - left).toBeLessThan(2_000);
  await ended();
  expect(end().outcome).toBe("client_aborted");
});

test("a client that leaves while the upstream thinks about the upgrade leaves the upstream, too", async () => {
  let gone = false;
  upstream = await rawServer(async (wire, socket) => {
    socket.on("close", () => (gone = true));
    await wire.head();
  });
  rig = await startRig(upstream.url);
  const wire = await rawClient(rig.port);
  wire.socket.write(handshake(rig.port));
  await eventually(() => upstream.connections === 1);
  wire.socket.end();
  await eventually(() => gone);
  await ended();
  expect(end().outcome).toBe("client_aborted");
  await wire.rest();
});

test("a client that leaves before it is known who it is holds no connection", async () => {
  upstream = await webSocketServer(echo);
  class SlowPeers extends PeerCheck {
    override async check(): Promise<"same-account"> {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return "same-account";
    }
  }
  rig = await startRig(upstream.url, { peers: new SlowPeers() });
  const wire = await rawClient(rig.port);
  wire.socket.end(handshake(rig.port));
  await wire.rest();
  await eventually(() => rig.stats().connections === 0);
  expect(rig.stats().exchanges).toBe(0);
});

test("one side may end and the other go on", async () => {
  upstream = await webSocketServer(async (wsEnd) => {
    wsEnd.socket.allowHalfOpen = true;
    await wsEnd.closed();
    await wsEnd.wire.rest();
    wsEnd.send("after your end");
    wsEnd.socket.end();
  });
  rig = await startRig(upstream.url);
  const client = await webSocketClient(rig.port);
  client.close(1000);
  client.socket.end();
  expect(await client.text()).toBe("after your end");
  await ended();
  expect(end().outcome).toBe("complete");
});

test("a side that does not read makes the other one wait", async () => {
  const chunk = frameBytes(Buffer.alloc(1 << 16), { opcode: BINARY });
  let written = 0;
  upstream = await webSocketServer((wsEnd) => {
    const more = (): void => {
      while (written < 4_000 && wsEnd.socket.write(chunk)) written++;
    };
    wsEnd.socket.on("drain", more);
    more();
  });
  rig = await startRig(upstream.url);
  const client = await webSocketClient(rig.port);
  client.socket.removeAllListeners("data").pause();
  await eventually(() => written > 1, 5_000);
  await new Promise((resolve) => setTimeout(resolve, 100));
  // Kernel buffers of four sockets, and ours of 64 KB; not the 256 MB that the upstream would send.
  expect(written).toBeLessThan(2_000);
  const before = written;
  client.socket.resume();
  await eventually(() => written > before, 5_000);
});

test.each([401, 403, 429])("a %i of the upstream is the client's answer", async (status) => {
  upstream = await rawServer(async (wire, socket) => {
    await wire.head();
    socket.write(`HTTP/1.1 ${status} Own Words\r\nretry-after: 7\r\ncontent-length: 8\r\n\r\nown body`);
  });
  rig = await startRig(upstream.url);
  const wire = await rawClient(rig.port);
  wire.socket.write(handshake(rig.port));
  const { startLine, raw, body } = await wire.response();
  expect(startLine).toBe(`HTTP/1.1 ${status} Own Words`);
  expect(raw).toContain("retry-after");
  expect(body.toString()).toBe("own body");
  await wire.rest();
  await ended();
  expect(rig.sink.body("response-bytes").toString()).toBe("own body");
  expect(end()).toMatchObject({ outcome: "complete", responseBytes: 8 });
});

test("a refusal with a long body reaches a client that reads slowly", async () => {
  const body = Buffer.alloc(3_000_000, "r");
  upstream = await rawServer(async (wire, socket) => {
    await wire.head();
    socket.write(`HTTP/1.1 426 Upgrade Required\r\ncontent-length: ${body.length}\r\n\r\n`);
    socket.write(body);
  });
  rig = await startRig(upstream.url);
  const wire = await rawClient(rig.port);
  wire.socket.write(handshake(rig.port));
  wire.socket.pause();
  await new Promise((resolve) => setTimeout(resolve, 50));
  wire.socket.resume();
  const answer = await wire.response();
  expect(answer.startLine).toBe("HTTP/1.1 426 Upgrade Required");
  expect(answer.body.equals(body)).toBe(true);
});

test.each([
  ["404", "HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno"],
  ["503", "HTTP/1.1 503 Busy\r\ntransfer-encoding: chunked\r\n\r\n"],
  ["200", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"],
  ["a 101 that names no protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
  ["garbage", "NONSENSE\r\n\r\n"],
  ["nothing", ""],
])("%s of the upstream is a 426 for the client", async (name, answer) => {
  upstream = await rawServer(async (wire, socket) => {
    await wire.head();
    if (answer === "") socket.resetAndDestroy();
    else socket.write(answer);
  });
  rig = await startRig(upstream.url);
  const wire = await rawClient(rig.port);
  wire.socket.write(handshake(rig.port));
  const { startLine, raw, body } = await wire.response();
  expect(startLine).toBe("HTTP/1.1 426 Upgrade Required");
  expect(raw).toContain("HTTP/1.1");
  expect(JSON.parse(body.toString())).toMatchObject({ error: "upgrade not supported" });
  if (/^\d/.test(name)) expect(body.toString()).toContain(name);
  await wire.rest();
  await ended();
  expect(end().outcome).toBe("upstream_refused");
  expect(rig.sink.of("response-head")[0]?.head.status).toBe(426);
  await eventually(() => upstream.sockets.size === 0);
});

test("an upstream that cannot be reached, and a path without one, are a 426", async () => {
  upstream = await webSocketServer(echo);
  const gone = await rawServer(() => undefined);
  await gone.close();
  rig = await startRig(gone.url, {
    routes: buildRoutes({
      presets: [],
      upstreams: [{ name: "up", base_url: gone.url, path_prefix: "/v1" }],
    }),
  });
  for (const path of ["/v1/responses", "/other"]) {
    const wire = await rawClient(rig.port);
    wire.socket.write(handshake(rig.port, path));
    expect((await wire.response()).startLine).toBe("HTTP/1.1 426 Upgrade Required");
    await wire.rest();
  }
  expect(rig.sink.of("open").map(({ head }) => head.upstream)).toEqual(["up", null]);
});

test("a foreign page's upgrade is refused and leaves nothing behind", async () => {
  upstream = await webSocketServer(echo);
  rig = await startRig(upstream.url);
  for (const [host, more] of [
    ["evil.test", ""],
    [`127.0.0.1:${rig.port}`, "origin: https://evil.test\r\n"],
    [`127.0.0.1:${rig.port}`, "sec-fetch-site: cross-site\r\n"],
  ] as const) {
    const wire = await rawClient(rig.port);
    wire.socket.write(handshake(rig.port, "/v1/responses", more).replace(/host: [^\r]+/, `host: ${host}`));
    expect((await wire.response()).startLine).toBe("HTTP/1.1 403 Forbidden");
    await wire.rest();
  }
  expect(upstream.connections).toBe(0);
  expect(rig.sink.frames).toEqual([]);
  expect(rig.stats().refused).toBe(3);
});

test("a route key opens the tunnel, is not passed on, and is masked where a frame shows it", async () => {
  const key = `tester-${"ab".repeat(16)}`;
  const server = await webSocketServer(echo);
  upstream = server;
  rig = await startRig(upstream.url, { routeKeys: new RouteKeys([key]), requireKey: true });
  const refused = await rawClient(rig.port);
  refused.socket.write(handshake(rig.port));
  expect((await refused.response()).startLine).toBe("HTTP/1.1 403 Forbidden");
  const client = await webSocketClient(rig.port, `/k/${key}/v1/responses`);
  client.send(`my base URL is /k/${key}/v1`);
  expect(await client.text()).toContain(key);
  client.close(1000);
  await client.closed();
  await ended();
  expect(server.requests.map(({ startLine }) => startLine)).toEqual(["GET /v1/responses HTTP/1.1"]);
  expect(rig.sink.of("open")[0]?.head).toMatchObject({ clientName: "tester", target: "/v1/responses" });
  for (const side of ["client", "server"] as const) {
    expect(payloads(recorded(side))[0]).toBe(`my base URL is /k/${"*".repeat(key.length)}/v1`);
  }
});

test("an upgrade behind a request that is not answered yet waits its turn and is refused", async () => {
  upstream = await rawServer(async (wire, socket) => {
    await wire.request();
    setTimeout(() => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), 20);
  });
  rig = await startRig(upstream.url);
  const wire = await rawClient(rig.port);
  wire.socket.write(`GET /v1/x HTTP/1.1\r\nhost: 127.0.0.1:${rig.port}\r\n\r\n${handshake(rig.port)}`);
  expect((await wire.response()).startLine).toBe("HTTP/1.1 200 OK");
  expect((await wire.response()).startLine).toBe("HTTP/1.1 426 Upgrade Required");
});

test("a kept connection may become a WebSocket, and the next one gets a connection of its own", async () => {
  upstream = await rawServer(async (wire, socket) => {
    await wire.request();
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    await wire.head();
    socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n");
    await echo(new WebSocketEnd(wire, false));
  });
  rig = await startRig(upstream.url);
  const get = `GET /v1/x HTTP/1.1\r\nhost: 127.0.0.1:${rig.port}\r\n\r\n`;
  const wire = await rawClient(rig.port);
  wire.socket.write(get);
  await wire.response();
  wire.socket.write(handshake(rig.port));
  expect((await wire.head())?.startLine).toBe("HTTP/1.1 101 Switching Protocols");
  expect(upstream.connections).toBe(1);
  const client = new WebSocketEnd(wire, true);
  client.send("still here");
  expect(await client.text()).toBe("still here");
  const other = await rawClient(rig.port);
  other.socket.write(get);
  expect((await other.response()).startLine).toBe("HTTP/1.1 200 OK");
  expect(upstream.connections).toBe(2);
});

test("a stop waits for a WebSocket, then cuts it", async () => {
  upstream = await webSocketServer(echo);
  rig = await startRig(upstream.url);
  const client = await webSocketClient(rig.port);
  const stopped = rig.stop({ drainMs: 500 });
  client.send("still carried");
  expect(await client.text()).toBe("still carried");
  expect(await stopped).toEqual({ cut: 1 });
  await client.wire.rest();
  await eventually(() => upstream.sockets.size === 0);
  expect(end()).toMatchObject({ outcome: "interrupted", error: "the gateway was stopped" });
  expect(payloads(recorded("server"))).toEqual(["still carried"]);
});

test("a WebSocket that closes in time is not cut by a stop", async () => {
  upstream = await webSocketServer(echo);
  rig = await startRig(upstream.url);
  const client = await webSocketClient(rig.port);
  const stopped = rig.stop({ drainMs: 5_000 });
  client.close(1000);
  await client.closed();
  client.socket.end();
  expect(await stopped).toEqual({ cut: 0 });
  expect(end().outcome).toBe("complete");
});

test("a full journal drops copies, not bytes, and says how many", async () => {
  upstream = await webSocketServer(echo);
  rig = await startRig(upstream.url);
  const client = await webSocketClient(rig.port);
  rig.sink.refusing = true;
  const payload = Buffer.alloc(4 * LIMITS.tapChunkBytes, "z");
  client.send(payload);
  expect((await client.frame()).payload.equals(payload)).toBe(true);
  client.close(1000);
  await client.closed();
  await ended();
  expect(rig.sink.of("ws-bytes")).toEqual([]);
  const { requestBytes, responseBytes } = end();
  expect(rig.sink.of("gap")).toMatchObject([
    { direction: "request", droppedBytes: requestBytes },
    { direction: "response", droppedBytes: responseBytes },
  ]);
  expect(end().outcome).toBe("truncated");
});

test("behind a gap the journal has whole frames again", async () => {
  upstream = await webSocketServer(echo);
  rig = await startRig(upstream.url);
  const client = await webSocketClient(rig.port);
  rig.sink.refusing = true;
  client.send(Buffer.alloc(LIMITS.tapChunkBytes + 1_000, "z"));
  await client.frame();
  rig.sink.refusing = false;
  client.send("after the stall");
  await client.frame();
  client.close(1000);
  await client.closed();
  await ended();
  for (const side of ["client", "server"] as const) {
    const frames = rig.sink.of("ws-bytes").filter((one) => one.side === side);
    const kept = Buffer.concat(frames.map(({ bytes }) => bytes));
    expect(payloads(kept)[0]).toBe("after the stall");
    const total = side === "client" ? end().requestBytes : end().responseBytes;
    expect(frames[0]!.offset + kept.length).toBe(total);
  }
});

test("a session of an agent: prewarm, turn, events, tool result, close; no credential is recorded, masked or not", async () => {
  const secret = "sk-proj-0123456789abcdefghijkl";
  const turns = [
    { type: "response.create", generate: false, input: [] },
    {
      type: "response.create",
      previous_response_id: "resp_0",
      input: [{ role: "user", content: `is ${secret} mine?` }],
    },
    { type: "response.create", previous_response_id: "resp_1", input: [{ type: "custom_tool_call_output" }] },
  ].map((turn) => JSON.stringify(turn));
  const eventsOf = (turn: number) =>
    ["response.created", "response.output_text.delta", "response.completed"].map((type) =>
      JSON.stringify({ type, response: { id: `resp_${turn}` }, delta: turn === 1 ? `yes, ${secret}` : "" }),
    );
  upstream = await webSocketServer(async (wsEnd) => {
    for (const [turn, text] of turns.entries()) {
      if ((await wsEnd.text()) !== text) wsEnd.socket.resetAndDestroy();
      for (const event of eventsOf(turn)) wsEnd.send(event);
    }
    await echo(wsEnd);
  });
  rig = await startRig(upstream.url);
  const client = await webSocketClient(
    rig.port,
    undefined,
    `authorization: Bearer ${secret}\r\nopenai-beta: responses_websockets=2026-02-06\r\n`,
  );
  for (const [turn, text] of turns.entries()) {
    client.send(text);
    for (const event of eventsOf(turn)) expect(await client.text()).toBe(event);
  }
  client.close(1000);
  await client.closed();
  client.socket.end();
  await ended();
  const scrub = (text: string) => text.replaceAll(secret, "*".repeat(secret.length));
  expect(payloads(recorded("client")).slice(0, -1)).toEqual(turns.map(scrub));
  expect(payloads(recorded("server")).slice(0, -1)).toEqual(
    turns.flatMap((_text, turn) => eventsOf(turn)).map(scrub),
  );
  expect(rig.sink.of("ws-bytes").flatMap(({ masked }) => masked)).toHaveLength(4);
  expect(end()).toMatchObject({ outcome: "complete" });
});
