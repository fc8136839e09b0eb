import { LIMITS } from "../contract/limits.ts";

/** A tap, as the clock sees it. */
export interface Flushable {
  flush(): void;
}

/** What all taps of one gateway share: the one timer that hands waiting response bytes on, and counts. */
export class TapClock {
  #waiting: Flushable[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Bytes of request bodies that taps hold back for a full frame. */
  heldRequestBytes = 0;
  droppedFrames = 0;
  droppedBytes = 0;
  /** Exchanges whose recording ended early because of a bug of ours. */
  failedTaps = 0;

  /** `flush` is called once, at most `tapDelayMs` from now. */
  soon(tap: Flushable): void {
    this.#waiting.push(tap);
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#fire(), LIMITS.tapDelayMs).unref();
  }

  #fire(): void {
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const tap of waiting) tap.flush();
  }
}
