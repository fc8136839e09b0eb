import { basename } from "node:path";
import type { CaptureFrame, JournalPosition } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import { Beginnings } from "./body-checksum.ts";
import { BlockFile } from "./block-file.ts";
import { BufferCache } from "./buffer-cache.ts";
import { FRAME_HEADER_BYTES, frameSize, openFrame, saltOf } from "./codec.ts";
import type { RawFrame } from "./codec.ts";
import { decodePayload } from "./payload.ts";
import { decodeDelta, rebuild, supersedes } from "./request-delta.ts";
import type { RequestDelta } from "./request-delta.ts";
import { listSegments } from "./runs.ts";

/** Frames are small but for the one that begins a chain. */
const BLOCK_BYTES = 16 * 1024;

/** Of this process, by place. A frame may take another's place: what is rebuilt on one of these is checked. */
const rebuiltBodies = new BufferCache<Beginnings>(LIMITS.rebuiltBodiesBytes);

/** Rebuilds request bodies of one run from their differences. */
export class RequestBodies {
  readonly #runDir: string;
  #file: BlockFile | undefined;
  #segment = 0;

  constructor(runDir: string) {
    this.#runDir = runDir;
  }

  /**
   * `raw`: the `request-delta` at this place. Its bytes are not to be changed: they are kept for the next. `lost`: the base, or
   * a base of the base, is damaged. `unfinished`: the base is behind the end of the last segment; in a living run it will come.
   */
  resolve({ segment, offset }: JournalPosition, raw: RawFrame): CaptureFrame | "lost" | "unfinished" {
    const wanted = decodeDelta(raw.payload);
    if (!wanted) return "lost";
    const rebuilt = this.#rebuilt(segment, wanted);
    if (typeof rebuilt === "string") return rebuilt;
    rebuiltBodies.set(this.#place(segment, offset), rebuilt);
    const { exchangeId } = raw;
    return { kind: "request-body", exchangeId, bytes: rebuilt.body, masked: wanted.masked, last: true };
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #rebuilt(segment: number, wanted: RequestDelta): Beginnings | "lost" | "unfinished" {
    /** From the wanted one back to the beginning of its chain, or to one whose base is known. */
    const deltas: RequestDelta[] = [];
    let delta = wanted;
    let body = this.#onKnown(segment, delta);
    while (body === undefined) {
      deltas.push(owned(delta));
      if (deltas.length === LIMITS.deltaChain) return "lost";
      const { baseOffset } = delta;
      const base = this.#frameAt(segment, baseOffset);
      if (!base) return this.#isUnfinished(segment, baseOffset) ? "unfinished" : "lost";
      if (base.kind === "request-delta") {
        const next = decodeDelta(base.payload);
        if (!next) return "lost";
        delta = next;
        body = this.#onKnown(segment, delta);
      } else {
        body = wholeBody(base);
        if (!body) return "lost";
      }
    }
    for (const each of deltas.toReversed()) {
      body = rebuild(each, body);
      if (!body) return "lost";
    }
    return body;
  }

  /**
   * A conversation's next body stands on the last one: no frame but its own is read for it. The last one is wanted no more then, as
   * the writer, too, forgets it; large buffers that die young cost the collector little.
   */
  #onKnown(segment: number, delta: RequestDelta): Beginnings | undefined {
    const place = this.#place(segment, delta.baseOffset);
    const base = rebuiltBodies.get(place);
    const body = base && rebuild(delta, base);
    if (body && supersedes(delta, base.body)) rebuiltBodies.delete(place);
    return body;
  }

  #place(segment: number, offset: number): string {
    return `${this.#runDir}/${segment}@${offset}`;
  }

  #open(segment: number): BlockFile | undefined {
    if (segment !== this.#segment) this.close();
    this.#segment = segment;
    return (this.#file ??= BlockFile.open(this.#runDir, segment, BLOCK_BYTES));
  }

  #frameAt(segment: number, offset: number): RawFrame | undefined {
    const file = this.#open(segment);
    const header = file?.bytes(offset, FRAME_HEADER_BYTES);
    if (!file || header?.length !== FRAME_HEADER_BYTES) return undefined;
    const size = frameSize(header);
    if (size === undefined) return undefined;
    const bytes = file.bytes(offset, size);
    if (bytes.length < size) return undefined;
    return openFrame(bytes, saltOf(basename(this.#runDir), segment), offset);
  }

  #isUnfinished(segment: number, offset: number): boolean {
    const file = this.#open(segment);
    if (!file || listSegments(this.#runDir).at(-1) !== segment) return false;
    const header = file.bytes(offset, FRAME_HEADER_BYTES);
    if (header.length < FRAME_HEADER_BYTES) return true;
    const size = frameSize(header);
    return size !== undefined && offset + size > file.size();
  }
}

/** A view of the file is valid only until the next one. */
function owned(delta: RequestDelta): RequestDelta {
  return { ...delta, middle: Buffer.from(delta.middle) };
}

function wholeBody({ kind, exchangeId, payload }: RawFrame): Beginnings | undefined {
  if (kind !== "request-body" && kind !== "request-base") return undefined;
  const frame = decodePayload("request-body", exchangeId, true, payload);
  return frame?.kind === "request-body" ? new Beginnings(frame.bytes) : undefined;
}
