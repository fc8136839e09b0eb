// Which inferred conversation is which one of a client's record, by a key that both have. One on either side: these two. Of several that
// pair counts that the clock leaves alone: it was written down while it went over the wire. What that does not decide stays as it is.

import type { JoinPlace } from "../contract/record.ts";

export interface Join {
  /** Ids of conversations. */
  readonly inferred: string;
  readonly told: string;
}

/** A client writes down an answer when it has come to its end, and may have much to do before. */
const LATE_MS = 60_000;
/** Clocks of one machine, read by two programs. */
const SKEW_MS = 1_000;

export function decideJoins(wire: readonly JoinPlace[], told: readonly JoinPlace[]): readonly Join[] {
  const pairs = wire.flatMap((one) =>
    told.filter((other) => mayBe(one, other)).map((other) => ({ one, other })),
  );
  const all = distinct(pairs);
  if (all.length <= 1) return all;
  return alone(distinct(pairs.filter(({ one, other }) => isAtOnce(one, other))));
}

/** The wire may name the session and leave the conversation open. */
function mayBe({ sessionId: sent }: JoinPlace, { sessionId: told }: JoinPlace): boolean {
  return sent === null || sent === told;
}

function isAtOnce(one: JoinPlace, other: JoinPlace): boolean {
  return one.from - SKEW_MS <= other.to && other.from <= one.to + LATE_MS;
}

function distinct(pairs: readonly { readonly one: JoinPlace; readonly other: JoinPlace }[]): readonly Join[] {
  const joins = new Map(
    pairs.map(({ one, other }) => [
      JSON.stringify([one.conversationId, other.conversationId]),
      { inferred: one.conversationId, told: other.conversationId },
    ]),
  );
  return [...joins.values()];
}

/** Those of which neither side has another. */
function alone(joins: readonly Join[]): readonly Join[] {
  return joins.filter(({ inferred, told }) =>
    joins.every((other) => (other.inferred === inferred) === (other.told === told)),
  );
}
