import type { Arrival } from "../contract/frame.ts";

/** When the bytes of a stream arrived, for as long as they wait to be recorded. */
export class Arrivals {
  /** Oldest first. */
  #waiting: { tMs: number; length: number }[] = [];

  add(length: number, tMs: number): void {
    const last = this.#waiting.at(-1);
    if (last?.tMs === tMs) last.length += length;
    else this.#waiting.push({ tMs, length });
  }

  /** Of the next `length` bytes, which must be here; a piece that is only partly taken is split. */
  take(length: number): Arrival[] {
    const taken: Arrival[] = [];
    let used = 0;
    let missing = length;
    while (missing > 0) {
      const first = this.#waiting[used]!;
      if (first.length > missing) {
        taken.push({ tMs: first.tMs, length: missing });
        first.length -= missing;
        break;
      }
      missing -= first.length;
      taken.push(first);
      used++;
    }
    this.#waiting = this.#waiting.slice(used);
    return taken;
  }
}
