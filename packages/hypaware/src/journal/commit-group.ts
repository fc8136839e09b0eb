import type { CaptureFrame } from "../contract/frame.ts";
import { Beginnings } from "./body-checksum.ts";
import { encodePayloadAs } from "./codec.ts";
import type { EncodedFrame } from "./codec.ts";
import { encodePayload } from "./payload.ts";
import { RecentBodies } from "./recent-bodies.ts";
import type { FoundBase, FramePlace, RecentBody } from "./recent-bodies.ts";
import { encodeDelta } from "./request-delta.ts";

// Frames take their final form, bodies as differences, when a group is put together and not before: only then is it known
// which segment they go to, and a base must lie in the same one.
//
// A group that failed is written again as it is: same frames, same lengths, same order, because a reader may have seen some
// of them (codec.ts). A difference whose base stays behind in the failed segment cannot keep it. It stays as it is but for the
// place of its base: that is now a `request-base` frame with its own whole body, behind the group and written with it.

type BodyFrame = Extract<CaptureFrame, { kind: "request-body" }>;

/** A request body that came whole, and its upstream. */
export interface WholeBody {
  readonly frame: BodyFrame;
  readonly upstream: string;
}

export interface PlacedFrame extends EncodedFrame {
  readonly place: FramePlace;
  /** Of a `request-delta`. */
  readonly delta?: { readonly base: FramePlace; readonly body: BodyFrame };
}

/** A frame that waits: as it came. */
export interface WaitingFrame {
  readonly encoded: EncodedFrame;
  readonly body: WholeBody | undefined;
}

/** Frames that are written together. Lives until they are durable. */
export interface CommitGroup {
  readonly frames: readonly PlacedFrame[];
  /** How many waiting frames it stands for, and their bytes as they came. */
  readonly count: number;
  readonly bytes: number;
}

export class CommitGroups {
  readonly #recent = new RecentBodies();
  #bodyShare = 1;

  /** How much of the last whole body went to the disk. */
  get bodyShare(): number {
    return this.#bodyShare;
  }

  /** The first of the waiting frames, to `maxBytes` or as long as there is room; none when there is none for the first. */
  next(
    waiting: readonly WaitingFrame[],
    maxBytes: number,
    hasRoom: (pendingBytes: number, size: number) => boolean,
  ): CommitGroup {
    const frames: PlacedFrame[] = [];
    let taken = 0;
    let bytes = 0;
    for (const { encoded, body } of waiting) {
      if (taken >= maxBytes) break;
      const base = body && this.#recent.find(body.upstream, body.frame.bytes);
      const place = { offset: 0 };
      const recent = body && recentBody(body, base, place);
      const delta = recent && base && asDelta(body.frame, base, recent);
      const frame = delta ?? placed(encoded, place);
      if (!hasRoom(bytes, frame.size)) break;
      frames.push(frame);
      taken += encoded.size;
      bytes += frame.size;
      if (!recent) continue;
      this.#recent.remember(recent, base);
      this.#bodyShare = frame.size / encoded.size;
    }
    return { frames, count: frames.length, bytes: taken };
  }

  /** The next group begins another segment. */
  leaveSegment(): void {
    this.#recent.forgetAll();
  }
}

/** Groups that were written one behind the other, as one that may be written to another segment. */
export function moved(groups: readonly CommitGroup[]): CommitGroup {
  const written = groups.flatMap((group) => group.frames);
  const inside = new Set(written.map(({ place }) => place));
  const bases: PlacedFrame[] = [];
  const frames = written.map((frame): PlacedFrame => {
    if (!frame.delta || inside.has(frame.delta.base)) return frame;
    const { body } = frame.delta;
    const base = encodePayloadAs("request-base", body.exchangeId, encodePayload(body), false);
    if (!base) throw new Error("a body that was encoded before cannot be too long");
    const place = { offset: 0 };
    bases.push({ ...base, place });
    return { ...frame, delta: { body, base: place } };
  });
  const sum = (of: "count" | "bytes"): number => groups.reduce((total, group) => total + group[of], 0);
  return { frames: [...frames, ...bases], count: sum("count"), bytes: sum("bytes") };
}

function placed({ header, payload, size }: EncodedFrame, place: FramePlace): PlacedFrame {
  return { header, payload, size, place };
}

function recentBody(
  { upstream, frame: { bytes } }: WholeBody,
  base: FoundBase | undefined,
  place: FramePlace,
): RecentBody {
  const chain = base ? base.body.chain + 1 : 1;
  return {
    upstream,
    bytes,
    place,
    chain,
    beginnings: new Beginnings(bytes, base?.body.beginnings, base?.prefix),
  };
}

function asDelta(
  body: BodyFrame,
  base: FoundBase,
  { place, beginnings }: RecentBody,
): PlacedFrame | undefined {
  const payload = encodeDelta(body.bytes, base, body.masked, beginnings.bodyChecksum());
  const encoded = encodePayloadAs("request-delta", body.exchangeId, payload, true);
  return encoded && { ...placed(encoded, place), delta: { base: base.body.place, body } };
}
