import type { MaskedRange } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import { type MaskedBytes, Masker } from "../wire/masker.ts";
import { type FramePiece, FrameWalker } from "../wire/websocket.ts";
import { Arrivals } from "./arrivals.ts";
import type { CopiedBytes } from "./body-copy.ts";

// The copy of one direction of a WebSocket on its way to the journal, unmasked (see the frame `ws-bytes`) and scrubbed.
//
// A secret may run over the fragments of one message, with frame heads and even whole control frames between them. So the
// payloads of data frames are searched as one stream, those of control frames as another, and the pieces leave in the order in
// which they came: one that is held back, because it may begin a secret, holds back everything behind it. It is let go at
// the end of its message at the latest.

/** `offset`: of the first byte in all that this side sent. */
export type CopiedStretch = CopiedBytes & { readonly offset: number };

/** A frame head, or so many bytes of a payload. */
type Piece = { readonly bytes: Buffer } | { readonly payload: PayloadStream; length: number };

export class TunnelCopy {
  readonly #walker = new FrameWalker();
  readonly #secrets: readonly Buffer[];
  #payloads: { readonly data: PayloadStream; readonly control: PayloadStream } | undefined;
  readonly #arrivals = new Arrivals();
  #pieces: Piece[] = [];
  #length = 0;
  /** Of the first byte not taken yet. */
  #offset = 0;
  #isSkipping = false;

  constructor(secrets: readonly Buffer[]) {
    this.#secrets = secrets;
    this.#forget();
  }

  /** Bytes not taken yet. */
  get length(): number {
    return this.#length;
  }

  get sawClose(): boolean {
    return this.#walker.sawClose;
  }

  /** Returns how many of these bytes will not be recorded: what is skipped, and what is behind frames that are none. */
  push(chunk: Buffer, tMs: number): number {
    let length = 0;
    for (const piece of this.#walker.push(chunk)) {
      this.#isSkipping &&= !piece.begins;
      // Nothing waits while bytes are skipped, so the offset is theirs.
      if (this.#isSkipping) this.#offset += piece.bytes.length;
      else {
        length += piece.bytes.length;
        this.#add(piece);
      }
    }
    this.#length += length;
    if (length > 0) this.#arrivals.add(length, tMs);
    // Taken at every `tapChunkBytes`; what is still here is held back by a message that never ends.
    if (this.#length > 2 * LIMITS.tapChunkBytes) this.#release();
    return chunk.length - length;
  }

  /** What was pushed; without `final` but for what must wait. */
  take(final: boolean): CopiedStretch {
    if (final) this.#release();
    const taken: Buffer[] = [];
    const masked: MaskedRange[] = [];
    let length = 0;
    let done = 0;
    for (const piece of this.#pieces) {
      if ("payload" in piece) {
        const ready = piece.payload.take(piece.length);
        for (const range of ready.masked) masked.push({ ...range, offset: range.offset + length });
        taken.push(...ready.bytes);
        length += ready.length;
        piece.length -= ready.length;
        if (piece.length > 0) break;
      } else {
        taken.push(piece.bytes);
        length += piece.bytes.length;
      }
      done++;
    }
    this.#pieces = this.#pieces.slice(done);
    this.#length -= length;
    const offset = this.#offset;
    this.#offset += length;
    const bytes = taken.length === 1 ? taken[0]! : Buffer.concat(taken);
    return { offset, bytes, masked: joined(masked), arrivals: this.#arrivals.take(length) };
  }

  /** What was taken last is lost: goes on with the next frame, because nobody can read half of one. Returns what is dropped now. */
  skip(): number {
    const dropped = this.#length;
    this.#arrivals.take(dropped);
    this.#offset += dropped;
    this.#pieces = [];
    this.#length = 0;
    this.#isSkipping = true;
    this.#forget();
    return dropped;
  }

  #forget(): void {
    const secrets = this.#secrets;
    if (secrets.length > 0)
      this.#payloads = { data: new PayloadStream(secrets), control: new PayloadStream(secrets) };
  }

  #add({ part, bytes, ends }: FramePiece): void {
    if (part === "head" || !this.#payloads) this.#pieces.push({ bytes });
    else {
      this.#payloads[part].push(bytes);
      this.#pieces.push({ payload: this.#payloads[part], length: bytes.length });
    }
    if (ends !== undefined) this.#payloads?.[ends].end();
  }

  #release(): void {
    this.#payloads?.data.end();
    this.#payloads?.control.end();
  }
}

/** The payloads of one kind of frame: in as they come, out when it is certain what is a secret. */
class PayloadStream {
  readonly #masker: Masker;
  #ready: MaskedBytes[] = [];
  /** Of the first one in `#ready` that is not taken: there may be thousands, and each `shift()` would move them all. */
  #next = 0;

  constructor(secrets: readonly Buffer[]) {
    this.#masker = new Masker(secrets);
  }

  push(bytes: Buffer): void {
    this.#keep(this.#masker.push(bytes));
  }

  end(): void {
    this.#keep(this.#masker.end());
  }

  #keep(released: MaskedBytes): void {
    if (released.bytes.length > 0) this.#ready.push(released);
  }

  /** At most so many bytes; `masked` counts from the first of them. */
  take(most: number): { readonly bytes: Buffer[]; readonly length: number; readonly masked: MaskedRange[] } {
    const bytes: Buffer[] = [];
    const masked: MaskedRange[] = [];
    let length = 0;
    while (length < most && this.#next < this.#ready.length) {
      const first = this.#ready[this.#next]!;
      const cut = Math.min(first.bytes.length, most - length);
      bytes.push(first.bytes.subarray(0, cut));
      for (const range of within(first.masked, 0, cut))
        masked.push({ ...range, offset: range.offset + length });
      length += cut;
      if (cut === first.bytes.length) this.#next++;
      else {
        const rest = within(first.masked, cut, first.bytes.length);
        this.#ready[this.#next] = { bytes: first.bytes.subarray(cut), masked: rest };
      }
    }
    if (this.#next === this.#ready.length) {
      this.#ready = [];
      this.#next = 0;
    }
    return { bytes, length, masked };
  }
}

/** What of the ranges lies between two offsets, counted from the first one. */
function within(ranges: readonly MaskedRange[], from: number, to: number): MaskedRange[] {
  return ranges.flatMap(({ offset, length }) => {
    const start = Math.max(offset, from);
    const end = Math.min(offset + length, to);
    return start < end ? [{ offset: start - from, length: end - start }] : [];
  });
}

/** Ranges that touch are one. */
function joined(ranges: readonly MaskedRange[]): MaskedRange[] {
  const result: { offset: number; length: number }[] = [];
  for (const { offset, length } of ranges) {
    const last = result.at(-1);
    if (last && last.offset + last.length === offset) last.length += length;
    else result.push({ offset, length });
  }
  return result;
}
