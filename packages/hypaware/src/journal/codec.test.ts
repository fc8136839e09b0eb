import * as fc from "fast-check";
import { expect, test } from "vitest";
import { OUTCOMES } from "../contract/exchange.ts";
import type { CaptureFrame } from "../contract/frame.ts";
import { decodeFrame, encodeFrame, openFrame, saltOf, sealFrame } from "./codec.ts";
import { decodeSegmentHeader, encodeSegmentHeader, headerBytes } from "./segment.ts";

const exchangeId = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((id) => Buffer.from(id).toString("hex"));
const bytes = fc.uint8Array({ maxLength: 300 }).map((body) => Buffer.from(body));
const tMs = fc.double({ min: 0, max: 1e9, noNaN: true }).map((time) => time + 0);
const count = fc.nat({ max: 2 ** 40 });
const text = fc.string({ unit: "binary", maxLength: 20 });
const headers = fc.array(text, { maxLength: 8 });

const masked = (body: Buffer) =>
  fc
    .array(fc.tuple(fc.nat(body.length), fc.nat(body.length)), { maxLength: 4 })
    .map((pairs) => pairs.map(([a, b]) => ({ offset: Math.min(a, b), length: Math.abs(a - b) })));
const arrivals = (body: Buffer) =>
  fc.array(fc.tuple(tMs, fc.nat(body.length)), { maxLength: 6 }).map((pairs) => {
    let rest = body.length;
    return pairs.map(([time, wanted]) => {
      const length = Math.min(wanted, rest);
      rest -= length;
      return { tMs: time, length };
    });
  });

const frame: fc.Arbitrary<CaptureFrame> = fc.oneof(
  fc.record({
    kind: fc.constant("open"),
    exchangeId,
    head: fc.record({
      startedAt: count,
      method: text,
      target: text,
      httpVersion: text,
      headers,
      upstream: fc.option(text),
      provider: fc.option(text),
      routeReason: text,
      clientName: fc.option(text),
      gatewayId: text,
      metadata: fc.oneof(fc.constant({}), fc.record({ dev_run_id: text })),
    }),
  }),
  bytes.chain((body) =>
    fc.record({
      kind: fc.constant("request-body"),
      exchangeId,
      bytes: fc.constant(body),
      masked: masked(body),
      last: fc.boolean(),
    }),
  ),
  fc.record({
    kind: fc.constant("response-head"),
    exchangeId,
    head: fc.record({ tMs, status: fc.nat(999), statusText: text, headers }),
  }),
  bytes.chain((body) =>
    fc.record({
      kind: fc.constant("response-bytes"),
      exchangeId,
      bytes: fc.constant(body),
      arrivals: arrivals(body),
      masked: masked(body),
    }),
  ),
  fc.record({
    kind: fc.constant("close"),
    exchangeId,
    end: fc.record({
      tMs,
      outcome: fc.constantFrom(...OUTCOMES),
      error: fc.option(text),
      requestBytes: count,
      responseBytes: count,
    }),
  }),
  fc.record({
    kind: fc.constant("gap"),
    exchangeId,
    direction: fc.constantFrom("request", "response"),
    droppedBytes: count,
  }),
);

function written(value: CaptureFrame, salt: number, offset: number): Buffer {
  return Buffer.concat(sealFrame(encodeFrame(value)!, salt, offset));
}

test("every frame reads back as it was written", () => {
  fc.assert(
    fc.property(frame, fc.nat({ max: 2 ** 32 - 1 }), fc.nat({ max: 2 ** 26 }), (value, salt, offset) => {
      const raw = openFrame(written(value, salt, offset), salt, offset)!;
      expect(raw.kind).toBe(value.kind);
      expect(decodeFrame(raw)).toEqual(value);
    }),
    { numRuns: 1000 },
  );
});

test("a frame is valid at its own place only", () => {
  fc.assert(
    fc.property(frame, fc.nat({ max: 2 ** 26 }), fc.nat({ max: 2 ** 26 }), (value, offset, elsewhere) => {
      fc.pre(offset !== elsewhere);
      const salt = saltOf("run", 1);
      expect(openFrame(written(value, salt, offset), salt, elsewhere)).toBeUndefined();
      expect(openFrame(written(value, salt, offset), saltOf("run", 2), offset)).toBeUndefined();
    }),
  );
});

test("no payload, whatever it holds, makes decoding throw", () => {
  const kinds = [
    "open",
    "request-body",
    "response-head",
    "response-bytes",
    "close",
    "gap",
    "release",
  ] as const;
  fc.assert(
    fc.property(fc.constantFrom(...kinds), fc.nat(3), bytes, (kind, flags, payload) => {
      const decoded = decodeFrame({ kind, flags, exchangeId: "0".repeat(32), payload });
      expect(decoded === undefined || decoded.kind === kind || decoded.kind === "unknown").toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test("unknown kinds, held frames and unknown flags read as unknown and keep their exchange", () => {
  const close: CaptureFrame = {
    kind: "gap",
    exchangeId: "ab".repeat(16),
    direction: "request",
    droppedBytes: 1,
  };
  for (const [at, value] of [
    [4, 99],
    [4, 21],
    [5, 2],
    [5, 128],
  ] as const) {
    const encoded = encodeFrame(close)!;
    encoded.header[at] = value;
    const raw = openFrame(Buffer.concat(sealFrame(encoded, 7, 64)), 7, 64)!;
    expect(decodeFrame(raw)).toEqual({ kind: "unknown", exchangeId: "ab".repeat(16) });
  }
});

test("a frame without a proper id or over its bound is not encoded", () => {
  const gap = { kind: "gap", direction: "request", droppedBytes: 1 } as const;
  for (const exchangeId of ["", "abc", "g".repeat(32), "ab".repeat(17)]) {
    expect(encodeFrame({ ...gap, exchangeId })).toBeUndefined();
  }
  const huge = { kind: "request-body", bytes: Buffer.alloc(2 ** 24), masked: [], last: true } as const;
  expect(encodeFrame({ ...huge, exchangeId: "0".repeat(32) })).toBeUndefined();
});

test("a segment header reads back, and no changed byte goes unnoticed", () => {
  const header = { version: 1, segment: 7, createdMs: 1_760_000_000_123, previousEnd: 4711, runId: "rün-1" };
  const encoded = encodeSegmentHeader(header);
  expect(encoded).toHaveLength(headerBytes("rün-1"));
  expect(decodeSegmentHeader(encoded)).toEqual(header);
  for (let at = 0; at < encoded.length; at++) {
    const broken = Buffer.from(encoded);
    broken[at]! ^= 0x40;
    expect(decodeSegmentHeader(broken)).toBeUndefined();
    expect(decodeSegmentHeader(encoded.subarray(0, at))).toBeUndefined();
  }
});
