import type { Arrival, MaskedRange } from "../contract/frame.ts";
import { Masker } from "../wire/secrets.ts";

/** What one frame holds. */
export interface CopiedBytes {
  readonly bytes: Buffer;
  readonly masked: readonly MaskedRange[];
  /** Their lengths add up to the bytes'. */
  readonly arrivals: readonly Arrival[];
}

/** The copy of one direction of an exchange on its way to the journal: references to chunks, joined and masked when taken. */
export class BodyCopy {
  readonly #masker: Masker | undefined;
  #chunks: Buffer[] = [];
  #length = 0;
  /** Of all bytes not taken yet; those that the masker holds back are among them. */
  #arrivals: { tMs: number; length: number }[] = [];

  constructor(secrets: readonly Buffer[]) {
    this.#masker = secrets.length === 0 ? undefined : new Masker(secrets);
  }

  /** Bytes of the references held. */
  get length(): number {
    return this.#length;
  }

  push(chunk: Buffer, tMs: number): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    const last = this.#arrivals.at(-1);
    if (last?.tMs === tMs) last.length += chunk.length;
    else this.#arrivals.push({ tMs, length: chunk.length });
  }

  /** What was pushed; without `final` but for an end that may be the beginning of a secret. */
  take(final: boolean): CopiedBytes {
    const joined = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#length = 0;
    if (!this.#masker) return { bytes: joined, masked: [], arrivals: this.#arrivalsOf(joined.length) };
    const { bytes, masked } = this.#masker.push(joined);
    if (!final) return { bytes, masked, arrivals: this.#arrivalsOf(bytes.length) };
    const rest = this.#masker.end();
    const shifted = rest.masked.map(({ offset, length }) => ({ offset: offset + bytes.length, length }));
    return {
      bytes: rest.bytes.length === 0 ? bytes : Buffer.concat([bytes, rest.bytes]),
      masked: [...masked, ...shifted],
      arrivals: this.#arrivalsOf(bytes.length + rest.bytes.length),
    };
  }

  /** As `take(false)`, in pieces of about `pieceBytes`: a long body is handed on without being joined, which would copy it. */
  takePieces(pieceBytes: number): CopiedBytes[] {
    const chunks = this.#chunks;
    const pieces: CopiedBytes[] = [];
    this.#chunks = [];
    let bytes = 0;
    for (const chunk of chunks) {
      if (bytes > 0 && bytes + chunk.length > pieceBytes) {
        pieces.push(this.take(false));
        bytes = 0;
      }
      this.#chunks.push(chunk);
      bytes += chunk.length;
    }
    pieces.push(this.take(false));
    return pieces;
  }

  /** The first `length` bytes' arrivals; a piece that is only partly taken is split. */
  #arrivalsOf(length: number): Arrival[] {
    const taken: Arrival[] = [];
    let missing = length;
    while (missing > 0) {
      const first = this.#arrivals[0]!;
      if (first.length > missing) {
        taken.push({ tMs: first.tMs, length: missing });
        first.length -= missing;
        break;
      }
      missing -= first.length;
      taken.push(first);
      this.#arrivals.shift();
    }
    return taken;
  }
}
