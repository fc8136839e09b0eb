import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import { MemorySink, SILENT } from "./fixtures/rig.ts";
import { TapClock } from "./tap-clock.ts";
import { Tap } from "./tap.ts";

const KEY = "sk-test-0123456789abcdef0123456789";
const ROUTE_KEY = `client-${"0f".repeat(16)}`;
let sink: MemorySink;
let clock: TapClock;
let tap: Tap;

beforeEach(() => {
  vi.useFakeTimers();
  sink = new MemorySink();
  clock = new TapClock();
  tap = new Tap({ sink, clock, log: SILENT, redactHeaders: new Set(["x-mine"]) }, "e1", performance.now());
});

afterEach(() => {
  vi.useRealTimers();
});

function open(target = "/v1/x"): void {
  tap.open({
    startedAt: 0,
    method: "POST",
    target,
    httpVersion: "1.1",
    headers: ["X-Api-Key", KEY, "X-Mine", "private-value-of-mine", "Accept", "*/*"],
    upstream: "u",
    provider: "p",
    routeReason: "prefix:/",
    clientName: "c",
    gatewayId: "g",
    metadata: {},
    routeKey: ROUTE_KEY,
  });
}

test("an exchange is open, request, head, response, close, in this order", () => {
  open();
  tap.requestBody(Buffer.from("re"));
  tap.requestBody(Buffer.from("quest"));
  tap.requestEnd();
  tap.responseHead(200, "OK", ["content-type", "text/plain"]);
  tap.responseBody(Buffer.from("answer"));
  tap.close("complete", null);
  expect(sink.frames.map(({ kind }) => kind)).toEqual([
    "open",
    "request-body",
    "response-head",
    "response-bytes",
    "close",
  ]);
  expect(sink.body("request-body").toString()).toBe("request");
  expect(sink.of("request-body")[0]?.last).toBe(true);
  expect(sink.of("close")[0]?.end).toMatchObject({
    outcome: "complete",
    error: null,
    requestBytes: 7,
    responseBytes: 6,
  });
});

test("no credential and no route key is in any frame, wherever it shows up", () => {
  open(`/v1/x?key=${KEY}`);
  const leaky = `{"key":"${KEY}","mine":"private-value-of-mine","url":"http://127.0.0.1/k/${ROUTE_KEY}/v1"}`;
  for (const char of leaky) tap.requestBody(Buffer.from(char));
  tap.requestEnd();
  tap.responseHead(200, "OK", ["set-cookie", "sid=0123456789abcdef; Path=/", "x-echo", KEY]);
  const original = Buffer.from(`${leaky} sid=0123456789abcdef`);
  const chunk = Buffer.from(original);
  tap.responseBody(chunk);
  tap.close("upstream_aborted", `failed with ${KEY}`);
  const recorded = JSON.stringify(sink.frames, (_name, value: unknown) =>
    value !== null && typeof value === "object" && "data" in value
      ? Buffer.from(value.data as number[]).toString()
      : value,
  );
  for (const secret of [KEY, "private-value-of-mine", ROUTE_KEY, "0123456789abcdef;"])
    expect(recorded).not.toContain(secret);
  expect(recorded).toContain("REDACTED:6789");
  expect(sink.body("request-body").length).toBe(leaky.length);
  expect(sink.of("request-body")[0]?.masked).toHaveLength(3);
  // The same memory is on its way to the client.
  expect(chunk.equals(original)).toBe(true);
});

test("response bytes are handed on after the delay, and a busy stream in pieces of bounded size", () => {
  open();
  tap.responseHead(200, "OK", []);
  for (let i = 0; i < 10; i++) tap.responseBody(Buffer.from("x"));
  expect(sink.of("response-bytes")).toHaveLength(0);
  vi.advanceTimersByTime(LIMITS.tapDelayMs);
  expect(sink.of("response-bytes")).toHaveLength(1);
  tap.responseBody(Buffer.alloc(3 * LIMITS.tapChunkBytes + 5));
  expect(sink.of("response-bytes").map(({ bytes }) => bytes.length)).toEqual([
    10,
    LIMITS.tapChunkBytes,
    LIMITS.tapChunkBytes,
    LIMITS.tapChunkBytes,
  ]);
  tap.close("complete", null);
  expect(sink.of("response-bytes").at(-1)?.bytes.length).toBe(5);
  expect(vi.getTimerCount()).toBeLessThanOrEqual(1);
});

