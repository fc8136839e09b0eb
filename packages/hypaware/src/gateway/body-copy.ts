import type { Arrival, MaskedRange } from "../contract/frame.ts";
import { Masker } from "../wire/secrets.ts";
import { Arrivals } from "./arrivals.ts";

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
  readonly #arrivals = new Arrivals();

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
    this.#arrivals.add(chunk.length, tMs);
  }

  /** What was pushed; without `final` but for an end that may be the beginning of a secret. */
  take(final: boolean): CopiedBytes {
    const joined = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#length = 0;
    if (!this.#masker) return { bytes: joined, masked: [], arrivals: this.#arrivals.take(joined.length) };
    const { bytes, masked } = this.#masker.push(joined);
    if (!final) return { bytes, masked, arrivals: this.#arrivals.take(bytes.length) };
    const rest = this.#masker.end();
    const shifted = rest.masked.map(({ offset, length }) => ({ offset: offset + bytes.length, length }));
    return {
      bytes: rest.bytes.length === 0 ? bytes : Buffer.concat([bytes, rest.bytes]),
      masked: [...masked, ...shifted],
      arrivals: this.#arrivals.take(bytes.length + rest.bytes.length),
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
}
