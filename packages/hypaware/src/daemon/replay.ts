// Every ended exchange of all journals in the order of their ends, as the recorder met them. Runs of several gateways overlap,
// so their journals are merged; a journal is opened only when the merge comes to the time its gateway started.

import type { JournalPosition } from "../contract/frame.ts";
import type { EndedExchange, RunFollower } from "./run-follower.ts";

export interface ReplayRun {
  readonly follower: RunFollower;
  readonly alive: boolean;
  /** What a living run has behind it is not read. */
  readonly to?: JournalPosition;
  /** Milliseconds since the epoch; no exchange of the run ended before. */
  readonly startedAt: number;
}

interface Head {
  readonly run: ReplayRun;
  readonly rest: Generator<EndedExchange>;
  next: EndedExchange;
}

/** `runs`: by time of start. */
export function* replayInOrder(
  runs: readonly ReplayRun[],
): Generator<{ ended: EndedExchange; run: ReplayRun }> {
  const waiting = [...runs];
  const heads: Head[] = [];
  for (;;) {
    const earliest = heads.reduce<Head | undefined>(
      (best, head) => (best === undefined || head.next.endedAt < best.next.endedAt ? head : best),
      undefined,
    );
    const [opening] = waiting;
    if (opening !== undefined && (earliest === undefined || opening.startedAt <= earliest.next.endedAt)) {
      waiting.shift();
      const rest = wholeRun(opening);
      const first = rest.next();
      if (first.done !== true) heads.push({ run: opening, rest, next: first.value });
      continue;
    }
    if (earliest === undefined) return;
    yield { ended: earliest.next, run: earliest.run };
    const following = earliest.rest.next();
    if (following.done === true) heads.splice(heads.indexOf(earliest), 1);
    else earliest.next = following.value;
  }
}

function* wholeRun({ follower, alive, to }: ReplayRun): Generator<EndedExchange> {
  yield* follower.ended(alive, to);
  if (!alive) yield* follower.interrupted();
}
