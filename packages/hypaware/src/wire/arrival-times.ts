import type { Arrival } from "../contract/frame.ts";

/** When the bytes of a stream arrived. */
export class ArrivalTimes {
  readonly #arrivals: Arrival[] = [];
  /** How many of them were passed, and how many bytes with them. */
  #passed = 0;
  #bytes = 0;

  add(arrivals: readonly Arrival[]): void {
    for (const each of arrivals) this.#arrivals.push(each);
  }

  /** Of the byte that `end` stands behind. To be asked in the order of the stream. */
  of(end: number): number {
    while (this.#passed < this.#arrivals.length && this.#bytes < end)
      this.#bytes += this.#arrivals[this.#passed++]!.length;
    return this.#arrivals[this.#passed - 1]?.tMs ?? 0;
  }
}
