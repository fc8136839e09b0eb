/** What is wrong. */
export const DIFFERENCES = [
  "missing", // the client's record has it, the store has not
  "doubled", // the store has it more than once
  "differs", // the store says something else
  "unlinked", // the store has it twice, once as it was sent and once as the client wrote it down
  "extra", // the store has it, the record has not, and nothing explains why
  "broken", // the store contradicts itself
] as const;
export type DifferenceClass = (typeof DIFFERENCES)[number];

/** A closed list of what differs by nature, with the fact about clients that explains it (docs/truth.md). */
export const NATURES = [
  "not_carried", // a response or an attempt in no exchange: its session did not run through the gateway then, or it reached nobody
  "side_call", // an exchange of which the client keeps no line: a title, a compaction, a count of tokens
  "no_answer", // an attempt that failed, was cut or given up, and what was said only there
  "unreadable", // an answer in a content encoding that the client never offered to read: it keeps nothing of it
  "wire_only", // what the client adds to what was said whenever it sends it, without a line of its own
  "framed", // a text that the client sends with a frame of its own around it
  "not_sent", // a line that no request repeated, because the client ended before
  "copied", // a line that repeats another session's, as a fork's do
  "estimate", // what the client guesses that a cut answer cost
  "no_record", // a conversation of which the client keeps no record
] as const;
export type Nature = (typeof NATURES)[number];

export interface Difference {
  readonly class: DifferenceClass;
  readonly subject: "message" | "response" | "attempt" | "exchange" | "total";
  readonly id: string;
  readonly conversation_id: string | null;
  /** The column, where one differs. */
  readonly column?: string;
  /** What the client's record says, and what the store has; long texts are digests. */
  readonly told?: string | number | null;
  readonly stored?: string | number | null;
  /** `<file>:<line>` of the record. */
  readonly place?: string;
  readonly message: string;
}

export type NatureCounts = Readonly<Partial<Record<Nature, number>>>;

/** Gathers what one comparison finds. */
export class Findings {
  readonly differences: Difference[] = [];
  readonly #natures = new Map<Nature, number>();

  add(difference: Difference): void {
    this.differences.push(difference);
  }

  natural(nature: Nature, count = 1): void {
    if (count > 0) this.#natures.set(nature, (this.#natures.get(nature) ?? 0) + count);
  }

  /** In the order of NATURES. */
  get natures(): NatureCounts {
    return Object.fromEntries(
      NATURES.flatMap((each) => {
        const count = this.#natures.get(each);
        return count === undefined ? [] : [[each, count]];
      }),
    );
  }
}
