import { basename } from "node:path";
import type { CaptureFrame, JournalPosition } from "../contract/frame.ts";
import { BlockFile, readSegmentHeader } from "./block-file.ts";
import { decodeFrame, saltOf } from "./codec.ts";
import type { RawFrame, UnknownFrame } from "./codec.ts";
import { RequestBodies } from "./request-bodies.ts";
import type { OpenSegments } from "./open-segments.ts";
import { isRunAlive, listSegments } from "./runs.ts";
import { scanSegment } from "./scan.ts";
import { headerBytes, JOURNAL_VERSION } from "./segment.ts";

const BLOCK_BYTES = 1024 * 1024;
/** When most of the file is skipped, large reads would be for nothing. */
const SKIPPING_BLOCK_BYTES = 64 * 1024;

/** Bytes that gave no frame. What follows them is read all the same. */
export interface DamagedFrame {
  readonly kind: "damage";
  readonly skippedBytes: number;
  /**
   * `checksum`: a frame that does not verify. `torn`: an unfinished frame at the end of a segment that will not grow.
   * `header`: of a segment, its frames follow. `version`: a segment of a newer HypAware. `missing`: a segment or its end is not there.
   * `payload`: a frame that verifies and cannot be decoded. `base`: a request body whose base is lost.
   */
  readonly reason: "checksum" | "torn" | "header" | "version" | "missing" | "payload" | "base";
}

export interface JournalEntry<Frame> {
  readonly position: JournalPosition;
  /** Where to go on. */
  readonly next: JournalPosition;
  readonly frame: Frame;
}

export interface ReadOptions {
  /** Does the run's gateway still write? Default: asked before the first read. */
  readonly alive?: boolean;
  readonly to?: JournalPosition;
  /** Frames of this exchange and damage only. */
  readonly exchangeId?: string;
  /** The run as it was a moment ago, shared by several short scans. */
  readonly nearby?: OpenSegments;
}

/** What a follower needs: checked frames, not decoded. A frame's payload is valid until the next step. */
export type ScannedEntry = JournalEntry<RawFrame | DamagedFrame>;
/** Decoded; body bytes are the reader's own. */
export type ReadEntry = JournalEntry<CaptureFrame | UnknownFrame | DamagedFrame>;

/**
 * Frames of one run from a position on (`{segment: 0, offset: 0}`: all), through its segments, to where it ends now. Bad data
 * is an entry, never an exception; errors of the filesystem are thrown.
 */
export function* scanFrames(
  runDir: string,
  from: JournalPosition,
  options: ReadOptions = {},
): Generator<ScannedEntry, void> {
  // Asked before anything is read: a run that was dead then has written all that it ever will.
  const alive = options.alive ?? isRunAlive(runDir);
  const runId = basename(runDir);
  const only = options.exchangeId === undefined ? undefined : Buffer.from(options.exchangeId, "hex");
  const { nearby } = options;
  let { to } = options;
  let { segment, offset } = from;
  while (to === undefined || segment <= to.segment) {
    // The next segment is looked for first: if it exists, this one will not change any more.
    const following = (nearby?.segments ?? listSegments(runDir)).find((number) => number > segment);
    const header = following === undefined ? undefined : readSegmentHeader(runDir, following);
    const durableEnd = following === segment + 1 ? header?.previousEnd : undefined;
    if (to?.segment === segment && durableEnd !== undefined && to.offset > durableEnd) {
      to = { segment: segment + 1, offset: headerBytes(runId) + to.offset - durableEnd };
    }
    const file = nearby
      ? nearby.file(segment)
      : BlockFile.open(runDir, segment, only ? SKIPPING_BLOCK_BYTES : BLOCK_BYTES);
    if (file) {
      try {
        offset = yield* readSegment(file, { segment, offset }, durableEnd, following === undefined && alive);
      } finally {
        if (nearby === undefined) file.close();
      }
    }
    if (following === undefined) return;
    // Segments before `from` or before the first may have been removed; between two that were read, one is missing.
    if (file && following > segment + 1)
      yield damage("missing", { segment, offset }, { segment: following, offset: 0 }, 0);
    // Frames that were read behind the durable end stand again at the start of the next segment.
    const ahead = file && durableEnd !== undefined ? Math.max(0, offset - durableEnd) : 0;
    segment = following;
    offset = ahead === 0 ? 0 : headerBytes(runId) + ahead;
  }

  function* readSegment(
    file: BlockFile,
    start: JournalPosition,
    durableEnd: number | undefined,
    growing: boolean,
  ): Generator<ScannedEntry, number> {
    const first = headerBytes(runId);
    const fileBytes = file.size();
    const size = Math.min(fileBytes, durableEnd ?? Infinity);
    let at = start.offset;
    if (at < first) {
      const header = readSegmentHeader(runDir, start.segment);
      if (header && header.version !== JOURNAL_VERSION) {
        yield damage("version", start, { segment: start.segment, offset: size }, size - at);
        return size;
      }
      if (!header || header.segment !== start.segment || header.runId !== runId) {
        yield damage("header", start, { segment: start.segment, offset: first }, Math.min(size, first) - at);
      }
      at = first;
    }
    const end = to?.segment === start.segment ? Math.min(size, to.offset) : size;
    const range = { salt: saltOf(runId, start.segment), from: at, to: end, growing, ...(only && { only }) };
    const frames = scanSegment(file, range);
    for (let step = frames.next(); ; step = frames.next()) {
      if (step.done) {
        at = step.value;
        break;
      }
      const { offset, next, frame } = step.value;
      const position = { segment: start.segment, offset };
      const after = { segment: start.segment, offset: next };
      if (frame.kind === "damage") yield damage(frame.reason, position, after, next - offset);
      else yield { position, next: after, frame };
    }
    if (durableEnd === undefined || fileBytes >= durableEnd || at >= durableEnd) return at;
    // Somebody cut the file.
    const cut = { segment: start.segment, offset: at };
    yield damage("missing", cut, { segment: start.segment, offset: durableEnd }, durableEnd - at);
    return durableEnd;
  }
}

/** As `scanFrames`, decoded: request bodies are whole, and what only serves to rebuild them is left out. */
export function* readFrames(
  runDir: string,
  from: JournalPosition,
  options: ReadOptions = {},
): Generator<ReadEntry, void> {
  const alive = options.alive ?? isRunAlive(runDir);
  const bodies = new RequestBodies(runDir);
  try {
    for (const { position, next, frame } of scanFrames(runDir, from, { ...options, alive })) {
      if (frame.kind === "request-base") continue;
      if (frame.kind === "damage") {
        yield { position, next, frame };
        continue;
      }
      const isDelta = frame.kind === "request-delta";
      const decoded = isDelta ? bodies.resolve(position, frame) : decodeFrame(frame);
      if (decoded === "unfinished" && alive) return;
      if (typeof decoded === "object") yield { position, next, frame: decoded };
      else yield damage(isDelta ? "base" : "payload", position, next, next.offset - position.offset);
    }
  } finally {
    bodies.close();
  }
}

function damage(
  reason: DamagedFrame["reason"],
  position: JournalPosition,
  next: JournalPosition,
  skippedBytes: number,
): JournalEntry<DamagedFrame> {
  return { position, next, frame: { kind: "damage", skippedBytes, reason } };
}
