import type { MaskedRange } from "../contract/frame.ts";
import type { CommonEnds } from "../wire/common-ends.ts";
import { Beginnings, bodyChecksum, CHECKSUM_BYTES } from "./body-checksum.ts";
import { RANGE_BYTES, readRanges, writeRanges } from "./payload.ts";

// Payload of `request-delta`, numbers little-endian:
//
//    0  4  offset of the base's frame in the same segment: a `request-body`, `request-delta` or `request-base`
//    4  4  how many bytes the body begins with as its base does
//    8  4  how many bytes it ends with as its base does
//   12 16  CRC-32 of each quarter of the body, started from its length
//   28  4  number of masked ranges, then u32 offset, u32 length each; they count in the whole body
//       n  the bytes between
//
// The base's place is written last (`placeBase`): only then is it known where both frames stand.
//
// The checksums guard against another base than the one that was meant; against damage every frame has its own. SHA-256 would
// cost twice as much as all the rest of storing a difference, on the gateway's only thread.

const CHECKSUM_AT = 12;
const RANGES_AT = CHECKSUM_AT + CHECKSUM_BYTES;
const FIXED_BYTES = 32;

export interface RequestDelta extends CommonEnds {
  readonly baseOffset: number;
  /** Of the whole body; hex. */
  readonly checksum: string;
  readonly masked: readonly MaskedRange[];
  readonly middle: Buffer;
}

/** A base that the new body has so much of will hardly be wanted again: the new one stands for its conversation. */
const SUPERSEDED = 3 / 4;

export function supersedes({ prefix, suffix }: CommonEnds, base: Buffer): boolean {
  return prefix + suffix >= base.length * SUPERSEDED;
}

/** In pieces to be written one behind the other; the first takes the base's place. `checksum`: the body's. */
export function encodeDelta(
  body: Buffer,
  { prefix, suffix }: CommonEnds,
  masked: readonly MaskedRange[],
  checksum = bodyChecksum(body),
): readonly [Buffer, Buffer] {
  const head = Buffer.allocUnsafe(FIXED_BYTES + RANGE_BYTES * masked.length);
  head.writeUInt32LE(0, 0);
  head.writeUInt32LE(prefix, 4);
  head.writeUInt32LE(suffix, 8);
  checksum.copy(head, CHECKSUM_AT);
  head.writeUInt32LE(masked.length, RANGES_AT);
  writeRanges(head, FIXED_BYTES, masked);
  return [head, body.subarray(prefix, body.length - suffix)];
}

export function placeBase(payload: readonly Buffer[], offset: number): void {
  payload[0]!.writeUInt32LE(offset, 0);
}

/** `undefined`: not of this form. The middle is a view. */
export function decodeDelta(payload: Buffer): RequestDelta | undefined {
  if (payload.length < FIXED_BYTES) return undefined;
  const prefix = payload.readUInt32LE(4);
  const suffix = payload.readUInt32LE(8);
  const ranges = payload.readUInt32LE(RANGES_AT);
  const start = FIXED_BYTES + RANGE_BYTES * ranges;
  if (start > payload.length) return undefined;
  const middle = payload.subarray(start);
  const masked = readRanges(payload, FIXED_BYTES, ranges, prefix + middle.length + suffix);
  const checksum = payload.toString("hex", CHECKSUM_AT, RANGES_AT);
  return masked && { baseOffset: payload.readUInt32LE(0), prefix, suffix, checksum, masked, middle };
}

/** `undefined`: this is not the base, or not as it was. */
export function rebuild(
  { prefix, suffix, middle, checksum }: RequestDelta,
  base: Beginnings,
): Beginnings | undefined {
  const { body, length } = base;
  if (prefix + suffix > length) return undefined;
  const bytes = Buffer.concat([body.subarray(0, prefix), middle, body.subarray(length - suffix)]);
  const rebuilt = new Beginnings(bytes, base, prefix);
  return rebuilt.bodyChecksum().toString("hex") === checksum ? rebuilt : undefined;
}
