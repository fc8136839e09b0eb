import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { RouteInput } from "../contract/plugin.ts";
import { rawClient, rawServer, type RawServer, type Rig, SILENT, startRig } from "./fixtures/rig.ts";
import { startGateway } from "./gateway.ts";
import { PeerCheck } from "./peer.ts";
import { RouteKeys } from "./route-key.ts";
import { buildRoutes } from "./router.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Answers `name path` to everything. */
async function echo(name: string): Promise<RawServer> {
  const server = await rawServer(async (wire, socket) => {
    for (let request = await wire.request(); request; request = await wire.request()) {
      const body = `${name} ${request.startLine.split(" ")[1]}`;
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    }
  });
  closing.push(() => server.close());
  return server;
}

async function rigFor(url: string, options: Parameters<typeof startRig>[1] = {}): Promise<Rig> {
  const rig = await startRig(url, options);
  closing.push(() => rig.stop({ drainMs: 0 }));
  return rig;
}

async function ask(port: number, target: string, more = ""): Promise<{ status: number; body: string }> {
  const client = await rawClient(port);
  client.socket.write(`GET ${target} HTTP/1.1\r\nhost: localhost:${port}\r\n${more}\r\n`);
  const { startLine, body } = await client.response();
  client.socket.destroy();
  return { status: Number(startLine.split(" ")[1]), body: body.toString() };
}

test("an exchange's head says how it was routed, and the answer is complete when the client has it", async () => {
  const upstream = await echo("up");
  const rig = await rigFor(upstream.url);
  const before = Date.now();
  expect(await ask(rig.port, "/v1/x?y=1", "x-hyp-dev-run-id: run-7\r\n")).toEqual({
    status: 200,
    body: "up /v1/x?y=1",
  });
  const [open] = rig.sink.of("open");
  expect(open).toMatchObject({
    exchangeId: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
    head: {
      method: "GET",
      target: "/v1/x?y=1",
      httpVersion: "1.1",
      headers: ["host", `localhost:${rig.port}`, "x-hyp-dev-run-id", "run-7"],
      upstream: "up",
      provider: "p",
      routeReason: "prefix:/",
      clientName: null,
      gatewayId: "test",
      metadata: { dev_run_id: "run-7" },
    },
  });
  expect(open!.head.startedAt).toBeGreaterThanOrEqual(before);
  expect(rig.sink.frames.map(({ kind }) => kind)).toEqual([
    "open",
    "request-body",
    "response-head",
    "response-bytes",
    "close",
  ]);
  expect(rig.stats()).toMatchObject({
    exchanges: 1,
    running: 0,
    refused: 0,
    responseBytes: 12,
    droppedFrames: 0,
    failedTaps: 0,
  });
});

test("a path that nothing matches is a 404 in words, and an exchange without an upstream", async () => {
  const upstream = await echo("up");
  const rig = await rigFor(upstream.url, {
    routes: buildRoutes({
      presets: [],
      upstreams: [{ name: "up", base_url: upstream.url, path_prefix: "/v1" }],
    }),
  });
  const { status, body } = await ask(rig.port, "/v2//x?secret=1");
  expect(status).toBe(404);
  expect(JSON.parse(body)).toEqual({ error: "no upstream matches path", path: "/v2//x" });
  expect(rig.sink.frames).toMatchObject([
    { kind: "open", head: { upstream: null, provider: null, routeReason: "none" } },
    { kind: "response-head", head: { status: 404 } },
    { kind: "response-bytes" },
    { kind: "close", end: { outcome: "upstream_refused", error: "no upstream matches path" } },
  ]);
});

