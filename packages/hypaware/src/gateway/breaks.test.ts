import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { eventually, rawClient, rawServer, type RawServer, type Rig, startRig } from "./fixtures/rig.ts";

let rig: Rig;
let upstream: RawServer;

afterEach(async () => {
  await rig.stop({ drainMs: 0 });
  await upstream.close();
});

const get = (port: number, method = "GET", version = "1.1") =>
  `${method} /v1/x HTTP/${version}\r\nhost: localhost:${port}\r\n\r\n`;

const SSE = Array.from({ length: 12 }, (_, i) => `event: d\ndata: {"i":${i}}\n\n`).join("");
const CHUNKED = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${[...SSE.matchAll(/[^]{1,40}/g)]
  .map(([part]) => `${part.length.toString(16)}\r\n${part}\r\n`)
  .join("")}0\r\n\r\n`;
const SIZED = `HTTP/1.1 200 OK\r\ncontent-length: ${SSE.length}\r\n\r\n${SSE}`;

/** The body bytes within the first `cut` bytes of an answer. */
function bodyWithin(answer: string, cut: number): string {
  const start = answer.indexOf("\r\n\r\n") + 4;
  const sent = answer.slice(start, Math.max(cut, start));
  return answer === SIZED ? sent : dataOf(sent);
}

/** Of chunks, the last of which may not be whole. */
function dataOf(chunks: string): string {
  let data = "";
  for (let at = 0; ;) {
    const lineEnd = chunks.indexOf("\r\n", at);
    if (lineEnd === -1) return data;
    const size = Number.parseInt(chunks.slice(at, lineEnd), 16);
    data += chunks.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
    if (at >= chunks.length) return data;
  }
}

/** What came of a chunked or sized answer that broke off, and that it broke off. */
async function brokenAnswer(port: number): Promise<{ body: string; head: boolean; took: number }> {
  const client = await rawClient(port);
  client.socket.write(get(port));
  const started = performance.now();
  const head = await client.head().catch(() => undefined);
  const rest = (await client.rest()).toString();
  const took = performance.now() - started;
  if (!head) return { body: rest, head: false, took };
  if (!head.raw.includes("chunked")) return { body: rest, head: true, took };
  expect(rest.endsWith("0\r\n\r\n")).toBe(false);
  return { body: dataOf(rest), head: true, took };
}

test.each([
  ["reset, chunked", CHUNKED, true],
  ["close, chunked", CHUNKED, false],
  ["reset, with a length", SIZED, true],
  ["close, with a length", SIZED, false],
])(
  "the upstream breaks off at every 7th byte (%s): exactly the prefix, then the end, at once",
  async (_name, answer, reset) => {
    let cut = 0;
    upstream = await rawServer(async (wire, socket) => {
      await wire.request();
      socket.write(answer.slice(0, cut), () => (reset ? socket.resetAndDestroy() : socket.destroy()));
    });
    rig = await startRig(upstream.url);
    const headEnd = answer.indexOf("\r\n\r\n") + 4;
    let slowest = 0;
    for (cut = 1; cut < answer.length; cut += 7) {
      rig.sink.frames.length = 0;
      const { body, head, took } = await brokenAnswer(rig.port);
      slowest = Math.max(slowest, took);
      const where = `cut at ${cut} of ${answer.length}`;
      await eventually(() => rig.sink.of("close").length === 1);
      expect(rig.sink.of("close")[0]?.end.outcome, where).toBe(
        cut < headEnd ? "upstream_refused" : "upstream_aborted",
      );
      expect(head, where).toBe(cut >= headEnd);
      expect(body, where).toBe(cut < headEnd ? "" : bodyWithin(answer, cut));
      expect(rig.sink.body("response-bytes").toString(), where).toBe(body);
    }
    expect(slowest).toBeLessThan(500);
  },
);

test("an answer that the close delimits and that ends in a reset is broken, not complete", async () => {
  upstream = await rawServer(async (wire, socket) => {
    await wire.request();
    socket.write("HTTP/1.1 200 OK\r\n\r\nhalf of it");
    setTimeout(() => socket.resetAndDestroy(), 20);
  });
  rig = await startRig(upstream.url);
  expect(await brokenAnswer(rig.port)).toMatchObject({ head: true, body: "half of it" });
  expect(rig.sink.of("close")[0]?.end).toMatchObject({
    outcome: "upstream_aborted",
    error: "read ECONNRESET",
  });
});

test("an answer without a length to HTTP/1.0 that breaks off ends in a reset, not in a clean close", async () => {
  upstream = await rawServer(async (wire, socket) => {
    await wire.request();
    socket.write(CHUNKED.slice(0, 200), () => socket.resetAndDestroy());
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  client.socket.write(get(rig.port, "GET", "1.0"));
  expect((await client.rest()).toString()).toContain('data: {"i":0}');
  expect(client.error).toMatchObject({ code: "ECONNRESET" });
});

test.each(["before the answer", "in the middle of it", "in the middle of the upload"])(
  "a client that leaves %s frees the upstream within a second",
  async (when) => {
    let upstreamClosed = false;
    upstream = await rawServer(async (wire, socket) => {
      socket.on("close", () => (upstreamClosed = true));
      await wire.head();
      if (when === "in the middle of it") {
        socket.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: first\n\n");
      }
      await once(socket, "close");
    });
    rig = await startRig(upstream.url);
    const client = await rawClient(rig.port);
    if (when === "in the middle of the upload") {
      client.socket.write(
        `POST / HTTP/1.1\r\nhost: localhost:${rig.port}\r\ncontent-length: 100\r\n\r\nhalf`,
      );
    } else client.socket.write(get(rig.port));
    if (when === "in the middle of it") await client.until("data: first\n\n");
    else await eventually(() => upstream.connections === 1);
    client.socket.destroy();
    await eventually(() => upstreamClosed);
    await eventually(() => rig.sink.of("close").length === 1);
    expect(rig.sink.of("close")[0]?.end).toMatchObject({
      outcome: "client_aborted",
      error: "client_aborted",
    });
    expect(rig.stats().running).toBe(0);
    if (when === "in the middle of it")
      expect(rig.sink.body("response-bytes").toString()).toBe("data: first\n\n");
    if (when === "in the middle of the upload") {
      expect(rig.sink.of("request-body").map(({ bytes, last }) => [bytes.toString(), last])).toEqual([
        ["half", false],
      ]);
    }
  },
);

test("200 clients that leave at random moments leave nothing running", async () => {
  upstream = await rawServer(async (wire, socket) => {
    await wire.request();
    socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    while (!socket.destroyed) {
      socket.write("5\r\nhello\r\n");
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  });
  rig = await startRig(upstream.url);
  await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const client = await rawClient(rig.port);
      client.socket.write(get(rig.port));
      if (i % 2 === 0) await client.head();
      await new Promise((resolve) => setTimeout(resolve, i % 40));
      client.socket.destroy();
    }),
  );
  expect(rig.sink.of("open").length).toBeGreaterThan(99);
  await eventually(() => rig.stats().running === 0 && upstream.sockets.size === 0, 2_000);
  expect(rig.sink.of("close").length).toBe(rig.sink.of("open").length);
  expect(new Set(rig.sink.of("close").map(({ end }) => end.outcome))).toEqual(new Set(["client_aborted"]));
});

test("an upstream that cannot be reached is a 502 in words", async () => {
  upstream = await rawServer(() => undefined);
  const dead = await freePort();
  rig = await startRig(`http://127.0.0.1:${dead}`);
  const client = await rawClient(rig.port);
  client.socket.write(`POST / HTTP/1.1\r\nhost: localhost:${rig.port}\r\ncontent-length: 3\r\n\r\nabc`);
  const { startLine, body, raw } = await client.response();
  expect(startLine).toBe("HTTP/1.1 502 Bad Gateway");
  expect(JSON.parse(body.toString())).toEqual({
    error: "upstream connection failed",
    detail: `connect ECONNREFUSED 127.0.0.1:${dead}`,
  });
  expect(raw.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())).not.toContain("date");
  expect(rig.sink.of("response-head")[0]?.head.status).toBe(502);
  expect(rig.sink.of("close")[0]?.end).toMatchObject({
    outcome: "upstream_refused",
    responseBytes: body.length,
  });
});

