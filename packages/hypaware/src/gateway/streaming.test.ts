import { once } from "node:events";
import { createGzip, gunzipSync, constants } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { eventually, rawClient, rawServer, type RawServer, type Rig, startRig } from "./fixtures/rig.ts";

let rig: Rig;
let upstream: RawServer;

afterEach(async () => {
  await rig.stop({ drainMs: 0 });
  await upstream.close();
});

const GET = "GET /v1/stream HTTP/1.1\r\nhost: localhost:PORT\r\n\r\n";
const get = (port: number) => GET.replace("PORT", String(port));
const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
const chunkOf = (bytes: Buffer) =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);

test.each([
  ["1-byte events", 1, false],
  ["30-byte events", 30, false],
  ["gzip", 30, true],
])(
  "the upstream sends the next event only after the client got the last: 200 times, %s",
  async (_name, size, gzip) => {
    let release: () => void = () => undefined;
    const released = () => new Promise<void>((resolve) => (release = resolve));
    const events = Array.from({ length: 200 }, (_, i) => Buffer.alloc(size, 97 + (i % 26)));
    upstream = await rawServer(async (wire, socket) => {
      await wire.request();
      socket.write(`${HEAD}${gzip ? "content-encoding: gzip\r\n" : ""}transfer-encoding: chunked\r\n\r\n`);
      const encoder = createGzip();
      for (const event of events) {
        const next = released();
        if (gzip) {
          encoder.write(event);
          await new Promise<void>((resolve) => encoder.flush(constants.Z_SYNC_FLUSH, resolve));
          socket.write(chunkOf(encoder.read() as Buffer));
        } else socket.write(chunkOf(event));
        await next;
      }
      socket.write("0\r\n\r\n");
    });
    rig = await startRig(upstream.url);
    const client = await rawClient(rig.port);
    client.socket.write(get(rig.port));
    const head = await client.head();
    expect(head?.startLine).toBe("HTTP/1.1 200 OK");
    const received: Buffer[] = [];
    for (let i = 0; i < events.length; i++) {
      const length = Number.parseInt(await client.until("\r\n"), 16);
      received.push(Buffer.from(await client.bytes(length)));
      await client.bytes(2);
      release();
    }
    await client.until("0\r\n\r\n");
    const sent = Buffer.concat(events);
    if (gzip)
      expect(gunzipSync(Buffer.concat(received), { finishFlush: constants.Z_SYNC_FLUSH }).equals(sent)).toBe(
        true,
      );
    else expect(Buffer.concat(received).equals(sent)).toBe(true);
    await eventually(() => rig.sink.of("close").length === 1);
    const copied = Buffer.concat(received);
    expect(rig.sink.body("response-bytes").equals(copied)).toBe(true);
    const arrivals = rig.sink.of("response-bytes").flatMap((frame) => frame.arrivals);
    expect(arrivals.reduce((sum, { length }) => sum + length, 0)).toBe(copied.length);
    for (let i = 1; i < arrivals.length; i++)
      expect(arrivals[i]!.tMs).toBeGreaterThanOrEqual(arrivals[i - 1]!.tMs);
  },
);

