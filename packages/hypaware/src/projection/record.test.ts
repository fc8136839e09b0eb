import { gzipSync, zstdCompressSync } from "node:zlib";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import type { ArrivedBytes, CapturedExchange } from "../contract/frame.ts";
import { exchange } from "./exchange.testkit.ts";
import { toRecord } from "./record.ts";

interface Answer {
  readonly headers?: readonly string[];
  readonly pieces?: readonly (readonly [bytes: Buffer | string, tMs: number])[];
  readonly requestHeaders?: readonly string[];
  readonly requestBody?: Buffer | string;
  readonly more?: Partial<CapturedExchange>;
}

function capture({ headers = [], pieces = [], requestHeaders = [], requestBody = "", more = {} }: Answer) {
  const { captured } = exchange({ id: "x1", responseHeaders: headers });
  return toRecord({
    ...captured,
    open: { ...captured.open, headers: requestHeaders },
    requestBody: Buffer.from(requestBody),
    response: pieces.map(([bytes, tMs]) => arrived(Buffer.from(bytes), tMs)),
    ...more,
  });
}

function arrived(bytes: Buffer, tMs: number): ArrivedBytes {
  return { bytes, arrivals: [{ tMs, length: bytes.length }] };
}

test("a plain exchange: bodies as text, headers as JSON with lists for repeated ones, times in ISO 8601", async () => {
  const { record, decodeError } = await capture({
    headers: ["Content-Type", "application/json", "Set-Cookie", "a", "set-cookie", "b"],
    requestHeaders: ["X-App", "cli"],
    requestBody: '{"q":"ü"}',
    pieces: [
      ['{"a":', 130],
      ["1}", 140],
    ],
  });
  expect(decodeError).toBeNull();
  expect(record).toEqual({
    exchange_id: "x1",
    ts_start: "2026-03-01T10:00:00.000Z",
    ts_end: "2026-03-01T10:00:01.500Z",
    duration_ms: 1_500,
    upstream: "fake",
    provider: "fake",
    method: "POST",
    path: "/v1/messages?beta=true",
    status_code: 200,
    request_bytes: 10,
    response_bytes: 20,
    is_sse: false,
    stream_event_count: null,
    request_headers: '{"x-app":"cli"}',
    response_headers: '{"content-type":"application/json","set-cookie":["a","b"]}',
    request_body: '{"q":"ü"}',
    response_body: '{"a":1}',
    error: null,
    metadata: '{"dev_run_id":"run-1"}',
    stream_events: [],
    outcome: "complete",
    ttfb_ms: 120,
  });
});

test("a stream becomes events with the time at which their last byte came, and has no body", async () => {
  const { record } = await capture({
    headers: ["content-type", "Text/Event-Stream; charset=utf-8"],
    pieces: [
      ['event: a\ndata: {"x":', 130],
      ["1}\n\nid: 7\ndata: two\n\n", 250],
      ["data: never ended", 300],
    ],
  });
  expect(record).toMatchObject({
    is_sse: true,
    response_body: null,
    stream_event_count: record.stream_events.length,
  });
  expect(record.stream_events.slice(0, 2)).toEqual([
    { kind: "stream_event", exchange_id: "x1", t_ms: 250, event: "a", data: '{"x":1}' },
    { kind: "stream_event", exchange_id: "x1", t_ms: 250, event: "message", data: "two", id: "7" },
  ]);
});

test("pieces that came together make the same events at the same times as pieces that came apart", async () => {
  const line = fc.constantFrom(
    "event: a\n",
    "data: é\n",
    "data: b\r\n",
    ": c\n",
    "\n",
    "\r\n",
    "\ufeff",
    "data: end",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat(80)), async (lines, cuts) => {
      const whole = Buffer.from(lines.join(""));
      const places = [...new Set(cuts.filter((place) => place < whole.length))].sort((a, b) => a - b);
      const apart = [0, ...places].map((from, i) =>
        arrived(whole.subarray(from, places[i] ?? whole.length), 100 + i),
      );
      const together = [{ bytes: whole, arrivals: apart.flatMap(({ arrivals }) => arrivals) }];
      const headers = ["content-type", "text/event-stream"];
      const [one, other] = [
        await capture({ headers, more: { response: together } }),
        await capture({ headers, more: { response: apart } }),
      ];
      expect(one).toEqual(other);
      const encoded = [...headers, "content-encoding", "identity"];
      const { record } = await capture({ headers: encoded, more: { response: together } });
      expect(one.record.stream_events).toEqual(record.stream_events);
    }),
    { numRuns: 200 },
  );
});

