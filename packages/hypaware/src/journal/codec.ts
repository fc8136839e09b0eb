import { crc32 } from "node:zlib";
import type { CaptureFrame } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import { decodePayload, encodePayload } from "./payload.ts";

// Journal, version 1. All numbers little-endian. The whole format, with payloads: docs/format.md.
//
//   segment   header, then frames without anything between them; no frame spans two segments
//   header    0  8  89 48 59 50 4A 0D 0A 1A        frame   0  4  payload length
//             8  2  version (1)                            4  1  kind
//            10  2  header length                          5  1  flags: 1 = last, 2 = held (reserved)
//            12  4  segment number, from 1                 6  2  reserved, 0
//            16  8  created, f64 ms since 1970             8 16  exchange id
//            24  4  end of the previous segment           24  4  CRC-32
//            28  n  run id, UTF-8                         28  n  payload
//          28+n  4  CRC-32 of all before
//
// A frame's CRC-32 covers its first 24 bytes and the payload, and starts from `crc32("<run id>/<segment>") ^ offset of the
// frame` instead of 0. So a frame is valid at one place only: a body that happens to contain a journal (an agent that reads
// one) cannot be taken for frames when a reader looks for the next whole frame behind damage, and misplaced blocks are
// noticed. Both inputs come from the file's path and position, so a damaged header costs no frame.
//
// "End of the previous segment" is where its durable part ends. When a write or sync fails, that segment is left as it is, and
// what was not acknowledged is written again, same order, same lengths, at the start of the next one. Readers ignore a
// segment behind that end; one that was already there, k bytes behind it, goes on k bytes behind the next one's header.
//
// Unknown kinds and flags: a reader keeps the frame and skips it. Kind 0 is never used, so zeroed blocks are no frames.

export const FRAME_HEADER_BYTES = 28;
const ID_OFFSET = 8;
const CRC_OFFSET = 24;

const KINDS = {
  open: 10,
  "request-body": 20,
  "request-delta": 21,
  "request-base": 22,
  "response-head": 30,
  "response-bytes": 31,
  "ws-bytes": 40,
  close: 50,
  gap: 60,
  release: 70,
} as const;
/** Names in the format; what this version cannot decode reads as `unknown`. */
export type FrameKind = keyof typeof KINDS | "unknown";

const KIND_NAMES = new Map<number, FrameKind>(
  Object.entries(KINDS).map(([name, code]) => [code, name as FrameKind]),
);
const LAST = 1;
const HELD = 2;
const KNOWN_FLAGS = LAST | HELD;

/** Ready to be written, but for its checksum. */
export interface EncodedFrame {
  /** Perhaps with the payload's beginning behind it: every piece is an object that the collector carries until the disk has it. */
  readonly header: Buffer;
  readonly payload: readonly Buffer[];
  /** Header and payload. */
  readonly size: number;
}

/** Checked, not decoded. `payload` is only valid until the reader goes on. */
export interface RawFrame {
  readonly kind: FrameKind;
  readonly flags: number;
  readonly exchangeId: string;
  readonly payload: Buffer;
}

export interface UnknownFrame {
  readonly kind: "unknown";
  readonly exchangeId: string;
}

/** `undefined`: the exchange id is not 32 hex digits or the payload is over its bound. Body bytes are referenced, not copied. */
export function encodeFrame(frame: CaptureFrame): EncodedFrame | undefined {
  const isLast = frame.kind === "request-body" && frame.last;
  const [header, ...payload] = encodePayload(frame, FRAME_HEADER_BYTES);
  return encodeAs(frame.kind, frame.exchangeId, header, payload, isLast);
}

/** As `encodeFrame`, for kinds that only the journal itself makes. */
export function encodePayloadAs(
  kind: keyof typeof KINDS,
  exchangeId: string,
  payload: readonly Buffer[],
  isLast: boolean,
): EncodedFrame | undefined {
  return encodeAs(kind, exchangeId, Buffer.allocUnsafe(FRAME_HEADER_BYTES), payload, isLast);
}