test("a key in the query decides where a request goes, arrives whole, and is recorded nowhere", async () => {
  const [other, keyed] = [await echo("other"), await echo("keyed")];
  const match = ({ query }: RouteInput): boolean => /(?:^|&)key=shape-/.test(query ?? "");
  const rig = await rigFor(other.url, {
    routes: buildRoutes({
      presets: [{ name: "keyed", base_url: keyed.url, priority: 1, match }],
      upstreams: [{ name: "other", base_url: other.url, path_prefix: "/" }],
    }),
  });
  const target = "/v1/models?alt=sse&key=shape-0123456789";
  expect((await ask(rig.port, target)).body).toBe(`keyed ${target}`);
  expect((await ask(rig.port, "/v1/models?alt=key")).body).toBe("other /v1/models?alt=key");
  expect(rig.sink.of("open").map(({ head }) => [head.upstream, head.target])).toEqual([
    ["keyed", "/v1/models?alt=sse&key=REDACTED"],
    ["other", "/v1/models?alt=key"],
  ]);
  const answers = rig.sink.body("response-bytes").toString();
  expect(answers).toBe(`keyed /v1/models?alt=sse&key=${"*".repeat(16)}other /v1/models?alt=key`);
});

test("an upgrade to anything but a WebSocket, or with a body, is a 426 and an exchange, also where nothing matches", async () => {
  const upstream = await echo("up");
  const rig = await rigFor(upstream.url, {
    routes: buildRoutes({
      presets: [],
      upstreams: [{ name: "up", base_url: upstream.url, path_prefix: "/v1" }],
    }),
  });
  const upgrade = "connection: Upgrade\r\nupgrade: telepathy\r\n";
  const withBody = "connection: Upgrade\r\nupgrade: websocket\r\ncontent-length: 0001\r\n\r\nx";
  expect((await ask(rig.port, "/v1/responses", upgrade)).status).toBe(426);
  expect((await ask(rig.port, "/other", upgrade)).status).toBe(426);
  expect((await ask(rig.port, "/v1/responses", withBody)).status).toBe(426);
  expect(rig.sink.of("open").map(({ head }) => head.upstream)).toEqual(["up", null, "up"]);
  expect(rig.sink.of("close").map(({ end }) => end.outcome)).toEqual([
    "upstream_refused",
    "upstream_refused",
    "upstream_refused",
  ]);
  expect(upstream.connections).toBe(0);
});

test("a route key names the client, is not passed on and not recorded", async () => {
  const upstream = await echo("up");
  const key = `tester-${"ab".repeat(16)}`;
  const rig = await rigFor(`${upstream.url}/base`, { routeKeys: new RouteKeys([key]) });
  expect(await ask(rig.port, `/k/${key}/v1/x`)).toEqual({ status: 200, body: "up /base/v1/x" });
  expect((await ask(rig.port, `/k/tester-${"ac".repeat(16)}/v1/x`)).status).toBe(403);
  expect((await ask(rig.port, "/v1/x")).status).toBe(200);
  expect(rig.sink.of("open").map(({ head }) => [head.clientName, head.target])).toEqual([
    ["tester", "/v1/x"],
    [null, "/v1/x"],
  ]);
  expect(JSON.stringify(rig.sink.frames)).not.toContain("ab".repeat(16));
});

test("require_key refuses what comes without one", async () => {
  const upstream = await echo("up");
  const key = `tester-${"ab".repeat(16)}`;
  const rig = await rigFor(upstream.url, { routeKeys: new RouteKeys([key]), requireKey: true });
  expect((await ask(rig.port, "/v1/x")).status).toBe(403);
  expect((await ask(rig.port, `/k/${key}/v1/x`)).status).toBe(200);
  expect(rig.stats()).toMatchObject({ refused: 1, exchanges: 1 });
});

test("another account is refused, unless it has a route key", async () => {
  const upstream = await echo("up");
  const key = `tester-${"ab".repeat(16)}`;
  class Stranger extends PeerCheck {
    override check() {
      return Promise.resolve("other-account" as const);
    }
  }
  const rig = await rigFor(upstream.url, { routeKeys: new RouteKeys([key]), peers: new Stranger() });
  expect((await ask(rig.port, "/v1/x")).status).toBe(403);
  expect(rig.sink.frames).toEqual([]);
  expect((await ask(rig.port, `/k/${key}/v1/x`)).status).toBe(200);
});

