import type { BlockFile } from "./block-file.ts";
import { FRAME_HEADER_BYTES, frameSize, isFrameOf, mayBeginFrame, openFrame } from "./codec.ts";
import type { RawFrame } from "./codec.ts";

/** How many bytes may be checksummed in search of the next whole frame: damage must not cost more than a few readings. */
const RESYNC_BUDGET_BYTES = 256 * 1024 * 1024;
const RESYNC_WINDOW_BYTES = 64 * 1024;

export interface ScanRange {
  readonly salt: number;
  readonly from: number;
  /** Nothing behind it is looked at. */
  readonly to: number;
  /** The file still grows: an unfinished frame at its end is only not there yet. */
  readonly growing: boolean;
  /** Only frames of this exchange (16 bytes); others are skipped without reading their payload. */
  readonly only?: Buffer;
}

/** Bytes from `offset` to `next` that are no frame. */
export interface SkippedBytes {
  readonly kind: "damage";
  /** `torn`: an unfinished frame at the end of the run. */
  readonly reason: "checksum" | "torn";
}

export interface Scanned {
  readonly offset: number;
  readonly next: number;
  readonly frame: RawFrame | SkippedBytes;
}

type Step =
  | { readonly found: "frame"; readonly frame: RawFrame; readonly size: number }
  | { readonly found: "other"; readonly size: number }
  | { readonly found: "damage" }
  | { readonly found: "beginning" };

/** The frames of one segment in order, and what is no frame between them. Returns where it stopped. */
export function* scanSegment(file: BlockFile, range: ScanRange): Generator<Scanned, number> {
  let at = range.from;
  // Lengths of skipped frames are believed unchecked. When the way then leads nowhere, it is gone again with checking.
  let believedFrom: number | undefined;
  let checkUntil = 0;
  const wanted = range.only?.toString("hex");
  while (at < range.to) {
    const step = stepAt(file, at, range, at < checkUntil);
    if (step.found === "other") {
      believedFrom ??= at;
      at += step.size;
      continue;
    }
    if (step.found === "damage" || step.found === "beginning") {
      if (believedFrom !== undefined) {
        checkUntil = at + 1;
        at = believedFrom;
        believedFrom = undefined;
        continue;
      }
      if (step.found === "beginning" && range.growing) return at;
      const found = findFrame(file, at + 1, range);
      if (found === undefined && range.growing) return at;
      const next = found ?? range.to;
      yield {
        offset: at,
        next,
        frame: { kind: "damage", reason: found === undefined ? "torn" : "checksum" },
      };
      at = next;
      continue;
    }
    believedFrom = undefined;
    if (wanted === undefined || step.frame.exchangeId === wanted)
      yield { offset: at, next: at + step.size, frame: step.frame };
    at += step.size;
  }
  return at;
}

function stepAt(file: BlockFile, at: number, { salt, to, only }: ScanRange, mustCheck: boolean): Step {
  const header = file.bytes(at, FRAME_HEADER_BYTES);
  if (at + FRAME_HEADER_BYTES > to || header.length < FRAME_HEADER_BYTES) return { found: "beginning" };
  const size = frameSize(header);
  if (size === undefined) return { found: "damage" };
  if (at + size > to) return { found: "beginning" };
  if (only && !mustCheck && !isFrameOf(header, only)) return { found: "other", size };
  const bytes = file.bytes(at, size);
  if (bytes.length < size) return { found: "beginning" };
  const frame = openFrame(bytes, salt, at);
  return frame ? { found: "frame", frame, size } : { found: "damage" };
}

/** Offset of the next whole frame at or behind `from`; undefined when there is none within the budget. */
function findFrame(file: BlockFile, from: number, { salt, to }: ScanRange): number | undefined {
  let budget = RESYNC_BUDGET_BYTES;
  const end = to - FRAME_HEADER_BYTES;
  for (let start = from; start <= end; start += RESYNC_WINDOW_BYTES) {
    // A copy, because checking a candidate moves the file's block.
    const window = Buffer.from(file.bytes(start, RESYNC_WINDOW_BYTES + FRAME_HEADER_BYTES));
    const last = Math.min(RESYNC_WINDOW_BYTES - 1, end - start, window.length - FRAME_HEADER_BYTES);
    for (let i = 0; i <= last; i++) {
      if (!mayBeginFrame(window, i)) continue;
      const size = frameSize(window, i)!;
      if (start + i + size > to) continue;
      if ((budget -= size) < 0) return undefined;
      const bytes = file.bytes(start + i, size);
      if (bytes.length === size && openFrame(bytes, salt, start + i)) return start + i;
    }
  }
  return undefined;
}
