// Node reads a socket into a fresh 64 KB buffer each time. A fast body leaves tens of megabytes of them behind before V8
// looks at memory outside its heap, so the gateway asks for a scavenge after every few megabytes of bodies: they are young
// garbage, and the pause is short.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { LIMITS } from "../contract/limits.ts";

type Collect = (options: { readonly type: "minor" }) => void;

function scavenger(): Collect {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as Collect;
  setFlagsFromString("--no-expose-gc");
  return collect;
}

/** What all exchanges of a gateway count their body bytes into. */
export class ReadGarbage {
  readonly #collect = scavenger();
  #bytes = 0;

  passed(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < LIMITS.readGarbageBytes) return;
    this.#bytes = 0;
    this.#collect({ type: "minor" });
  }
}
