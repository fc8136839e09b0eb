// Content codings (RFC 9110, section 8.4) taken off a recorded body, chunk by chunk, so that decoded bytes keep the time at which
// they could first be read. One chunk is worked through all codings before the next is begun: what a bomb can make us hold is what
// one chunk may unfold to, and that is bounded too.
import type { Transform } from "node:stream";
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from "node:zlib";
import { LIMITS } from "../contract/limits.ts";

export interface DecodeResult {
  /** Over a bound: what was emitted is the beginning. */
  readonly truncated: boolean;
  /** The input is damaged, cut off or of an unknown coding; what could be decoded was emitted. */
  readonly error: string | null;
}

export interface TimedBytes {
  readonly bytes: Buffer;
  /** Milliseconds, of the arrival. */
  readonly tMs: number;
}

const OPEN: Readonly<Record<string, (head: Buffer) => Transform>> = {
  gzip: () => createGunzip(),
  "x-gzip": () => createGunzip(),
  // Senders disagree whether "deflate" has the zlib wrapper.
  deflate: (head) => (hasZlibHeader(head) ? createInflate() : createInflateRaw()),
  br: () => createBrotliDecompress(),
  // RFC 9659 bounds the window of content codings to 8 MB; the library would hold 128 MB.
  zstd: () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 23 } }),
};

/** Never rejects for its input. `emit` gets each decoded piece with the time of the chunk that completed it. */
export async function decodeStream(
  chunks: Iterable<TimedBytes>,
  contentEncoding: string | undefined,
  emit: (bytes: Buffer, tMs: number) => void,
): Promise<DecodeResult> {
  const codings = codingsOf(contentEncoding);
  if (codings.length > LIMITS.encodingChain) {
    return { truncated: false, error: `more than ${LIMITS.encodingChain} content codings` };
  }
  const unknown = codings.find((coding) => !Object.hasOwn(OPEN, coding));
  if (unknown !== undefined) return { truncated: false, error: `unknown content coding "${unknown}"` };

  // Applied in the order of the list, so taken off from its end.
  const received = { bytes: 0 };
  const layers = codings.toReversed().map((coding) => new Layer(coding, received));
  let emitted = 0;
  let lastMs = 0;
  const send = (pieces: readonly Buffer[]): boolean => {
    for (const piece of pieces) {
      const rest = LIMITS.decodedBytes - emitted;
      if (rest > 0) emit(piece.length > rest ? piece.subarray(0, rest) : piece, lastMs);
      emitted += piece.length;
    }
    return emitted <= LIMITS.decodedBytes;
  };
  try {
    let room = true;
    for (const { bytes, tMs } of chunks) {
      lastMs = tMs;
      received.bytes += bytes.length;
      room = send(await through(layers, bytes)) && !layers.some((layer) => layer.over);
      if (!room || layers.some((layer) => layer.error !== null)) break;
    }
    // The end of one layer may be the last input of the next.
    for (let i = 0; i < layers.length && room; i++) {
      for (const piece of await layers[i]!.end())
        room = send(await through(layers.slice(i + 1), piece)) && room;
    }
    return {
      truncated: !room || layers.some((layer) => layer.over),
      error: layers.find((layer) => layer.error !== null)?.error ?? null,
    };
  } finally {
    for (const layer of layers) layer.close();
  }
}

async function through(layers: readonly Layer[], bytes: Buffer): Promise<readonly Buffer[]> {
  let pieces: readonly Buffer[] = [bytes];
  for (const layer of layers) {
    const decoded: Buffer[] = [];
    for (const piece of pieces) decoded.push(...(await layer.write(piece)));
    pieces = decoded;
  }
  return pieces;
}

function codingsOf(contentEncoding: string | undefined): string[] {
  return (contentEncoding ?? "")
    .split(",")
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== "" && coding !== "identity");
}

function hasZlibHeader(head: Buffer): boolean {
  return head.length >= 2 && (head[0]! & 0x0f) === 8 && head.readUInt16BE(0) % 31 === 0;
}

/** One coding being taken off. */
class Layer {
  readonly #coding: string;
  /** What came over the wire so far, before any coding was taken off. */
  readonly #received: { readonly bytes: number };
  #stream: Transform | undefined;
  /** The first byte, while one alone is not enough to know the format. */
  #head: Buffer = Buffer.alloc(0);
  #pieces: Buffer[] = [];
  #started = false;
  #bytesOut = 0;
  #finished = false;
  #wake: () => void = () => {};
  error: string | null = null;
  over = false;

  constructor(coding: string, received: { readonly bytes: number }) {
    this.#coding = coding;
    this.#received = received;
  }

  /** What these bytes made readable. */
  async write(bytes: Buffer): Promise<readonly Buffer[]> {
    if (this.#finished || bytes.length === 0) return [];
    this.#started = true;
    if (this.#stream === undefined) {
      const head = Buffer.concat([this.#head, bytes]);
      if (head.length < 2) {
        this.#head = head;
        return [];
      }
      return this.#run(this.#open(head), head);
    }
    return this.#run(this.#stream, bytes);
  }

  /** A body without any bytes (an answer to HEAD) is whole, whatever its header says. */
  async end(): Promise<readonly Buffer[]> {
    if (this.#finished || !this.#started) return [];
    const opened = this.#stream;
    const stream = opened ?? this.#open(this.#head);
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      stream.end(opened === undefined ? this.#head : undefined);
    });
    return this.#taken();
  }

  close(): void {
    this.#stream?.destroy();
  }

  #open(head: Buffer): Transform {
    const stream = OPEN[this.#coding]!(head);
    const finish = (): void => {
      this.#finished = true;
      this.#wake();
    };
    stream.on("data", (piece: Buffer) => this.#take(piece, stream));
    stream.on("error", (error) => {
      this.error ??= `${this.#coding}: ${error.message}`;
      finish();
    });
    // Also when the coding ends before the input does: the library then never calls back for the rest.
    stream.on("end", finish);
    stream.on("close", finish);
    this.#stream = stream;
    return stream;
  }

  async #run(stream: Transform, bytes: Buffer): Promise<readonly Buffer[]> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      stream.write(bytes, () => resolve());
    });
    return this.#taken();
  }

  #taken(): readonly Buffer[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }

  #take(piece: Buffer, stream: Transform): void {
    if (this.over) return;
    this.#bytesOut += piece.length;
    this.#pieces.push(piece);
    const byRatio = Math.max(LIMITS.decodedRatio * this.#received.bytes, LIMITS.decodedRatioFromBytes);
    if (this.#bytesOut > Math.min(byRatio, LIMITS.decodedBytes)) {
      this.over = true;
      stream.destroy();
    }
  }
}