test("new routes hold for the next request, and a table that leads back to us is refused", async () => {
  const [one, two] = [await echo("one"), await echo("two")];
  const rig = await rigFor(one.url);
  expect((await ask(rig.port, "/")).body).toBe("one /");
  const table = (base_url: string) => buildRoutes({ presets: [], upstreams: [{ name: "x", base_url }] });
  rig.adopt({ gatewayId: "test", routes: table(two.url) });
  expect((await ask(rig.port, "/")).body).toBe("two /");
  const loop = table(`http://localhost:${rig.port}`);
  expect(() => rig.adopt({ gatewayId: "test", routes: loop })).toThrow("own address");
  expect((await ask(rig.port, "/")).body).toBe("two /");
});

test("a name that turns out to be ourselves is refused when it is dialled", async () => {
  const upstream = await echo("up");
  const rig = await rigFor(upstream.url);
  // As if `up.test` resolved to us: the table is not asked, the socket is.
  const loop = buildRoutes({
    presets: [],
    upstreams: [{ name: "loop", base_url: `http://localhost:${rig.port}` }],
  });
  rig.adopt({ gatewayId: "test", routes: { ...loop, refuseLoops: () => undefined } });
  const { status, body } = await ask(rig.port, "/");
  expect(status).toBe(502);
  expect((JSON.parse(body) as { detail: string }).detail).toContain("own address");
  expect(rig.stats().exchanges).toBe(1);
});

test("a taken port is refused with the name of its holder", async () => {
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  closing.push(() => new Promise((resolve) => holder.close(resolve)));
  const { port } = holder.address() as AddressInfo;
  const routes = buildRoutes({ presets: [], upstreams: [{ name: "u", base_url: "http://e.test" }] });
  const sink = { append: () => true, flush: () => Promise.resolve({ segment: 1, offset: 0 }) };
  const start = startGateway({
    listen: { host: "127.0.0.1", port },
    routes,
    sink,
    gatewayId: "g",
    log: SILENT,
  });
  await expect(start).rejects.toMatchObject({
    code: "port_taken",
    message: expect.stringContaining(
      process.platform === "linux" ? `by pid ${process.pid} (` : `127.0.0.1:${port}`,
    ) as string,
  });
});

test("a stop waits for running answers, closes idle connections at once, and takes no new ones", async () => {
  let finish: () => void = () => undefined;
  const upstream = await rawServer(async (wire, socket) => {
    await wire.request();
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha");
    await new Promise<void>((resolve) => (finish = resolve));
    socket.write("lf");
  });
  closing.push(() => upstream.close());
  const rig = await rigFor(upstream.url);
  const idle = await rawClient(rig.port);
  const busy = await rawClient(rig.port);
  busy.socket.write(`GET / HTTP/1.1\r\nhost: localhost:${rig.port}\r\n\r\n`);
  await busy.until("ha");
  const stopped = rig.stop({ drainMs: 5_000 });
  await idle.rest();
  await expect(rawClient(rig.port)).rejects.toThrow("ECONNREFUSED");
  finish();
  expect((await busy.rest()).toString()).toBe("lf");
  expect(await stopped).toEqual({ cut: 0 });
  expect(rig.sink.of("close")[0]?.end.outcome).toBe("complete");
});

test("a stop cuts what is not done in time, and says so", async () => {
  const upstream = await rawServer(async (wire, socket) => {
    await wire.request();
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha");
  });
  closing.push(() => upstream.close());
  const rig = await rigFor(upstream.url);
  const busy = await rawClient(rig.port);
  busy.socket.write(`GET / HTTP/1.1\r\nhost: localhost:${rig.port}\r\n\r\n`);
  await busy.until("ha");
  expect(await rig.stop({ drainMs: 20 })).toEqual({ cut: 1 });
  expect(rig.sink.of("close")[0]?.end).toMatchObject({ outcome: "interrupted", responseBytes: 2 });
  expect(rig.sink.body("response-bytes").toString()).toBe("ha");
  await busy.rest();
});

test("a journal that takes nothing does not touch the bytes", async () => {
  const upstream = await echo("up");
  const rig = await rigFor(upstream.url);
  rig.sink.refusing = true;
  expect((await ask(rig.port, "/x")).body).toBe("up /x");
  expect(rig.sink.of("gap")).toMatchObject([{ direction: "response", droppedBytes: 5 }]);
  expect(rig.sink.of("close")[0]?.end.outcome).toBe("truncated");
  expect(rig.stats().droppedBytes).toBe(5);
});
