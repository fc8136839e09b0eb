import type { CapturedExchange } from "../contract/frame.ts";
import { ExchangeParts } from "./assemble.ts";
import { decodeFrame } from "./codec.ts";
import type { ScannedEntry } from "./reader.ts";
import { RequestBodies } from "./request-bodies.ts";

interface Held {
  readonly parts: ExchangeParts;
  bytes: number;
}

/**
 * Puts exchanges together while their journal is followed, so that their frames are not read a second time. Holds so many bytes
 * of open ones; of what goes beyond, or cannot be told from frames that were seen, nothing is known here, and it is read from its span.
 */
export class HeldExchanges {
  readonly #maxBytes: number;
  readonly #bodies: RequestBodies;
  readonly #held = new Map<string, Held>();
  #bytes = 0;

  constructor(runDir: string, maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#bodies = new RequestBodies(runDir);
  }

  /** To be given every entry of `scanFrames`, from before the exchange begins. */
  note({ position, frame }: ScannedEntry): void {
    if (frame.kind === "damage" || frame.kind === "request-base") return;
    const { kind, exchangeId } = frame;
    if (kind === "open" && !this.#held.has(exchangeId))
      this.#held.set(exchangeId, { parts: new ExchangeParts(), bytes: 0 });
    const held = this.#held.get(exchangeId);
    if (held === undefined) return;
    const decoded = kind === "request-delta" ? this.#bodies.resolve(position, frame) : decodeFrame(frame);
    const isKnown = typeof decoded === "object" && decoded.kind !== "unknown" && decoded.kind !== "ws-bytes";
    const bytes = isKnown && "bytes" in decoded ? decoded.bytes.length : 0;
    held.bytes += bytes;
    this.#bytes += bytes;
    if (isKnown && this.#bytes <= this.#maxBytes) held.parts.add(decoded);
    else this.#drop(exchangeId, held);
  }

  /** An exchange that was just closed. Undefined: it has to be read. */
  take(exchangeId: string): CapturedExchange | undefined {
    const held = this.#held.get(exchangeId);
    if (held === undefined) return undefined;
    this.#drop(exchangeId, held);
    return held.parts.assemble(exchangeId);
  }

  /** The files that were read for bases; what is held stays. */
  close(): void {
    this.#bodies.close();
  }

  #drop(exchangeId: string, { bytes }: Held): void {
    this.#held.delete(exchangeId);
    this.#bytes -= bytes;
  }
}
