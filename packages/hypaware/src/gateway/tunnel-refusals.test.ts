import { afterEach, expect, test } from "vitest";
import { ended, endOf, payloads, recorded } from "./fixtures/recorded-tunnel.ts";
import { eventually, rawClient, rawServer, type RawServer, type Rig, startRig } from "./fixtures/rig.ts";
import { echo, handshake, webSocketClient, webSocketServer } from "./fixtures/websocket.ts";
import { RouteKeys } from "./route-key.ts";
import { buildRoutes } from "./router.ts";

let rig: Rig;
let upstream: RawServer;

const SWITCHED = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n";

afterEach(async () => {
  await rig.stop({ drainMs: 0 });
  await upstream.close();
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
  await ended(rig);
  expect(rig.sink.body("response-bytes").toString()).toBe("own body");
  expect(endOf(rig)).toMatchObject({ outcome: "complete", responseBytes: 8 });
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
  await ended(rig);
  expect(endOf(rig).outcome).toBe("upstream_refused");
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
  await ended(rig);
  expect(server.requests.map(({ startLine }) => startLine)).toEqual(["GET /v1/responses HTTP/1.1"]);
  expect(rig.sink.of("open")[0]?.head).toMatchObject({ clientName: "tester", target: "/v1/responses" });
  for (const side of ["client", "server"] as const) {
    expect(payloads(recorded(rig, side))[0]).toBe(`my base URL is /k/${"*".repeat(key.length)}/v1`);
  }
});

test("an upgrade behind a request that node:http has not answered yet waits its turn and is refused", async () => {
  upstream = await rawServer(async (wire, socket) => {
    await wire.request();
    setTimeout(() => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), 20);
  });
  rig = await startRig(upstream.url);
  const wire = await rawClient(rig.port);
  const first = `GET /v1/x HTTP/1.1\r\nhost: 127.0.0.1:${rig.port}\r\nconnection: x-own, keep-alive\r\n\r\n`;
  wire.socket.write(first + handshake(rig.port));
  expect((await wire.response()).startLine).toBe("HTTP/1.1 200 OK");
  expect((await wire.response()).startLine).toBe("HTTP/1.1 426 Upgrade Required");
});

test("an upgrade behind a plain request waits its turn and is carried", async () => {
  upstream = await rawServer(async (wire, socket) => {
    for (let request = await wire.request(); request; request = await wire.request()) {
      if (!request.startLine.includes("/v1/x")) socket.write(SWITCHED);
      else setTimeout(() => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), 20);
    }
  });
  rig = await startRig(upstream.url);
  const wire = await rawClient(rig.port);
  wire.socket.write(`GET /v1/x HTTP/1.1\r\nhost: 127.0.0.1:${rig.port}\r\n\r\n${handshake(rig.port)}`);
  expect((await wire.response()).startLine).toBe("HTTP/1.1 200 OK");
  expect((await wire.head())?.startLine).toBe("HTTP/1.1 101 Switching Protocols");
});
