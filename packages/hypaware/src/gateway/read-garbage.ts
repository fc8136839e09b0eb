// Node reads a socket into a fresh 64 KB buffer each time. A fast body leaves tens of megabytes of them behind before V8
// looks at memory outside its heap. So after every few megabytes of bodies the gateway looks itself, and asks for a scavenge when
// much is held there: most of it is young garbage, and the pause is a fraction of a millisecond. Many small bodies never come to that,
// because what else an exchange needs fills the young generation first. Buffers that waited for the disk have grown old by then; for those
// a whole collection, about 16 ms, is due when much is held outside the heap, and seldom: V8 itself would do it at twice that.
//
// V8 decides after each whole collection how far the heap may grow before the next, by how fast that one was, and counts what is held
// outside, too. Where it decides for little, every 30th exchange brings a collection, and V8's threads take as long for them as the
// exchanges themselves take. As what is outside is bounded here, the growth is a fixed one.

import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { LIMITS } from "../contract/limits.ts";

type Collect = (options: { readonly type: "minor" | "major" }) => void;

function collector(): Collect {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as Collect;
  setFlagsFromString("--no-expose-gc");
  return collect;
}

/** What all exchanges of a gateway count their body bytes into. */
export class ReadGarbage {
  readonly #collect = collector();
  #sinceMinor = 0;
  #sinceMajor = 0;

  constructor() {
    setFlagsFromString(`--heap-growing-percent=${LIMITS.heapGrowthPercent}`);
  }

  passed(bytes: number): void {
    this.#sinceMinor += bytes;
    if (this.#sinceMinor < LIMITS.readGarbageBytes) return;
    this.#sinceMajor += this.#sinceMinor;
    this.#sinceMinor = 0;
    const held = getHeapStatistics().external_memory;
    if (held < LIMITS.youngGarbageBytes) return;
    const isMajorDue = this.#sinceMajor >= LIMITS.oldGarbageBytes && held >= LIMITS.oldGarbageBytes;
    if (isMajorDue) this.#sinceMajor = 0;
    this.#collect({ type: isMajorDue ? "major" : "minor" });
  }
}
