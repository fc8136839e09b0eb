import { afterEach, expect, test, vi } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import { PeerCheck, type PeerVerdict } from "./peer.ts";
import { buildRoutes } from "./router.ts";
import {
  eventually,
  rawClient,
  rawServer,
  type RawServer,
  type Rig,
  startRig,
  valueOf,
} from "./fixtures/rig.ts";

let rig: Rig;
let upstream: RawServer;

afterEach(async () => {
  vi.useRealTimers();
  await rig.stop({ drainMs: 0 });
  await upstream.close();
});

/** Answers with what it was sent: start line and body. */
async function echoing(): Promise<void> {
  upstream = await rawServer(async (wire, socket) => {
    for (let got = await wire.request(); got; got = await wire.request()) {
      const body = `${got.startLine}|${got.body.toString("latin1")}`;
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`, "latin1");
    }
  });
  rig = await startRig(upstream.url);
}

/** Answers each request with these bytes. */
async function answering(answer: string): Promise<void> {
  upstream = await rawServer(async (wire, socket) => {
    while (await wire.request()) socket.write(answer, "latin1");
  });
  rig = await startRig(upstream.url);
}

const head = (line: string, ...fields: readonly string[]): string =>
  [`${line} HTTP/1.1`, `host: localhost:${rig.port}`, ...fields, "", ""].join("\r\n");
const post = (path: string, body: string): string =>
  head(`POST ${path}`, `content-length: ${body.length}`) + body;
const aMoment = (ms = 20): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const outcomes = (): string[] => rig.sink.of("close").map(({ end }) => end.outcome);

test("2,000 requests in one write are answered in their order", async () => {
  await echoing();
  const client = await rawClient(rig.port);
  const paths = Array.from({ length: 2_000 }, (_, i) => `/${i}`);
  client.socket.write(
    paths.map((path) => (path.endsWith("7") ? post(path, "body") : head(`GET ${path}`))).join(""),
  );
  for (const path of paths) {
    const body = (await client.response()).body.toString();
    expect(body).toBe(path.endsWith("7") ? `POST ${path} HTTP/1.1|body` : `GET ${path} HTTP/1.1|`);
  }
  expect(upstream.connections).toBe(1);
});

/** Says who the other end is when it is told to. */
class SlowPeers extends PeerCheck {
  #answer: ((verdict: PeerVerdict) => void) | undefined;

  override check(): Promise<PeerVerdict> {
    return new Promise((resolve) => (this.#answer = resolve));
  }

  /** A moment after it was asked, so that more can have come. */
  async answer(verdict: PeerVerdict): Promise<void> {
    await eventually(() => this.#answer !== undefined);
    await aMoment();
    this.#answer?.(verdict);
  }
}

async function answeringOurselves(): Promise<SlowPeers> {
  upstream = await rawServer(() => undefined);
  const peers = new SlowPeers();
  const other = { name: "other", base_url: upstream.url, path_prefix: "/other" };
  rig = await startRig(upstream.url, { peers, routes: buildRoutes({ presets: [], upstreams: [other] }) });
  return peers;
}

test("1,000 requests that waited for their first answer, in more than one read, are answered in their order", async () => {
  const peers = await answeringOurselves();
  const client = await rawClient(rig.port);
  const paths = Array.from({ length: 1_000 }, (_, i) => `/${i}`);
  client.socket.write(paths.map((path) => head(`GET ${path}`, `x-padding: ${"x".repeat(50)}`)).join(""));
  await peers.answer("same-account");
  for (const path of paths) {
    const { startLine, body } = await client.response();
    expect(startLine).toBe("HTTP/1.1 404 Not Found");
    expect(JSON.parse(body.toString())).toMatchObject({ path });
  }
});

test("pieces that waited behind a body keep their order", async () => {
  const peers = await answeringOurselves();
  const client = await rawClient(rig.port);
  for (const piece of [
    `${head("POST /a", "content-length: 6")}abc`,
    "defGET /b HT",
    head("").slice(" HT".length),
  ]) {
    client.socket.write(piece);
    await aMoment();
  }
  await peers.answer("same-account");
  for (const path of ["/a", "/b"])
    expect(JSON.parse((await client.response()).body.toString())).toMatchObject({ path });
});

test("an unusual request takes the connection along, and plain ones behind it are answered", async () => {
  await echoing();
  const client = await rawClient(rig.port);
  const unusual = head("PUT /b", "transfer-encoding: chunked") + "3\r\nabc\r\n0\r\n\r\n";
  client.socket.write(head("GET /a") + unusual + post("/c", "c") + head("GET /d"));
  const bodies: string[] = [];
  for (let i = 0; i < 4; i++) bodies.push((await client.response()).body.toString());
  expect(bodies).toEqual([
    "GET /a HTTP/1.1|",
    "PUT /b HTTP/1.1|abc",
    "POST /c HTTP/1.1|c",
    "GET /d HTTP/1.1|",
  ]);
});

test("wherever requests are cut, they are answered alike", async () => {
  await echoing();
  const text = post("/one", "body!") + head("GET /two");
  await Promise.all(
    Array.from({ length: text.length - 1 }, async (_, i) => {
      const client = await rawClient(rig.port);
      client.socket.write(text.slice(0, i + 1));
      await aMoment(5);
      client.socket.write(text.slice(i + 1));
      expect((await client.response()).body.toString()).toBe("POST /one HTTP/1.1|body!");
      expect((await client.response()).body.toString()).toBe("GET /two HTTP/1.1|");
      client.socket.destroy();
    }),
  );
});

test("a field that Connection names is not the length of a body", async () => {
  await echoing();
  for (const fields of [
    ["connection: close", "connection: content-length"],
    ["connection: keep-alive, content-length"],
  ]) {
    const client = await rawClient(rig.port);
    const body = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
    client.socket.write(head("POST /outer", ...fields, `content-length: ${body.length}`) + body);
    expect((await client.response()).body.toString()).toBe(`POST /outer HTTP/1.1|${body}`);
  }
});

test("behind Connection: close nothing is read any more", async () => {
  upstream = await rawServer(async (wire, socket) => {
    while (await wire.request())
      socket.write(
        Buffer.concat([
          Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${1 << 20}\r\n\r\n`),
          Buffer.alloc(1 << 20),
        ]),
      );
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  client.socket.write(head("GET /", "connection: close") + head("GET /behind"));
  const got = await client.response();
  expect(valueOf(got.raw, "connection")).toBe("close");
  expect((await client.rest()).length).toBe(0);
  expect(rig.stats().exchanges).toBe(1);
});

