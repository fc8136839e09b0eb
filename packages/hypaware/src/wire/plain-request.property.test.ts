// Whatever we read ourselves node:http's parser reads alike: a request that we understand otherwise than a complete parser is a hole
// through which another can be smuggled. What we do not take is free, because that parser gets it.
import { createServer, METHODS, type Server } from "node:http";
import { duplexPair } from "node:stream";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import { among, mangled, runs } from "./mangled.testkit.ts";
import { readPlainRequest } from "./plain-request.ts";

interface Read {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: readonly string[];
  readonly bodyBytes: number;
  readonly isLast: boolean;
}

const SENT_BODY = 1_000;
const NEXT = { method: "GET", url: "/next", headers: [], bodyBytes: 0, isLast: false };
const NEXT_BYTES = Buffer.from("GET /next HTTP/1.1\r\n\r\n");
let server: Server;

beforeAll(() => {
  server = createServer({ maxHeaderSize: LIMITS.headerBytes, requireHostHeader: false });
  server.maxHeadersCount = 0;
});

afterAll(() => {
  server.close();
});

/** What node:http's parser makes of them. */
async function complete(bytes: Buffer): Promise<(Read | string)[]> {
  const found: (Read | string)[] = [];
  const [client, side] = duplexPair();
  server.removeAllListeners("request").on("request", (request, response) => {
    let bodyBytes = 0;
    request.on("data", (data: Buffer) => (bodyBytes += data.length));
    const { method, url, rawHeaders: headers } = request;
    const read = (): void => {
      found.push({ method, url, headers, bodyBytes, isLast: !response.shouldKeepAlive });
    };
    request.on("end", () => {
      read();
      response.end();
    });
    request.on("error", read);
  });
  for (const event of ["checkContinue", "checkExpectation", "connect", "upgrade"])
    server.removeAllListeners(event).on(event, () => found.push(event));
  server.removeAllListeners("clientError").on("clientError", (error) => {
    found.push(error.message);
    side.destroy();
  });
  server.emit("connection", side);
  client.on("error", () => undefined).resume();
  client.write(bytes);
  for (let i = 0; i < 6; i++) await new Promise(setImmediate);
  client.destroy();
  side.destroy();
  await new Promise(setImmediate);
  return found;
}

const method = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS") },
  { weight: 2, arbitrary: fc.constantFrom(...METHODS) },
  { weight: 1, arbitrary: fc.constantFrom("get", "BREW", "PRI", "GET-", "-", "") },
);
const target = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("/", "/v1/messages?beta=true", "//", "/a/../b", "/%00") },
  { weight: 3, arbitrary: fc.string({ unit: "binary-ascii" }).map((text) => `/${text}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("*", "http://a/b", "a:1", "", "/#a#b", '/"<>\\^`{|}', "/?#?", "/\x80"),
  },
);
const version = fc.oneof(
  { weight: 12, arbitrary: fc.constant("HTTP/1.1") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("HTTP/1.0", "HTTP/2.0", "HTTP/1.2", "http/1.1", "HTTP/11", "RTSP/1.1", ""),
  },
);
const length = among(
  ["0", "5", "05", "64", "65", "999999999999999", "18446744073709551615", "99999999999999999999"],
  ["+5", "-5", "0x5", "5 5", "5, 5", "5,", "", "5\t", "\t5", "5.0", "\xa05", "5\xa0", "٥"],
);
const connection = among(
  ["close", "keep-alive", "Keep-Alive", "CLOSE", "close, keep-alive"],
  ["upgrade", "content-length", "x", ""],
);
const value = fc.oneof(
  fc.constantFrom("", " ", "a", "a b", "\xa0", "é\xff", "\t a\t", 'a,b;c="d"', "\0", "\x0b", "\x7f"),
  fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 12 }),
);
const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("Host", "x-a", "X", "!#$%&'*+-.^_`|~9", "__proto__") },
  { weight: 1, arbitrary: fc.constantFrom("x ", " x", "", "x\t", "(x)", "x@", "é") },
);
const coding = fc.constantFrom("chunked", "gzip, chunked", "identity", "xchunked", "");
const rare = fc.oneof(
  connection.map((it) => `Connection:${it}`),
  coding.map((it) => `Transfer-Encoding: ${it}`),
  fc.constantFrom(
    "Expect: 100-continue",
    "expect: x",
    "Upgrade: websocket",
    "Upgrade: h2c",
    "Proxy-Connection: close",
  ),
  fc.constantFrom(
    "Content-Length : 5",
    "Content-Length\t: 5",
    "Content-Length",
    "content-length:5\r\n 5",
    " a: b",
  ),
);
const field = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(name, fc.constantFrom(": ", ":", ":\t"), value).map((parts) => parts.join("")),
  },
  { weight: 3, arbitrary: length.map((it) => `Content-Length: ${it}`) },
  { weight: 2, arbitrary: connection.map((it) => `connection: ${it}`) },
  { weight: 1, arbitrary: rare },
);
const lineEnd = fc.oneof(
  { weight: 30, arbitrary: fc.constant("\r\n") },
  { weight: 1, arbitrary: fc.constantFrom("\n", "\r", "\r\r\n", "\n\r\n", " \r\n", "\r\n\t") },
);
const head = fc
  .tuple(
    method,
    target,
    version,
    fc.array(field, { maxLength: 5 }),
    fc.array(lineEnd, { minLength: 7, maxLength: 7 }),
  )
  .map(([verb, path, protocol, fields, ends]) =>
    [`${verb} ${path} ${protocol}`, ...fields, ""].map((line, i) => line + ends[i]!).join(""),
  );

test("a request that we take is what a complete parser takes it for, and so is what follows", async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(mangled(head), async (text) => {
      const bytes = Buffer.from(text, "latin1");
      const plain = readPlainRequest(bytes);
      if (plain === undefined) return;
      taken++;
      const { headers, headBytes, bodyBytes, isLast } = plain;
      const sent = Buffer.alloc(Math.min(bodyBytes, SENT_BODY), "b");
      const isWhole = sent.length === bodyBytes;
      // Behind the last one anything is an error.
      const behind = isLast ? Buffer.alloc(0) : NEXT_BYTES;
      const found = await complete(Buffer.concat([bytes.subarray(0, headBytes), sent, behind]));
      const received = isWhole ? bodyBytes : sent.length + behind.length;
      expect(found).toEqual([
        { method: plain.method, url: plain.target, headers, bodyBytes: received, isLast },
        ...(isWhole && !isLast ? [NEXT] : []),
      ]);
    }),
    runs(8_000),
  );
  expect(taken).toBeGreaterThan(500);
});