test("a long upload is cut into frames of which only the last says so; an empty one says it, too", () => {
  open();
  for (let sent = 0; sent < 2 * LIMITS.requestFrameBytes; sent += 1 << 20)
    tap.requestBody(Buffer.alloc(1 << 20));
  tap.requestEnd();
  const frames = sink.of("request-body");
  expect(sink.body("request-body").length).toBe(2 * LIMITS.requestFrameBytes);
  expect(frames.map(({ last }) => last)).toEqual([...Array(frames.length - 1).fill(false), true]);
  expect(frames.every(({ bytes }) => bytes.length <= LIMITS.requestFrameBytes)).toBe(true);
  expect(clock.heldRequestBytes).toBe(0);
});

test("many uploads at once hold a bounded number of bytes", () => {
  open();
  const taps = Array.from({ length: 50 }, (_, i) => {
    const other = new Tap({ sink, clock, log: SILENT, redactHeaders: new Set() }, `e${i}`, 0);
    other.open({
      startedAt: 0,
      method: "POST",
      target: "/",
      httpVersion: "1.1",
      headers: [],
      upstream: null,
      provider: null,
      routeReason: "none",
      clientName: null,
      gatewayId: "g",
      metadata: {},
      routeKey: undefined,
    });
    return other;
  });
  for (let round = 0; round < 6; round++) {
    for (const one of taps) one.requestBody(Buffer.alloc(64 * 1024));
    expect(clock.heldRequestBytes).toBeLessThanOrEqual(LIMITS.tapHeldBytes);
  }
  for (const one of taps) one.close("client_aborted", null);
  expect(clock.heldRequestBytes).toBe(0);
  expect(sink.of("request-body").every(({ last }) => !last)).toBe(true);
});

test("what the journal does not take is counted, and said once it takes frames again", () => {
  open();
  tap.responseHead(200, "OK", []);
  sink.refusing = true;
  tap.responseBody(Buffer.alloc(LIMITS.tapChunkBytes));
  tap.responseBody(Buffer.alloc(LIMITS.tapChunkBytes));
  tap.responseBody(Buffer.from("xyz"));
  sink.refusing = false;
  vi.advanceTimersByTime(LIMITS.tapDelayMs);
  expect(sink.frames.slice(2)).toMatchObject([
    { kind: "response-bytes" },
    { kind: "gap", direction: "response", droppedBytes: 2 * LIMITS.tapChunkBytes },
  ]);
  sink.refusing = true;
  tap.responseBody(Buffer.from("zz"));
  tap.close("complete", null);
  expect(sink.frames.slice(4)).toMatchObject([
    { kind: "gap", direction: "response", droppedBytes: 2 },
    { kind: "close", end: { outcome: "truncated", responseBytes: 2 * LIMITS.tapChunkBytes + 5 } },
  ]);
  expect(clock.droppedBytes).toBe(2 * LIMITS.tapChunkBytes + 2);
});

test("a bug in recording ends the recording, not the exchange, and the exchange is closed all the same", () => {
  open();
  sink.append = (frame) => {
    if (frame.kind === "response-bytes") throw new Error("bug");
    sink.frames.push(frame);
    return true;
  };
  tap.responseHead(200, "OK", []);
  tap.responseBody(Buffer.alloc(LIMITS.tapChunkBytes));
  expect(() => tap.responseBody(Buffer.from("more"))).not.toThrow();
  tap.responseBody(Buffer.from("more"));
  vi.advanceTimersByTime(LIMITS.tapDelayMs);
  tap.close("complete", null);
  tap.close("complete", null);
  expect(clock.failedTaps).toBe(1);
  expect(sink.of("close")).toHaveLength(1);
  expect(sink.of("close")[0]?.end).toMatchObject({
    outcome: "truncated",
    responseBytes: LIMITS.tapChunkBytes + 8,
  });
});
