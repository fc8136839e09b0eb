import { afterEach, beforeEach, expect, test } from "vitest";
import { rawClient, rawServer, type RawServer, type Rig, startRig } from "./fixtures/rig.ts";

let rig: Rig;
let upstream: RawServer;
/** Start lines that reached the upstream. */
let reached: string[];

beforeEach(async () => {
  reached = [];
  upstream = await rawServer(async (wire, socket) => {
    for (let request = await wire.request(); request; request = await wire.request()) {
      reached.push(request.startLine);
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    }
  });
  rig = await startRig(upstream.url);
});

afterEach(async () => {
  await rig.stop({ drainMs: 0 });
  await upstream.close();
});

/** The status of the first answer, or "closed". `HOST` in the text stands for our own authority. */
async function send(text: string): Promise<string> {
  const client = await rawClient(rig.port);
  client.socket.on("error", () => undefined);
  client.socket.write(text.replaceAll("HOST", `127.0.0.1:${rig.port}`), "latin1");
  const timer = setTimeout(() => client.socket.destroy(new Error("no answer within a second")), 1_000);
  const head = await client.head().catch(() => undefined);
  clearTimeout(timer);
  if (client.error?.message.startsWith("no answer")) throw client.error;
  client.socket.destroy();
  return head?.startLine.split(" ")[1] ?? "closed";
}

const H = "host: HOST\r\n";

test.each([
  ["two slashes", `GET // HTTP/1.1\r\n${H}\r\n`, "GET // HTTP/1.1"],
  ["dots and escapes", `GET /a/../b/%2e%2e/c HTTP/1.1\r\n${H}\r\n`, "GET /a/../b/%2e%2e/c HTTP/1.1"],
  ["our own absolute form", `GET http://HOST/a//b?c HTTP/1.1\r\n${H}\r\n`, "GET /a//b?c HTTP/1.1"],
  ["absolute form without a path", `GET http://localhost:PORT HTTP/1.1\r\n${H}\r\n`, "GET / HTTP/1.1"],
  ["a target that looks like a URL", `GET //evil.test/x HTTP/1.1\r\n${H}\r\n`, "GET //evil.test/x HTTP/1.1"],
  [
    "an offer of h2c",
    `GET /x HTTP/1.1\r\n${H}connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AA\r\n\r\n`,
    "GET /x HTTP/1.1",
  ],
  ["1,500 headers", `GET /x HTTP/1.1\r\n${H}${"a: b\r\n".repeat(1500)}\r\n`, "GET /x HTTP/1.1"],
])("%s pass as they are", async (_name, text, expected) => {
  expect(await send(text.replaceAll("PORT", String(rig.port)))).toBe("200");
  expect(reached).toEqual([expected]);
});