test("the response head reaches the client before the first byte of its body", async () => {
  let finish: () => void = () => undefined;
  upstream = await rawServer(async (wire, socket) => {
    await wire.request();
    socket.write(`HTTP/1.1 200 Sch\u00f6n\r\nx-latin1: caf\u00e9\r\ncontent-length: 2\r\n\r\n`, "latin1");
    await new Promise<void>((resolve) => (finish = resolve));
    socket.write("ok");
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  client.socket.write(get(rig.port));
  const head = await client.head();
  expect(head?.raw).toContain("caf\u00e9");
  finish();
  expect((await client.bytes(2)).toString()).toBe("ok");
});

test("a status line that arrives in two pieces keeps its text", async () => {
  upstream = await rawServer(async (wire, socket) => {
    await wire.request();
    socket.write("HTTP/1.1 404 Not F");
    await new Promise((resolve) => setTimeout(resolve, 10));
    socket.write("ound\r\ncontent-length: 0\r\n\r\n");
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  client.socket.write(get(rig.port));
  expect((await client.response()).startLine).toBe("HTTP/1.1 404 Not Found");
});

test("10,000 small events in one burst arrive identical, and time grows with length", async () => {
  const events = (count: number) =>
    Buffer.concat(
      Array.from({ length: count }, (_, i) => Buffer.from(`event: delta\ndata: ${i} ${"x".repeat(400)}\n\n`)),
    );
  let answer = Buffer.alloc(0);
  upstream = await rawServer(async (wire, socket) => {
    while (await wire.request()) {
      socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n`);
      for (let at = 0; at < answer.length; at += 420) socket.write(chunkOf(answer.subarray(at, at + 420)));
      socket.write("0\r\n\r\n");
    }
  });
  rig = await startRig(upstream.url);
  const timed = async (count: number) => {
    answer = events(count);
    const started = performance.now();
    const received = await download(rig.port);
    const took = performance.now() - started;
    expect(received.equals(answer)).toBe(true);
    return took;
  };
  await timed(1_000);
  await timed(10_000);
  expect(rig.sink.body("response-bytes").subarray(-answer.length).equals(answer)).toBe(true);
});

async function download(port: number): Promise<Buffer> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/stream`);
  return Buffer.from(await response.arrayBuffer());
}

test("a client that reads slowly slows the upstream down, and nothing piles up here", async () => {
  const total = 64 * 1024 * 1024;
  let sent = 0;
  upstream = await rawServer(async (wire, socket) => {
    await wire.request();
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n`);
    const piece = Buffer.alloc(64 * 1024, 1);
    while (sent < total) {
      sent += piece.length;
      if (!socket.write(piece)) await once(socket, "drain");
    }
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  client.socket.pause();
  client.socket.write(get(rig.port));
  await eventually(() => sent > 0, 5_000);
  let before = -1;
  while (before !== sent) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  // What the kernel's socket buffers hold on four ends, and no more.
  expect(sent).toBeLessThan(total / 2);
  expect(rig.stats().running).toBe(1);
  const passed = sent;
  let received = 0;
  client.socket.removeAllListeners("data");
  client.socket.on("data", (chunk: Buffer) => (received += chunk.length));
  client.socket.resume();
  await eventually(() => received >= total, 10_000);
  expect(passed).toBeLessThan(received);
  expect(rig.sink.of("close")[0]?.end).toMatchObject({ outcome: "complete", responseBytes: total });
});

test("an upstream that reads slowly slows the client's upload down", async () => {
  const total = 32 * 1024 * 1024;
  let go: (() => void) | undefined;
  upstream = await rawServer(async (wire, socket) => {
    socket.pause();
    await new Promise<void>((resolve) => (go = resolve));
    socket.resume();
    await wire.head();
    let received = 0;
    while (received < total) received += (await wire.any()).length;
    const body = String(received);
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  client.socket.write(`POST /up HTTP/1.1\r\nhost: localhost:${rig.port}\r\ncontent-length: ${total}\r\n\r\n`);
  client.socket.write(Buffer.alloc(total, 7));
  await eventually(() => go !== undefined, 5_000);
  let before = -1;
  while (before !== client.socket.bytesWritten) {
    before = client.socket.bytesWritten;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(client.socket.writableLength).toBeGreaterThan(0);
  go?.();
  expect((await client.response()).body.toString()).toBe(String(total));
  const frames = rig.sink.of("request-body");
  expect(rig.sink.body("request-body").equals(Buffer.alloc(total, 7))).toBe(true);
  expect(frames.map((frame) => frame.last)).toEqual([...Array(frames.length - 1).fill(false), true]);
});

test("an answer that comes while the upload still runs reaches the client, and its connection stays usable", async () => {
  upstream = await rawServer(async (wire, socket) => {
    const head = await wire.head();
    if (!head) return;
    if (head.startLine.startsWith("POST")) {
      socket.write("HTTP/1.1 413 Payload Too Large\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbig!");
      socket.end();
    } else socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  const total = 8 * 1024 * 1024;
  client.socket.write(`POST /up HTTP/1.1\r\nhost: localhost:${rig.port}\r\ncontent-length: ${total}\r\n\r\n`);
  client.socket.write(Buffer.alloc(1024));
  const answered = await client.response();
  expect(answered.startLine).toBe("HTTP/1.1 413 Payload Too Large");
  expect(answered.body.toString()).toBe("big!");
  client.socket.write(Buffer.alloc(total - 1024));
  client.socket.write(get(rig.port));
  expect((await client.response()).body.toString()).toBe("ok");
  expect(rig.sink.of("close").map(({ end }) => end.outcome)).toEqual(["complete", "complete"]);
  expect(
    rig.sink
      .of("request-body")
      .every(({ exchangeId, last }) => !last || exchangeId !== rig.sink.frames[0]!.exchangeId),
  ).toBe(true);
});

test("answers to pipelined requests come in order", async () => {
  upstream = await rawServer(async (wire, socket) => {
    const request = await wire.request();
    const path = request?.startLine.split(" ")[1] ?? "";
    await new Promise((resolve) => setTimeout(resolve, path === "/slow" ? 50 : 0));
    socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${path.length}\r\nconnection: close\r\n\r\n${path}`);
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  const one = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost:${rig.port}\r\n\r\n`;
  client.socket.write(one("/slow") + one("/fast") + one("/last"));
  const bodies = [await client.response(), await client.response(), await client.response()].map((r) =>
    r.body.toString(),
  );
  expect(bodies).toEqual(["/slow", "/fast", "/last"]);
});

test("Expect: 100-continue is answered here and not passed on", async () => {
  let seen: string[] = [];
  upstream = await rawServer(async (wire, socket) => {
    const request = await wire.request();
    seen = request?.raw ?? [];
    socket.write("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  client.socket.write(
    `POST /x HTTP/1.1\r\nhost: localhost:${rig.port}\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n`,
  );
  expect((await client.head())?.startLine).toBe("HTTP/1.1 100 Continue");
  client.socket.write("abc");
  expect((await client.response()).startLine).toBe("HTTP/1.1 200 OK");
  expect(seen.map((item) => item.toLowerCase())).not.toContain("expect");
});