test("content encodings are decoded in both directions, streams too", async () => {
  const { record, decodeError } = await capture({
    requestHeaders: ["Content-Encoding", "zstd"],
    requestBody: zstdCompressSync('{"q":1}'),
    headers: ["content-type", "text/event-stream", "content-encoding", "gzip"],
    pieces: [[gzipSync("data: hi\n\n"), 90]],
  });
  expect(decodeError).toBeNull();
  expect(record.request_body).toBe('{"q":1}');
  expect(record.stream_events.map(({ data }) => data)).toEqual(["hi"]);
});

test("a body with a broken encoding keeps what could be read and says so", async () => {
  const whole = gzipSync(Buffer.alloc(300_000, "abcdefghij ".repeat(7)), { level: 0 });
  const { record, decodeError } = await capture({
    headers: ["content-encoding", "gzip"],
    pieces: [[whole.subarray(0, 200_000), 90]],
  });
  expect(decodeError).toMatch(/^response body: ./);
  expect(record.response_body?.slice(0, 10)).toBe("abcdefghij");
  const garbage = await capture({
    requestHeaders: ["content-encoding", "br"],
    requestBody: "no brotli at all",
  });
  expect(garbage.decodeError).toMatch(/^request body: ./);
});

test("an empty body is null, no response is null everywhere", async () => {
  const { record } = await capture({ more: { responseHead: null } });
  expect(record).toMatchObject({
    request_body: null,
    response_body: null,
    response_headers: null,
    status_code: null,
    is_sse: null,
    ttfb_ms: null,
  });
});

test("bytes that are no UTF-8 become replacement characters", async () => {
  const { record } = await capture({ pieces: [[Buffer.from([0x61, 0xff, 0xfe, 0x62]), 1]] });
  expect(record.response_body).toBe("a\ufffd\ufffdb");
});

test("a decoded body over its bound is cut, and the outcome says so", async () => {
  const { record } = await capture({ pieces: [[Buffer.alloc(LIMITS.decodedBytes + 10, "x"), 1]] });
  expect(record.response_body).toHaveLength(LIMITS.decodedBytes);
  expect(record.outcome).toBe("truncated");
});

test("a copy with a gap is truncated; an outcome that is already worse stays", async () => {
  const { record } = await capture({ more: { droppedResponseBytes: 5 } });
  expect(record.outcome).toBe("truncated");
  const { captured } = exchange({ outcome: "client_aborted" });
  expect((await toRecord({ ...captured, droppedResponseBytes: 5 })).record.outcome).toBe("client_aborted");
});

test("a clock that is no date does not end anything", async () => {
  const { captured } = exchange();
  const { record } = await toRecord({ ...captured, open: { ...captured.open, startedAt: Number.NaN } });
  expect(record.ts_start).toBe("1970-01-01T00:00:00.000Z");
});

test("an upgraded exchange counts what went through its tunnel, and has no bodies", async () => {
  const frames = Buffer.from([0x81, 0x05, 0x68, 0x65, 0x6c, 0x6c, 0x6f]);
  const { captured } = exchange({ status: 101, responseHeaders: ["Upgrade", "websocket"] });
  const end = { ...captured.end, requestBytes: 0, responseBytes: 7 };
  const websocket = [{ side: "server", offset: 0, bytes: frames, tMs: 130 }] as const;
  const { record, decodeError } = await toRecord({ ...captured, end, websocket });
  expect(decodeError).toBeNull();
  expect(record).toMatchObject({
    status_code: 101,
    is_sse: false,
    request_body: null,
    response_body: null,
    request_bytes: 0,
    response_bytes: 7,
    outcome: "complete",
  });
});
