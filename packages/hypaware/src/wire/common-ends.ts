/** How many bytes two texts have in common at their beginnings and, not counted twice, at their ends. */
export interface CommonEnds {
  readonly prefix: number;
  readonly suffix: number;
}

export function commonEnds(a: Buffer, b: Buffer): CommonEnds {
  const prefix = commonPrefix(a, b);
  const suffix = commonSuffix(a, b, Math.min(a.length, b.length) - prefix);
  return { prefix, suffix };
}

/** `known` of them are known to be the same. */
export function commonPrefix(a: Buffer, b: Buffer, known = 0): number {
  const most = Math.min(a.length, b.length) - known;
  const isEqual = (from: number, to: number): boolean =>
    a.compare(b, known + from, known + to, known + from, known + to) === 0;
  return known + longest(most, isEqual);
}

export function commonSuffix(a: Buffer, b: Buffer, most: number): number {
  return longest(most, (from, to) => {
    return a.compare(b, b.length - to, b.length - from, a.length - to, a.length - from) === 0;
  });
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