function encodeAs(
  kind: keyof typeof KINDS,
  exchangeId: string,
  header: Buffer,
  payload: readonly Buffer[],
  isLast: boolean,
): EncodedFrame | undefined {
  let length = header.length - FRAME_HEADER_BYTES;
  for (const part of payload) length += part.length;
  if (length > LIMITS.framePayloadBytes) return undefined;
  header.writeUInt32LE(length, 0);
  header[4] = KINDS[kind];
  header[5] = isLast ? LAST : 0;
  header.writeUInt16LE(0, 6);
  // Writes as many bytes as there are pairs of hex digits.
  if (exchangeId.length !== 32 || header.write(exchangeId, ID_OFFSET, 16, "hex") !== 16) return undefined;
  return { header, payload, size: FRAME_HEADER_BYTES + length };
}

/** Start value of the checksums of one segment's frames, before the frame's offset is mixed in. */
export function saltOf(runId: string, segment: number): number {
  return crc32(`${runId}/${segment}`);
}

/** The frame's buffers for the place where it will stand. May be called again for another place. */
export function sealFrame(frame: EncodedFrame, salt: number, offset: number): readonly Buffer[] {
  const { header, payload } = frame;
  let sum = crc32(header.subarray(0, CRC_OFFSET), seed(salt, offset));
  if (header.length > FRAME_HEADER_BYTES) sum = crc32(header.subarray(FRAME_HEADER_BYTES), sum);
  for (const part of payload) sum = crc32(part, sum);
  header.writeUInt32LE(sum, CRC_OFFSET);
  return [header, ...payload];
}

/** Size of the frame that begins at `at`, or `undefined` when no frame can begin so. Reads 28 bytes. */
export function frameSize(bytes: Buffer, at = 0): number | undefined {
  const length = bytes.readUInt32LE(at);
  return length <= LIMITS.framePayloadBytes && bytes[at + 4] !== 0 ? FRAME_HEADER_BYTES + length : undefined;
}

/** Stricter and cheaper than `frameSize`: is it worth looking for a frame here, in the middle of damage? */
export function mayBeginFrame(bytes: Buffer, at: number): boolean {
  return (
    bytes[at + 6] === 0 &&
    bytes[at + 7] === 0 &&
    bytes[at + 5]! <= KNOWN_FLAGS &&
    bytes[at + 4] !== 0 &&
    bytes.readUInt32LE(at) <= LIMITS.framePayloadBytes
  );
}

/** Does the frame that begins with these bytes belong to the exchange? */
export function isFrameOf(header: Buffer, exchangeId: Buffer): boolean {
  return header.compare(exchangeId, 0, 16, ID_OFFSET, ID_OFFSET + 16) === 0;
}

/** `bytes`: one whole frame. `undefined`: its checksum is wrong for this place. */
export function openFrame(bytes: Buffer, salt: number, offset: number): RawFrame | undefined {
  const sum = crc32(
    bytes.subarray(FRAME_HEADER_BYTES),
    crc32(bytes.subarray(0, CRC_OFFSET), seed(salt, offset)),
  );
  if (sum !== bytes.readUInt32LE(CRC_OFFSET)) return undefined;
  const flags = bytes[5]!;
  return {
    kind: (flags & ~LAST) === 0 ? (KIND_NAMES.get(bytes[4]!) ?? "unknown") : "unknown",
    flags,
    exchangeId: bytes.toString("hex", ID_OFFSET, ID_OFFSET + 16),
    payload: bytes.subarray(FRAME_HEADER_BYTES),
  };
}

/** `request-delta` and `request-base` are known to request-bodies.ts only and unknown here. `undefined`: a kind that we know, with a payload that is not of its form. Body bytes are copied. */
export function decodeFrame(raw: RawFrame): CaptureFrame | UnknownFrame | undefined {
  switch (raw.kind) {
    case "open":
    case "request-body":
    case "response-head":
    case "response-bytes":
    case "ws-bytes":
    case "close":
    case "gap":
      return decodePayload(raw.kind, raw.exchangeId, (raw.flags & LAST) !== 0, raw.payload);
    default:
      return { kind: "unknown", exchangeId: raw.exchangeId };
  }
}

function seed(salt: number, offset: number): number {
  return (salt ^ offset) >>> 0;
}
