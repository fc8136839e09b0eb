import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { HOP_BY_HOP } from "../wire/headers.ts";
import {
  type Message,
  rawClient,
  rawServer,
  type RawServer,
  type Rig,
  startRig,
  valueOf,
  type Wire,
} from "./fixtures/rig.ts";

let rig: Rig;
let upstream: RawServer;

afterEach(async () => {
  await rig.stop({ drainMs: 0 });
  await upstream.close();
});

/** mulberry32: small, seeded, good enough to vary inputs. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Generated {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly [string, string][];
  readonly body: Buffer;
  readonly chunked: boolean;
  readonly status: number;
  readonly reason: string;
  readonly answerHeaders: readonly [string, string][];
  readonly answer: Buffer;
  readonly answerFraming: "length" | "chunked" | "close";
  readonly cuts: number;
}

const TARGETS = [
  "/",
  "//",
  "//x//y",
  "/a/../b/%2e%2e/c",
  "/v1/messages?beta=true",
  "/%2F%2f?x=%zz&&y",
  "/x?a=http://e.test/b?c",
  "/;p=1,2!$'()*+@:~",
  "/a#b",
  "/[x]{y}|z^`\\",
];
const NAMES = [
  "X-One",
  "x-one",
  "X-ONE",
  "Accept",
  "accept-ENCODING",
  "Anthropic-Beta",
  "X_under",
  "x.y",
  "Cookie",
];
const VALUES = ["v", "", "a, b", "gzip;q=1.0, br", "caf\u00e9", "x  y", '"q\\"', "=", "v".repeat(300)];
const HOP = [
  "TE: trailers",
  "Keep-Alive: timeout=5",
  "Proxy-Authenticate: Basic",
  "Connection: x-named, keep-alive",
];

function generate(next: () => number): Generated {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  const bytes = (max: number) =>
    Buffer.from(Array.from({ length: Math.floor(next() * max) }, () => next() * 256));
  const headers = (): [string, string][] => {
    const list = Array.from({ length: Math.floor(next() * 8) }, (): [string, string] => [
      pick(NAMES),
      pick(VALUES),
    ]);
    for (const line of HOP)
      if (next() < 0.15) list.splice(next() * list.length, 0, line.split(": ") as [string, string]);
    if (list.some(([name]) => name === "Connection")) list.push(["X-Named", "hop"]);
    return list;
  };
  const method = pick(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "QUERY", "PROPFIND"]);
  const plain = bytes(next() < 0.1 ? 90_000 : 400);
  const body = ["POST", "PUT", "PATCH", "DELETE", "QUERY", "PROPFIND"].includes(method)
    ? plain
    : Buffer.alloc(0);
  const status = pick([200, 200, 200, 201, 204, 304, 302, 400, 404, 429, 500, 529, 599]);
  const answerBytes = bytes(next() < 0.1 ? 200_000 : 600);
  return {
    method,
    target: pick(TARGETS),
    headers: headers(),
    body,
    chunked: body.length > 0 && next() < 0.3,
    status,
    reason: pick(["OK", "", "Sehr gut", "I'm a teapot (really)", "Not Found"]),
    answerHeaders: headers(),
    answer: next() < 0.2 ? gzipSync(answerBytes) : answerBytes,
    answerFraming: pick(["length", "chunked", "close"]),
    cuts: Math.floor(next() * 5),
  };
}

async function writeInPieces(wire: Wire, bytes: Buffer, pieces: number, next: () => number): Promise<void> {
  let from = 0;
  for (let i = 0; i < pieces; i++) {
    const to = from + Math.floor(next() * (bytes.length - from));
    wire.socket.write(bytes.subarray(from, to));
    from = to;
    await new Promise((resolve) => setImmediate(resolve));
  }
  wire.socket.write(bytes.subarray(from));
}

function lines(headers: readonly [string, string][]): string {
  return headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
}

function framed(body: Buffer, chunked: boolean): Buffer {
  if (!chunked) return body;
  const half = body.length >> 1;
  const chunk = (part: Buffer) =>
    part.length === 0
      ? Buffer.alloc(0)
      : Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from("\r\n")]);
  return Buffer.concat([chunk(body.subarray(0, half)), chunk(body.subarray(half)), Buffer.from("0\r\n\r\n")]);
}

/** What must arrive: everything but what belongs to one hop, and Host. */
function endToEnd(raw: readonly string[], alsoDropped: readonly string[] = []): string[] {
  const result: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const lower = raw[i]!.toLowerCase();
    if (!HOP_BY_HOP.has(lower) && lower !== "host" && !alsoDropped.includes(lower))
      result.push(raw[i]!, raw[i + 1]!);
  }
  return result;
}