test.each([
  ["foreign absolute form", `GET http://evil.test/ HTTP/1.1\r\n${H}\r\n`, "403"],
  ["absolute form with a user", `GET http://HOST@evil.test/ HTTP/1.1\r\n${H}\r\n`, "400"],
  ["https absolute form", `GET https://HOST/ HTTP/1.1\r\n${H}\r\n`, "400"],
  ["OPTIONS *", `OPTIONS * HTTP/1.1\r\n${H}\r\n`, "400"],
  ["CONNECT", `CONNECT evil.test:443 HTTP/1.1\r\nhost: evil.test\r\n\r\n`, "405"],
  ["CONNECT to ourselves", `CONNECT HOST HTTP/1.1\r\n${H}\r\n`, "405"],
  ["HTTP/1.0 without Host", `GET / HTTP/1.0\r\n\r\n`, "400"],
  ["HTTP/1.1 without Host", `GET / HTTP/1.1\r\n\r\n`, "400"],
  ["two Hosts", `GET / HTTP/1.1\r\n${H}${H}\r\n`, "400"],
  ["an empty Host", `GET / HTTP/1.1\r\nhost:\r\n\r\n`, "403"],
  ["HTTP/2 preface", `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`, "400"],
  ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400"],
  ["noise", "\x00\xff\xfe garbage\r\n\r\n", "400"],
  ["no version", `GET /\r\n\r\n`, "400"],
  ["HTTP/9.9", `GET / HTTP/9.9\r\n${H}\r\n`, "400"],
  ["unknown method", `BREW / HTTP/1.1\r\n${H}\r\n`, "400"],
  ["lower-case method", `get / HTTP/1.1\r\n${H}\r\n`, "400"],
  ["NUL in the target", `GET /\0 HTTP/1.1\r\n${H}\r\n`, "400"],
  ["tab in the target", `GET /\t HTTP/1.1\r\n${H}\r\n`, "400"],
  ["a bracket as host", `GET http://[ HTTP/1.1\r\n${H}\r\n`, "403"],
  ["header folding", `GET / HTTP/1.1\r\n${H}a: b\r\n c\r\n\r\n`, "400"],
  ["space before the colon", `GET / HTTP/1.1\r\n${H}a : b\r\n\r\n`, "400"],
  ["NUL in a header", `GET / HTTP/1.1\r\n${H}a: b\0c\r\n\r\n`, "400"],
  ["bare CR in a header", `GET / HTTP/1.1\r\n${H}a: b\rc: d\r\n\r\n`, "400"],
  ["a header of 100 KB", `GET / HTTP/1.1\r\n${H}a: ${"b".repeat(100_000)}\r\n\r\n`, "431"],
  ["50,000 headers", `GET / HTTP/1.1\r\n${H}${"a: b\r\n".repeat(50_000)}\r\n`, "431"],
  ["a target of 100 KB", `GET /${"b".repeat(100_000)} HTTP/1.1\r\n${H}\r\n`, "431"],
  [
    "length and chunked",
    `POST / HTTP/1.1\r\n${H}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    "400",
  ],
  [
    "chunked and length",
    `POST / HTTP/1.1\r\n${H}transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n`,
    "400",
  ],
  ["two lengths", `POST / HTTP/1.1\r\n${H}content-length: 4\r\ncontent-length: 5\r\n\r\nabcde`, "400"],
  ["a list of lengths", `POST / HTTP/1.1\r\n${H}content-length: 4, 4\r\n\r\nabcd`, "400"],
  ["a negative length", `POST / HTTP/1.1\r\n${H}content-length: -1\r\n\r\n`, "400"],
  ["a length with a sign", `POST / HTTP/1.1\r\n${H}content-length: +4\r\n\r\nabcd`, "400"],
  ["a length beyond 64 bits", `POST / HTTP/1.1\r\n${H}content-length: 99999999999999999999\r\n\r\n`, "400"],
  ["chunked not last", `POST / HTTP/1.1\r\n${H}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n`, "400"],
  ["an unknown coding", `POST / HTTP/1.1\r\n${H}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n`, "400"],
])("%s is refused, reaches nobody and leaves no exchange", async (_name, text, status) => {
  expect(await send(text)).toBe(status);
  expect(reached).toEqual([]);
  expect(rig.sink.frames).toEqual([]);
  expect(await send(`GET /alive HTTP/1.1\r\n${H}\r\n`)).toBe("200");
});

test.each([
  ["a negative chunk size", "-1\r\n"],
  ["a chunk size beyond 64 bits", "fffffffffffffffff\r\n"],
  ["a chunk longer than said", "1\r\nabc\r\n"],
  ["a chunk size with spaces", "1 1\r\n"],
])("%s breaks the connection and makes no second request", async (_name, chunk) => {
  const request = `POST / HTTP/1.1\r\n${H}transfer-encoding: chunked\r\n\r\n${chunk}\r\nGET /smuggled HTTP/1.1\r\n${H}\r\n`;
  expect(["closed", "400"]).toContain(await send(request));
  expect(reached.filter((line) => line.includes("smuggled"))).toEqual([]);
  expect(await send(`GET /alive HTTP/1.1\r\n${H}\r\n`)).toBe("200");
});

test("a request that is cut at any byte harms nobody", async () => {
  const text = `POST /x?y HTTP/1.1\r\n${H}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`;
  const full = text.replaceAll("HOST", `127.0.0.1:${rig.port}`);
  await Promise.all(
    Array.from({ length: full.length - 1 }, async (_, length) => {
      const client = await rawClient(rig.port);
      client.socket.end(full.slice(0, length));
      await client.rest();
    }),
  );
  expect(await send(`GET /alive HTTP/1.1\r\n${H}\r\n`)).toBe("200");
  expect(rig.stats().running).toBe(0);
});

test.each([
  ["a host whose DNS points here", "evil.test:PORT", "", "403"],
  ["our name as a label of theirs", "localhost.evil.test:PORT", "", "403"],
  ["our address as a label of theirs", "127.0.0.1.evil.test:PORT", "", "403"],
  ["another port", "127.0.0.1:1", "", "403"],
  ["no port", "127.0.0.1", "", "403"],
  ["0.0.0.0", "0.0.0.0:PORT", "", "403"],
  ["a trailing dot", "localhost.:PORT", "", "403"],
  ["another spelling of loopback", "127.1:PORT", "", "403"],
  ["a user name", "x@127.0.0.1:PORT", "", "403"],
  ["a foreign origin", "127.0.0.1:PORT", "origin: https://evil.test\r\n", "403"],
  ["a null origin", "127.0.0.1:PORT", "origin: null\r\n", "403"],
  ["an origin on another port", "127.0.0.1:PORT", "origin: http://127.0.0.1:1\r\n", "403"],
  ["an https origin of our name", "127.0.0.1:PORT", "origin: https://127.0.0.1:PORT\r\n", "403"],
  ["an extension's origin", "127.0.0.1:PORT", "origin: chrome-extension://abc\r\n", "403"],
  [
    "a second, foreign origin",
    "127.0.0.1:PORT",
    "origin: http://127.0.0.1:PORT\r\norigin: https://evil.test\r\n",
    "403",
  ],
  ["cross-site", "127.0.0.1:PORT", "sec-fetch-site: cross-site\r\n", "403"],
  ["same-site", "127.0.0.1:PORT", "sec-fetch-site: same-site\r\n", "403"],
  ["an unknown site", "127.0.0.1:PORT", "Sec-Fetch-Site: whatever\r\n", "403"],
  ["127.0.0.1", "127.0.0.1:PORT", "", "200"],
  ["localhost", "LocalHost:PORT", "", "200"],
  ["[::1]", "[::1]:PORT", "", "200"],
  [
    "our own origin",
    "127.0.0.1:PORT",
    "origin: http://localhost:PORT\r\nsec-fetch-site: same-origin\r\n",
    "200",
  ],
  ["a typed address", "127.0.0.1:PORT", "sec-fetch-site: none\r\n", "200"],
])(
  "the guard, %s: Host %s, %j → %s, for requests, preflights and upgrades",
  async (_name, host, more, status) => {
    const port = String(rig.port);
    for (const [line, extra] of [
      ["GET /v1/x", ""],
      ["OPTIONS /v1/x", "access-control-request-method: POST\r\n"],
      ["GET /ws", "connection: upgrade\r\nupgrade: websocket\r\n"],
    ] as const) {
      const answer = await send(
        `${line} HTTP/1.1\r\nhost: ${host}\r\n${more}${extra}\r\n`.replaceAll("PORT", port),
      );
      expect(answer).toBe(status === "200" && line === "GET /ws" ? "426" : status);
    }
    if (status !== "200") {
      expect(reached).toEqual([]);
      expect(rig.sink.frames).toEqual([]);
      expect(rig.stats().refused).toBe(3);
    }
  },
);

test("a refusal says why, and no answer of ours carries a CORS header", async () => {
  const client = await rawClient(rig.port);
  client.socket.write("GET / HTTP/1.1\r\nhost: evil.test\r\n\r\n");
  const { body, raw } = await client.response();
  expect(JSON.parse(body.toString())).toEqual({
    error: "host not allowed",
    detail: expect.stringContaining(`127.0.0.1:${rig.port}`) as string,
  });
  expect(raw.join("\n").toLowerCase()).not.toContain("access-control");
});
