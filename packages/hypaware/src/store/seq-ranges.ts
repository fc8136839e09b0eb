/** Ascending numbers as inclusive ranges, which for rows that were written together is much shorter. */
export type SeqRanges = readonly (readonly [number, number])[];

/** From numbers in any order, each once. */
export function toRanges(numbers: readonly number[]): SeqRanges {
  const ranges: [number, number][] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges;
}

export function* inRanges(ranges: SeqRanges): Generator<number> {
  for (const [from, to] of ranges) for (let number = from; number <= to; number += 1) yield number;
}

export function rangesCount(ranges: SeqRanges): number {
  return ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);
}
