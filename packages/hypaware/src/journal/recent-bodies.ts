import { LIMITS } from "../contract/limits.ts";
import { commonEnds, mayHaveMore } from "../wire/common-ends.ts";
import type { CommonEnds } from "../wire/common-ends.ts";
import type { Beginnings } from "./body-checksum.ts";
import { supersedes } from "./request-delta.ts";

/** Where a frame stands in the segment that is written now. Each write sets it anew, so who refers to it follows it. */
export interface FramePlace {
  offset: number;
}

/** A request body in the segment that is written now, and how many frames rebuild it. */
export interface RecentBody {
  readonly upstream: string;
  readonly bytes: Buffer;
  readonly place: FramePlace;
  readonly chain: number;
  readonly beginnings: Beginnings;
}

export interface FoundBase extends CommonEnds {
  readonly body: RecentBody;
}

/** Good enough to look no further: all but 1/16. */
const NEARLY_ALL = 15 / 16;
/** A difference that is larger than half of the body makes chains long for little. */
const WORTH = 1 / 2;

/** The bodies that a new one is compared with, within two bounds: so many of an upstream, so many bytes of all. */
export class RecentBodies {
  /** Oldest first. */
  #bodies: RecentBody[] = [];
  #bytes = 0;

  /** The one that has most in common with these bytes. `undefined`: none has enough, or its chain is at its bound. */
  find(upstream: string, bytes: Buffer): FoundBase | undefined {
    let best: FoundBase | undefined;
    let most = bytes.length * WORTH;
    for (const body of this.#bodies.toReversed()) {
      if (body.upstream !== upstream || body.bytes.length <= most) continue;
      if (best && !mayHaveMore(body.bytes, bytes, best)) continue;
      const ends = commonEnds(body.bytes, bytes);
      if (ends.prefix + ends.suffix <= most) continue;
      most = ends.prefix + ends.suffix;
      best = { body, ...ends };
      if (most >= bytes.length * NEARLY_ALL) break;
    }
    return best && best.body.chain < LIMITS.deltaChain ? best : undefined;
  }

  /** `base`: what the body was found to be a difference to. */
  remember(body: RecentBody, base?: FoundBase): void {
    if (base && supersedes(base, base.body.bytes)) this.#remove(base.body);
    this.#bodies.push(body);
    this.#bytes += body.bytes.length;
    const siblings = this.#bodies.filter(({ upstream }) => upstream === body.upstream);
    if (siblings.length > LIMITS.deltaBases) this.#remove(siblings[0]!);
    while (this.#bytes > LIMITS.deltaBasesBytes) this.#remove(this.#bodies[0]!);
  }

  forgetAll(): void {
    this.#bodies = [];
    this.#bytes = 0;
  }

  #remove(body: RecentBody): void {
    this.#bodies = this.#bodies.filter((other) => other !== body);
    this.#bytes -= body.bytes.length;
  }
}