test("when every address of a name fails, the detail has each reason", async () => {
  upstream = await rawServer(() => undefined);
  const dead = await freePort();
  rig = await startRig(`http://localhost:${dead}`);
  const client = await rawClient(rig.port);
  client.socket.write(get(rig.port));
  const { detail } = JSON.parse((await client.response()).body.toString()) as { detail: string };
  expect(detail).toMatch(/^connect ECONNREFUSED [^;]+(; connect \w+ [^;]+)*$/);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Answers the first request of each connection, and breaks the connection when the second one arrives. */
function breaksOnReuse(): Promise<RawServer> {
  return rawServer(async (wire, socket) => {
    await wire.request();
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    if (await wire.request()) socket.resetAndDestroy();
  });
}

test.each(["GET", "HEAD"])(
  "%s on a kept connection that breaks before any byte is sent once more",
  async (method) => {
    upstream = await breaksOnReuse();
    rig = await startRig(upstream.url);
    const client = await rawClient(rig.port);
    client.socket.write(get(rig.port));
    expect((await client.response()).body.toString()).toBe("ok");
    client.socket.write(get(rig.port, method));
    expect((await client.response(method === "HEAD")).startLine).toBe("HTTP/1.1 200 OK");
    expect(upstream.connections).toBe(2);
    expect(rig.sink.of("close").map(({ end }) => end.outcome)).toEqual(["complete", "complete"]);
  },
);

test("a GET that is sent again goes out on a connection of its own, not on the next idle one that dies", async () => {
  upstream = await rawServer(async (wire, socket) => {
    await wire.request();
    // Both connections are in use before either becomes idle.
    await eventually(() => upstream.connections >= 2);
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    if (await wire.request()) socket.resetAndDestroy();
  });
  rig = await startRig(upstream.url);
  const [one, other] = [await rawClient(rig.port), await rawClient(rig.port)];
  one.socket.write(get(rig.port));
  other.socket.write(get(rig.port));
  await Promise.all([one.response(), other.response()]);
  expect(upstream.connections).toBe(2);
  one.socket.write(get(rig.port));
  expect((await one.response()).body.toString()).toBe("ok");
  expect(upstream.connections).toBe(3);
});

test("a POST on a kept connection that breaks is not repeated: the client sees the break", async () => {
  upstream = await breaksOnReuse();
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  client.socket.write(get(rig.port));
  await client.response();
  client.socket.write(`POST / HTTP/1.1\r\nhost: localhost:${rig.port}\r\ncontent-length: 1\r\n\r\nx`);
  await expect(client.response()).rejects.toThrow("closed without an answer");
  expect(upstream.connections).toBe(1);
  expect(rig.sink.of("close").at(-1)?.end.outcome).toBe("upstream_refused");
});

test("a GET whose fresh connection breaks is not repeated either", async () => {
  upstream = await rawServer(async (wire, socket) => {
    await wire.request();
    socket.resetAndDestroy();
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  client.socket.write(get(rig.port));
  await expect(client.response()).rejects.toThrow("closed without an answer");
  expect(upstream.connections).toBe(1);
});

test.each(["reset", "close"])(
  "a POST after the upstream let its idle connection go (%s) goes out on a new one",
  async (how) => {
    upstream = await rawServer(async (wire, socket) => {
      const request = await wire.request();
      const body = request?.body.toString() ?? "";
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`, () => {
        if (how === "reset") socket.resetAndDestroy();
        else socket.end();
      });
    });
    rig = await startRig(upstream.url);
    const client = await rawClient(rig.port);
    for (let i = 0; i < 30; i++) {
      client.socket.write(`POST / HTTP/1.1\r\nhost: localhost:${rig.port}\r\ncontent-length: 4\r\n\r\nbody`);
      expect((await client.response()).body.toString()).toBe("body");
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  },
);

test("redirects are the client's business", async () => {
  upstream = await rawServer(async (wire, socket) => {
    await wire.request();
    socket.write(
      `HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:${upstream.port}/other\r\ncontent-length: 0\r\n\r\n`,
    );
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  client.socket.write(get(rig.port));
  expect((await client.response()).startLine).toBe("HTTP/1.1 307 Temporary Redirect");
  expect(upstream.connections).toBe(1);
});
