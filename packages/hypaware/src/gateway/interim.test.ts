import { afterEach, expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import {
  eventually,
  rawClient,
  rawServer,
  type RawServer,
  type Rig,
  startRig,
  type Wire,
} from "./fixtures/rig.ts";

let rig: Rig;
let upstream: RawServer;

afterEach(async () => {
  await rig.stop({ drainMs: 0 });
  await upstream.close();
});

const OK = "HTTP/1.1 200 caf\xe9\r\ncontent-length: 2\r\n\r\nok";
const get = (path = "/", version = "1.1", ...lines: readonly string[]): string =>
  [`GET ${path} HTTP/${version}`, `host: localhost:${rig.port}`, ...lines, "", ""].join("\r\n");

/** Answers each request with these bytes. */
async function answering(answer: string): Promise<void> {
  upstream = await rawServer(async (wire, socket) => {
    while (await wire.request()) socket.write(answer, "latin1");
  });
  rig = await startRig(upstream.url);
}

/** All that comes up to the end of the answer's body, but for what is said about this connection. */
async function answerTo(client: Wire, request: string): Promise<string> {
  client.socket.write(request);
  return (await client.until("ok")).replace(/^(?:connection|keep-alive): .*\r\n/gim, "");
}

async function bytesFor(request: string): Promise<string> {
  return answerTo(await rawClient(rig.port), request);
}

test("1xx answers reach the client as they came, in order, but for fields of the connection", async () => {
  const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nlink:   </b>  \r\nX-Empty:\r\n\r\n";
  await answering(
    `HTTP/1.1 100 Weiter so\r\n\r\nHTTP/1.1 102 Processing\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n${hints}HTTP/1.1 199 \xe9\r\n\r\n${OK}`,
  );
  expect(await bytesFor(get())).toBe(
    "HTTP/1.1 100 Weiter so\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" +
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nlink: </b>\r\nX-Empty: \r\n\r\n" +
      `HTTP/1.1 199 \xe9\r\n\r\n${OK}`,
  );
  expect(rig.sink.of("response-head").map(({ head }) => head.status)).toEqual([200]);
});

test("wherever an upstream's bytes are cut, the client sees the same", async () => {
  const answer = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}`;
  let cut = 0;
  upstream = await rawServer(async (wire, socket) => {
    while (await wire.request()) {
      socket.write(answer.slice(0, cut), "latin1");
      setTimeout(() => socket.write(answer.slice(cut), "latin1"), 3);
    }
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  for (cut = 1; cut < answer.length; cut++) {
    expect(await answerTo(client, get()), `cut at ${cut}`).toBe(answer);
  }
});

test("a 1xx waits for the answers to earlier requests", async () => {
  let finishFirst = (): void => undefined;
  let hinted = false;
  upstream = await rawServer(async (wire, socket) => {
    for (let request = await wire.request(); request; request = await wire.request()) {
      if (request.startLine.includes("/first")) {
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n1");
        finishFirst = () => socket.write("1");
      } else {
        socket.write(`HTTP/1.1 103 Early Hints\r\n\r\n${OK}`, "latin1", () => (hinted = true));
      }
    }
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  // Read by node:http, which lets both out at once.
  const unusual = "connection: x-own, keep-alive";
  const bytes = answerTo(client, get("/first", "1.1", unusual) + get("/second"));
  await eventually(() => hinted && rig.sink.of("response-head").length === 2);
  finishFirst();
  expect(await bytes).toBe(
    `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n11HTTP/1.1 103 Early Hints\r\n\r\n${OK}`,
  );
});

test("an HTTP/1.0 client gets no 1xx", async () => {
  await answering(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n${OK}`);
  expect(await bytesFor(get("/", "1.0", "connection: keep-alive"))).toMatch(/^HTTP\/1\.1 200 caf\xe9\r\n/);
});

test("a client that asked to continue hears it once, from us", async () => {
  await answering(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n${OK}`);
  expect(await bytesFor(get("/", "1.1", "expect: 100-continue"))).toBe(
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n${OK}`,
  );
});

test.each([
  ["a line that is no field", "HTTP/1.1 103 Early Hints\r\nno field\r\n\r\n"],
  ["a control character", "HTTP/1.1 103 Early Hints\r\nlink: a\x01b\r\n\r\n"],
  ["a bare line feed", "HTTP/1.1 103 Early Hints\r\nlink: a\nset-cookie: b\r\n\r\n"],
])("a 1xx with %s is not passed on", async (_what, interim) => {
  await answering(interim + OK);
  const client = await rawClient(rig.port);
  client.socket.write(get());
  expect((await client.rest()).toString()).not.toContain("103");
});

test("no more 1xx are passed on than the bound, and the answer is", async () => {
  const interim = `HTTP/1.1 103 Early Hints\r\nlink: ${"x".repeat(4_000)}\r\n\r\n`;
  await answering(interim.repeat(100) + OK);
  const bytes = await bytesFor(get());
  expect(bytes.endsWith(OK)).toBe(true);
  expect(bytes.length).toBeGreaterThan(LIMITS.interimBytes - interim.length);
  expect(bytes.length).toBeLessThanOrEqual(LIMITS.interimBytes + OK.length);
});

test("a 1xx that is longer than its bound is not passed on, and what follows is", async () => {
  const hints = (bytes: number): string => `HTTP/1.1 103 Early Hints\r\nLink: ${"x".repeat(bytes)}\r\n\r\n`;
  const longest = hints(LIMITS.interimHeadBytes - hints(0).length);
  await answering(hints(longest.length) + longest + OK);
  expect(await bytesFor(get())).toBe(longest + OK);
});

test("a 1xx without its end is no answer: a GET that saw one is not sent again", async () => {
  upstream = await rawServer(async (wire, socket) => {
    await wire.request();
    socket.write(OK, "latin1");
    await wire.request();
    socket.write("HTTP/1.1 10", () => setTimeout(() => socket.resetAndDestroy(), 20));
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  client.socket.write(get());
  await client.until("ok");
  client.socket.write(get());
  await expect(client.response()).rejects.toThrow("closed without an answer");
  expect(upstream.connections).toBe(1);
});
