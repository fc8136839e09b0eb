import type { JournalPosition } from "../contract/frame.ts";
import { saltOf, sealFrame } from "./codec.ts";
import type { PlacedFrame } from "./commit-group.ts";
import { placeBase } from "./request-delta.ts";
import { listSegments } from "./runs.ts";
import { encodeSegmentHeader, FIRST_SEGMENT, headerBytes, JOURNAL_VERSION, segmentPath } from "./segment.ts";
import { openSegment } from "./segment-bytes.ts";
import type { SegmentDisk, SegmentFile } from "./segment-file.ts";

/** The end of one run's journal: the segment that is written now, and the step to the next. Only `sync` may overlap with `write`. */
export class SegmentWriter {
  readonly #dir: string;
  readonly #runId: string;
  readonly #maxBytes: number;
  readonly #disk: SegmentDisk;
  readonly #firstOffset: number;
  /** Of the current segment or, without a file, of the one to be made. */
  #segment = FIRST_SEGMENT;
  #file: SegmentFile | undefined;
  /** Where the current segment ends, and up to where it is durable. */
  #end: number;
  #durableEnd: number;
  #previousEnd = 0;

  /** Makes no file. Goes on behind the segments that are there. */
  constructor(dir: string, runId: string, maxBytes: number, disk: SegmentDisk) {
    this.#dir = dir;
    this.#runId = runId;
    this.#maxBytes = maxBytes;
    this.#disk = disk;
    this.#firstOffset = this.#end = this.#durableEnd = headerBytes(runId);
    const older = listSegments(dir).at(-1);
    if (older === undefined) return;
    this.#segment = older + 1;
    const bytes = openSegment(dir, older);
    this.#previousEnd = bytes?.size() ?? 0;
    bytes?.close();
  }

  /** Up to here everything is durable. */
  get position(): JournalPosition {
    return { segment: this.#segment, offset: this.#durableEnd };
  }

  /** Is there room for a frame behind `pendingBytes` of others? A frame larger than a segment gets one of its own. */
  hasRoom(pendingBytes: number, size: number): boolean {
    const offset = this.#end + pendingBytes;
    return offset + size <= this.#maxBytes || offset === this.#firstOffset;
  }

  /** When it returns, the frames outlive this process. When it rejects, call `leave()`. */
  async write(frames: readonly PlacedFrame[]): Promise<void> {
    this.#file ??= await this.#create();
    const salt = saltOf(this.#runId, this.#segment);
    let end = this.#end;
    for (const { place, size } of frames) {
      place.offset = end;
      end += size;
    }
    const buffers: Buffer[] = [];
    for (const frame of frames) {
      if (frame.delta) placeBase(frame.payload, frame.delta.base.offset);
      buffers.push(...sealFrame(frame, salt, frame.place.offset));
    }
    await this.#file.write(buffers, this.#end);
    this.#end = end;
  }

  /** When it returns, what was written before it was called is durable. When it rejects, call `leave()`. */
  async sync(): Promise<void> {
    const end = this.#end;
    await this.#file?.sync();
    this.#durableEnd = end;
  }

  /** The next frames go to the next segment; or, when nothing in this one is durable, to a new file in its place. */
  async leave(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (this.#durableEnd > this.#firstOffset) {
      this.#previousEnd = this.#durableEnd;
      this.#segment++;
    }
    this.#end = this.#durableEnd = this.#firstOffset;
    // What is durable is durable; of the rest a closing that fails says nothing new.
    await file?.close().catch(() => undefined);
  }

  #create(): Promise<SegmentFile> {
    const header = encodeSegmentHeader({
      version: JOURNAL_VERSION,
      segment: this.#segment,
      createdMs: Date.now(),
      previousEnd: this.#previousEnd,
      runId: this.#runId,
    });
    return this.#disk.create(segmentPath(this.#dir, this.#segment), header);
  }
}
