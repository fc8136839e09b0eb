import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { CompressedSegment } from "./compressed-segment.ts";
import { compressedPath, segmentPath } from "./segment.ts";

/** One segment, read at any place: as it was written or compressed. Offsets are the same. */
export interface SegmentBytes {
  /** May grow while it is plain. */
  size(): number;
  /** As `fs.readSync`: how many bytes were read; 0 at the end. */
  read(into: Buffer, at: number, length: number, offset: number): number;
  close(): void;
}

/** `undefined`: there is no such segment. */
export function openSegment(runDir: string, segment: number): SegmentBytes | undefined {
  // Both are there while a segment is being compressed; only of the plain one is it certain that it is whole. It goes after the
  // compressed one has come, so what is not found in this order is not there.
  return (
    ifThere(segmentPath(runDir, segment), (path) => new PlainSegment(path)) ??
    ifThere(compressedPath(runDir, segment), (path) => new CompressedSegment(path))
  );
}

function ifThere(path: string, open: (path: string) => SegmentBytes): SegmentBytes | undefined {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return undefined;
  try {
    return open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

class PlainSegment implements SegmentBytes {
  readonly #descriptor: number;

  constructor(path: string) {
    this.#descriptor = openSync(path, "r");
  }

  size(): number {
    return fstatSync(this.#descriptor).size;
  }

  read(into: Buffer, at: number, length: number, offset: number): number {
    return readSync(this.#descriptor, into, at, length, offset);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