const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);

test(`500 generated exchanges pass unchanged in both directions (SEED=${SEED})`, async () => {
  const next = random(SEED);
  let current: Generated;
  const received: Message[] = [];
  upstream = await rawServer(async (wire, socket) => {
    for (;;) {
      const request = await wire.request();
      if (!request) return;
      received.push(request);
      const { status, reason, answerHeaders, answer, answerFraming, method, cuts } = current;
      const none = method === "HEAD" || status === 204 || status === 304;
      const framing =
        none || answerFraming === "close"
          ? ""
          : answerFraming === "chunked"
            ? "Transfer-Encoding: chunked\r\n"
            : `Content-LENGTH: ${answer.length}\r\n`;
      const closes = answerFraming === "close" && !none;
      const text = `HTTP/1.1 ${status} ${reason}\r\n${lines(answerHeaders)}${framing}${closes ? "Connection: close\r\n" : ""}\r\n`;
      const body = none ? Buffer.alloc(0) : framed(answer, answerFraming === "chunked");
      await writeInPieces(wire, Buffer.concat([Buffer.from(text, "latin1"), body]), cuts, next);
      if (closes) {
        socket.end();
        return;
      }
    }
  });
  rig = await startRig(`${upstream.url}/base/path/`);
  const host = `127.0.0.1:${rig.port}`;
  let client = await rawClient(rig.port);
  for (let i = 0; i < 500; i++) {
    current = generate(next);
    const { method, target, headers, body, chunked, status, reason, answer, cuts } = current;
    const framing = chunked
      ? "transfer-encoding: chunked\r\n"
      : body.length > 0
        ? `CONTENT-length: ${body.length}\r\n`
        : "";
    const head = `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${lines(headers)}${framing}\r\n`;
    received.length = 0;
    // A connection that node:http has stays with it.
    if (next() < 0.5) client = await rawClient(rig.port);
    await writeInPieces(
      client,
      Buffer.concat([Buffer.from(head, "latin1"), framed(body, chunked)]),
      cuts,
      next,
    );
    const answered = await client.response(method === "HEAD");
    const what = `exchange ${i}: ${method} ${target}`;

    const [seen] = received;
    expect(seen?.startLine, `${what}: ${answered.startLine} ${answered.body.toString().slice(0, 300)}`).toBe(
      `${method} /base/path${target} HTTP/1.1`,
    );
    expect(valueOf(seen!.raw, "host"), what).toBe(`127.0.0.1:${upstream.port}`);
    const sized = body.length > 0 && !chunked ? ["CONTENT-length", String(body.length)] : [];
    expect(endToEnd(seen!.raw), what).toEqual(endToEnd([...headers.flat(), ...sized], ["x-named"]));
    expect(seen!.body.equals(body), what).toBe(true);

    expect(answered.startLine, what).toBe(`HTTP/1.1 ${status} ${reason}`);
    const none = method === "HEAD" || status === 204 || status === 304;
    const length =
      current.answerFraming === "length" && !none ? ["Content-LENGTH", String(answer.length)] : [];
    expect(endToEnd(answered.raw), what).toEqual(
      endToEnd([...current.answerHeaders.flat(), ...length], ["x-named"]),
    );
    expect(answered.body.equals(none ? Buffer.alloc(0) : answer), what).toBe(true);
    if (valueOf(answered.raw, "connection")?.toLowerCase() === "close") client = await rawClient(rig.port);
  }
  expect(rig.sink.of("close").map(({ end }) => end.outcome)).toEqual(Array(500).fill("complete"));
});