test("a client that asks on and does not read is not answered on", async () => {
  const body = Buffer.alloc(60_000);
  let asked = 0;
  upstream = await rawServer(async (wire, socket) => {
    while (await wire.request()) {
      asked++;
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`);
      socket.write(body);
    }
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  client.socket.pause();
  client.socket.write(head("GET /").repeat(400));
  let before = -1;
  while (before !== asked) {
    before = asked;
    await aMoment(100);
  }
  // What the kernel's socket buffers hold.
  expect(asked).toBeLessThan(300);
  client.socket.resume();
  for (let i = 0; i < 400; i++) expect((await client.response()).body.length).toBe(body.length);
});

test("a 101 to a request that asked for no other protocol breaks its connection, and nothing else", async () => {
  await answering("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
  for (const fields of [[], ["content-length: 0", "expect: 100-continue"]]) {
    const client = await rawClient(rig.port);
    client.socket.write(head("GET /", ...fields));
    await client.rest();
  }
  expect(outcomes()).toEqual(["upstream_refused", "upstream_refused"]);
});

test("a stop cuts no answer that is on its way to a slow reader, and takes no request behind it", async () => {
  const answer = Buffer.concat([
    Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n"),
    Buffer.alloc(60_000),
  ]);
  upstream = await rawServer(async (wire, socket) => {
    while (await wire.request()) socket.write(answer);
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  client.socket.pause();
  client.socket.write(head("GET /").repeat(400));
  let before = -1;
  while (before !== rig.stats().exchanges) {
    before = rig.stats().exchanges;
    await aMoment(100);
  }
  const stopped = rig.stop({ drainMs: 5_000 });
  await aMoment(LIMITS.freshConnectionMs + 50);
  client.socket.resume();
  for (let i = 0; i < before; i++) expect((await client.response()).body.length).toBe(60_000);
  expect((await client.rest()).length).toBe(0);
  expect(await stopped).toEqual({ cut: 0 });
  expect(rig.stats().exchanges).toBe(before);
});

test("a stop lets a running answer end and says that it is the last; who is idle or has said nothing is let go", async () => {
  let finish: () => void = () => undefined;
  upstream = await rawServer(async (wire, socket) => {
    for (let got = await wire.head(); got; got = await wire.head()) {
      if (got.startLine.startsWith("GET /slow")) await new Promise<void>((resolve) => (finish = resolve));
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    }
  });
  rig = await startRig(upstream.url);
  const [running, idle, silent] = [
    await rawClient(rig.port),
    await rawClient(rig.port),
    await rawClient(rig.port),
  ];
  idle.socket.write(head("GET /"));
  await idle.response();
  running.socket.write(head("GET /slow") + head("GET /behind"));
  await eventually(() => rig.stats().running === 1);
  const stopped = rig.stop({ drainMs: 5_000 });
  await Promise.all([idle.rest(), silent.rest()]);
  finish();
  const answered = await running.response();
  expect([answered.body.toString(), valueOf(answered.raw, "connection")]).toEqual(["ok", "close"]);
  expect((await running.rest()).length).toBe(0);
  expect(await stopped).toEqual({ cut: 0 });
});

test("an answer in front of the end of an upload leaves the connection usable, and the upload goes nowhere", async () => {
  upstream = await rawServer(async (wire, socket) => {
    const got = await wire.head();
    const status = got?.startLine.startsWith("POST") ? "413 Payload Too Large" : "200 OK";
    socket.write(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`);
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  client.socket.write(`${head("POST /", "content-length: 6")}abc`);
  const early = await client.response();
  expect([early.startLine, valueOf(early.raw, "connection")]).toEqual([
    "HTTP/1.1 413 Payload Too Large",
    "keep-alive",
  ]);
  client.socket.write(`def${head("GET /next")}`);
  expect((await client.response()).startLine).toBe("HTTP/1.1 200 OK");
  expect(upstream.connections).toBe(2);
});

test("our own answer to HEAD has no body, and its connection goes on", async () => {
  const peers = await answeringOurselves();
  const client = await rawClient(rig.port);
  client.socket.write(head("HEAD /a") + head("GET /b"));
  await peers.answer("same-account");
  const first = await client.response(true);
  expect(first.startLine).toBe("HTTP/1.1 404 Not Found");
  expect(JSON.parse((await client.response()).body.toString())).toMatchObject({ path: "/b" });
});

test.each(["before its answer", "in its answer"])("a client that ends its side %s is gone", async (when) => {
  let [asked, closed] = [false, false];
  upstream = await rawServer(async (wire, socket) => {
    socket.on("close", () => (closed = true));
    await wire.request();
    asked = true;
    if (when === "in its answer") socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  client.socket.write(head("GET /"));
  if (when === "in its answer") await client.until("half");
  else await eventually(() => asked);
  client.socket.end();
  await client.rest();
  await eventually(() => closed && rig.stats().connections === 0);
  expect(outcomes()).toEqual(["client_aborted"]);
});

test("who sends no request gets a 408, and who sends no further one is let go", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "performance"] });
  await echoing();
  const [silent, idle] = [await rawClient(rig.port), await rawClient(rig.port)];
  idle.socket.write(head("GET /"));
  await idle.response();
  vi.advanceTimersByTime(LIMITS.headersTimeoutMs * 1.3);
  expect((await silent.response()).startLine).toBe("HTTP/1.1 408 Request Timeout");
  await silent.rest();
  idle.socket.write(head("GET /"));
  await idle.response();
  vi.advanceTimersByTime(LIMITS.keepAliveTimeoutMs - LIMITS.headersTimeoutMs);
  expect(rig.stats().connections).toBe(1);
  vi.advanceTimersByTime(LIMITS.headersTimeoutMs * 1.3);
  expect((await idle.rest()).length).toBe(0);
});

test("chunks and trailers come as they were", async () => {
  const chunks = "2;x=y\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n";
  await answering(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`);
  const client = await rawClient(rig.port);
  for (let i = 0; i < 2; i++) {
    client.socket.write(head("GET /"));
    await client.head();
    expect((await client.bytes(chunks.length)).toString()).toBe(chunks);
  }
  expect(upstream.connections).toBe(1);
});

test("an answer that names its own length as one of the connection keeps it", async () => {
  await answering("HTTP/1.1 200 OK\r\nConnection: content-length\r\nContent-Length: 2\r\n\r\nok");
  const client = await rawClient(rig.port);
  client.socket.write(head("GET /"));
  expect((await client.response()).body.toString()).toBe("ok");
});
