import { join } from "node:path";
import { crc32 } from "node:zlib";

const MAGIC = Buffer.from([0x89, 0x48, 0x59, 0x50, 0x4a, 0x0d, 0x0a, 0x1a]);
const FIXED_BYTES = 28;
const CRC_BYTES = 4;
const NAME = /^(\d{8,})\.journal(?:\.zst)?$/;

export const JOURNAL_VERSION = 1;
export const FIRST_SEGMENT = 1;

/** First bytes of a journal file; layout: codec.ts. */
export interface SegmentHeader {
  readonly version: number;
  readonly segment: number;
  /** Milliseconds since the Unix epoch. */
  readonly createdMs: number;
  /** Where the durable part of the segment before this one ends; 0 for the first. */
  readonly previousEnd: number;
  readonly runId: string;
}

export function segmentPath(runDir: string, segment: number): string {
  return join(runDir, `${String(segment).padStart(8, "0")}.journal`);
}

/** Where it lies once it is compressed. */
export function compressedPath(runDir: string, segment: number): string {
  return `${segmentPath(runDir, segment)}.zst`;
}

/** `undefined`: not the name of a segment, plain or compressed. */
export function segmentNumber(fileName: string): number | undefined {
  const digits = NAME.exec(fileName)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Where the first frame of a segment of this run stands. */
export function headerBytes(runId: string): number {
  return FIXED_BYTES + Buffer.byteLength(runId) + CRC_BYTES;
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(headerBytes(header.runId));
  MAGIC.copy(bytes);
  bytes.writeUInt16LE(header.version, 8);
  bytes.writeUInt16LE(bytes.length, 10);
  bytes.writeUInt32LE(header.segment, 12);
  bytes.writeDoubleLE(header.createdMs, 16);
  bytes.writeUInt32LE(header.previousEnd, 24);
  bytes.write(header.runId, FIXED_BYTES, "utf8");
  const end = bytes.length - CRC_BYTES;
  bytes.writeUInt32LE(crc32(bytes.subarray(0, end)), end);
  return bytes;
}

/** `undefined`: these bytes are not a whole, undamaged header. Versions that we do not know decode too. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < FIXED_BYTES + CRC_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
    return undefined;
  const end = bytes.readUInt16LE(10) - CRC_BYTES;
  if (end < FIXED_BYTES || end + CRC_BYTES > bytes.length) return undefined;
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32LE(end)) return undefined;
  return {
    version: bytes.readUInt16LE(8),
    segment: bytes.readUInt32LE(12),
    createdMs: bytes.readDoubleLE(16),
    previousEnd: bytes.readUInt32LE(24),
    runId: bytes.toString("utf8", FIXED_BYTES, end),
  };
}
