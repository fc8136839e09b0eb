/** How many bytes two bodies have in common at their beginnings and, not counted twice, at their ends. */
export interface CommonEnds {
  readonly prefix: number;
  readonly suffix: number;
}

/** A base that the new body has so much of will hardly be wanted again: the new one stands for its conversation. */
const SUPERSEDED = 3 / 4;

export function supersedes({ prefix, suffix }: CommonEnds, base: Buffer): boolean {
  return prefix + suffix >= base.length * SUPERSEDED;
}

export function commonEnds(a: Buffer, b: Buffer): CommonEnds {
  const shorter = Math.min(a.length, b.length);
  const prefix = longest(shorter, (from, to) => a.compare(b, from, to, from, to) === 0);
  const suffix = longest(shorter - prefix, (from, to) => {
    return a.compare(b, b.length - to, b.length - from, a.length - to, a.length - from) === 0;
  });
  return { prefix, suffix };
}

/** False: neither end is longer than the known one, so both together are not. Looks at one byte behind each. */
export function mayHaveMore(a: Buffer, b: Buffer, known: CommonEnds): boolean {
  const { prefix, suffix } = known;
  return a[prefix] === b[prefix] || a[a.length - 1 - suffix] === b[b.length - 1 - suffix];
}

/** Largest length that is equal throughout, by halves: a native comparison of 200 KB costs less than a loop over 1 KB. */
function longest(most: number, isEqual: (from: number, to: number) => boolean): number {
  let equal = 0;
  let end = most;
  while (equal < end) {
    const middle = (equal + end + 1) >> 1;
    if (isEqual(equal, middle)) equal = middle;
    else end = middle - 1;
  }
  return equal;
}
