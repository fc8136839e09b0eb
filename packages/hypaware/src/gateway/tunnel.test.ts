import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { ended, endOf, payloads, recorded } from "./fixtures/recorded-tunnel.ts";
import { eventually, rawClient, rawServer, type RawServer, type Rig, startRig } from "./fixtures/rig.ts";
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

let rig: Rig;
let upstream: RawServer;

afterEach(async () => {
  await rig.stop({ drainMs: 0 });
  await upstream.close();
});

test("the handshake passes as it is in both directions", async () => {
  upstream = await rawServer(async (wire, socket) => {
    const head = await wire.head();
    expect(head?.startLine).toBe("GET /base/v1/responses?x=1 HTTP/1.1");
    expect(head?.raw).toEqual([
      "host",
      `127.0.0.1:${upstream.port}`,
      "Connection",
      "Upgrade",
      "Upgrade",
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
  await ended(rig);
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
  expect(recorded(rig, "client").equals(stream(true))).toBe(true);
  expect(recorded(rig, "server").equals(stream(false))).toBe(true);
  expect(endOf(rig)).toMatchObject({
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
  await ended(rig);
  const all = [
    ...Array.from({ length: 1_000 }, (_, i) => `m${i}`),
    ...Array.from({ length: 100 }, (_, i) => `n${i}`),
  ];
  expect(payloads(recorded(rig, "client")).slice(0, -1)).toEqual(all);
  expect(payloads(recorded(rig, "server")).slice(0, -1)).toEqual(all);
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
  await ended(rig);
  expect(payloads(recorded(rig, "client"))).toEqual(["hasty"]);
  expect(payloads(recorded(rig, "server"))).toEqual(["early", "hasty"]);
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
