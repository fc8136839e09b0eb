import type { Arrival, CaptureFrame, MaskedRange, TunnelSide } from "../contract/frame.ts";

// Payloads. `open`, `response-head`, `close`, `gap`: one JSON object, UTF-8. Bodies are binary:
//
//   request-body     u32 masked ranges, (u32 offset, u32 length) each, then the bytes
//   request-delta    request-delta.ts
//   request-base     as request-body
//   response-bytes   u32 arrivals, u32 masked ranges, (f64 tMs, u32 length) per arrival, the ranges, then the bytes
//   ws-bytes         u8 side, f64 offset, then as response-bytes

export const RANGE_BYTES = 8;
const ARRIVAL_BYTES = 12;
const TUNNEL_BYTES = 9;
const SIDES: readonly TunnelSide[] = ["client", "server"];

/** In pieces to be written one behind the other; the last one is the body itself. The first one begins with `room` bytes for the caller. */
export function encodePayload(frame: CaptureFrame, room = 0): readonly [Buffer, ...Buffer[]] {
  switch (frame.kind) {
    case "open":
    case "response-head":
      return [json(frame.head, room)];
    case "close":
      return [json(frame.end, room)];
    case "gap":
      return [json({ direction: frame.direction, droppedBytes: frame.droppedBytes }, room)];
    case "request-body": {
      const head = Buffer.allocUnsafe(room + 4 + RANGE_BYTES * frame.masked.length);
      head.writeUInt32LE(frame.masked.length, room);
      writeRanges(head, room + 4, frame.masked);
      return [head, frame.bytes];
    }
    case "ws-bytes": {
      const head = streamHead(frame, room + TUNNEL_BYTES);
      head[room] = SIDES.indexOf(frame.side);
      head.writeDoubleLE(frame.offset, room + 1);
      return [head, frame.bytes];
    }
    default:
      return [streamHead(frame, room), frame.bytes];
  }
}

interface StreamBytes {
  readonly bytes: Buffer;
  readonly arrivals: readonly Arrival[];
  readonly masked: readonly MaskedRange[];
}

/** Everything in front of the bytes, behind `room` bytes for the caller. */
function streamHead({ arrivals, masked }: StreamBytes, room: number): Buffer {
  const size = 8 + ARRIVAL_BYTES * arrivals.length + RANGE_BYTES * masked.length;
  const head = Buffer.allocUnsafe(room + size);
  head.writeUInt32LE(arrivals.length, room);
  head.writeUInt32LE(masked.length, room + 4);
  let at = room + 8;
  for (const { tMs, length } of arrivals) {
    head.writeDoubleLE(tMs, at);
    head.writeUInt32LE(length, at + 8);
    at += ARRIVAL_BYTES;
  }
  writeRanges(head, at, masked);
  return head;
}

function readStream(payload: Buffer): StreamBytes | undefined {
  if (payload.length < 8) return undefined;
  const count = payload.readUInt32LE(0);
  const ranges = payload.readUInt32LE(4);
  const rangesAt = 8 + ARRIVAL_BYTES * count;
  const start = rangesAt + RANGE_BYTES * ranges;
  if (start > payload.length) return undefined;
  const arrivals = readArrivals(payload, 8, count, payload.length - start);
  const masked = readRanges(payload, rangesAt, ranges, payload.length - start);
  return arrivals && masked && { bytes: Buffer.from(payload.subarray(start)), arrivals, masked };
}

/** `undefined` when the payload is not of its kind's form. Body bytes are copied. */
export function decodePayload(
  kind: CaptureFrame["kind"],
  exchangeId: string,
  last: boolean,
  payload: Buffer,
): CaptureFrame | undefined {
  switch (kind) {
    case "request-body": {
      if (payload.length < 4) return undefined;
      const ranges = payload.readUInt32LE(0);
      const start = 4 + RANGE_BYTES * ranges;
      if (start > payload.length) return undefined;
      const masked = readRanges(payload, 4, ranges, payload.length - start);
      return masked && { kind, exchangeId, bytes: Buffer.from(payload.subarray(start)), masked, last };
    }
    case "response-bytes": {
      const stream = readStream(payload);
      return stream && { kind, exchangeId, ...stream };
    }
    case "ws-bytes": {
      if (payload.length < TUNNEL_BYTES) return undefined;
      const side = SIDES[payload[0]!];
      const stream = readStream(payload.subarray(TUNNEL_BYTES));
      return side && stream && { kind, exchangeId, side, offset: payload.readDoubleLE(1), ...stream };
    }
    default: {
      const value = parsed(payload);
      if (value === undefined) return undefined;
      if (kind === "gap") return { kind, exchangeId, ...value } as CaptureFrame;
      return (
        kind === "close" ? { kind, exchangeId, end: value } : { kind, exchangeId, head: value }
      ) as CaptureFrame;
    }
  }
}

function json(value: object, room: number): Buffer {
  const text = JSON.stringify(value);
  const bytes = Buffer.allocUnsafe(room + Buffer.byteLength(text));
  bytes.write(text, room);
  return bytes;
}

/** The checksum vouches that we wrote it; that it is an object is all that is left to ask. */
function parsed(payload: Buffer): object | undefined {
  try {
    const value: unknown = JSON.parse(payload.toString("utf8"));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

export function writeRanges(into: Buffer, at: number, ranges: readonly MaskedRange[]): void {
  for (const [i, { offset, length }] of ranges.entries()) {
    into.writeUInt32LE(offset, at + RANGE_BYTES * i);
    into.writeUInt32LE(length, at + RANGE_BYTES * i + 4);
  }
}

/** `undefined`: a range lies outside the body. */
export function readRanges(
  from: Buffer,
  at: number,
  count: number,
  bodyBytes: number,
): MaskedRange[] | undefined {
  const ranges: MaskedRange[] = [];
  for (let i = 0; i < count; i++, at += RANGE_BYTES) {
    const range = { offset: from.readUInt32LE(at), length: from.readUInt32LE(at + 4) };
    if (range.offset + range.length > bodyBytes) return undefined;
    ranges.push(range);
  }
  return ranges;
}

function readArrivals(from: Buffer, at: number, count: number, bodyBytes: number): Arrival[] | undefined {
  const arrivals: Arrival[] = [];
  // There are hundreds in an answer: a view reads them faster than a Buffer.
  const view = new DataView(from.buffer, from.byteOffset + at, ARRIVAL_BYTES * count);
  let total = 0;
  for (let i = 0; i < count; i++) {
    const arrival = {
      tMs: view.getFloat64(ARRIVAL_BYTES * i, true),
      length: view.getUint32(ARRIVAL_BYTES * i + 8, true),
    };
    total += arrival.length;
    if (total > bodyBytes) return undefined;
    arrivals.push(arrival);
  }
  return arrivals;
}
