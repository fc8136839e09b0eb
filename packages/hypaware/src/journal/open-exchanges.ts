import type { JournalPosition, OpenHead } from "../contract/frame.ts";
import { decodeFrame } from "./codec.ts";
import type { ScannedEntry } from "./reader.ts";

/** Where the frames of one exchange stand: all lie between `from` and `to`, among those of others. */
export interface ExchangeSpan {
  readonly exchangeId: string;
  readonly from: JournalPosition;
  readonly to: JournalPosition;
  /** null when its first frame is not an `open`. */
  readonly open: OpenHead | null;
}

/** The exchanges of one run that have begun and not ended, for a reader that follows it. Keeps heads and positions, never bodies. */
export class OpenExchanges {
  /** Iterates in the order in which they began. */
  readonly #spans = new Map<string, ExchangeSpan>();

  /** To be given every entry of `scanFrames`. Returns the span of the exchange that this entry closes. */
  note({ position, next, frame }: ScannedEntry): ExchangeSpan | undefined {
    // A `request-base` stands behind the frames that need it, maybe behind its exchange's `close`.
    if (frame.kind === "damage" || frame.kind === "request-base") return undefined;
    const { exchangeId } = frame;
    const known = this.#spans.get(exchangeId);
    let open = known?.open ?? null;
    if (!known && frame.kind === "open") {
      const decoded = decodeFrame(frame);
      if (decoded?.kind === "open") open = decoded.head;
    }
    const span = { exchangeId, from: known?.from ?? position, to: next, open };
    if (frame.kind !== "close") {
      this.#spans.set(exchangeId, span);
      return undefined;
    }
    this.#spans.delete(exchangeId);
    return span;
  }

  /** Undefined: it has not begun, or has ended. */
  get(exchangeId: string): ExchangeSpan | undefined {
    return this.#spans.get(exchangeId);
  }

  /** Where a reader that forgot everything must begin again to see all of every open exchange; undefined: none is open. */
  lowWater(): JournalPosition | undefined {
    return this.#spans.values().next().value?.from;
  }

  /** In the order in which they began. */
  all(): readonly ExchangeSpan[] {
    return [...this.#spans.values()];
  }
}
