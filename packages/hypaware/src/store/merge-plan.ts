import { LIMITS } from "../contract/limits.ts";
import type { ListedSegment } from "./segments.ts";

/** Segments of one dataset that become one. */
export type MergePlan = readonly ListedSegment[];

/**
 * What to merge now. Segments are in classes by size, each `mergeFanIn` times the one below; a class that is full becomes one
 * segment of a higher class, or of the largest size, so that a row is written again once per class and never without end. A
 * segment with too many dead rows is written again alone. `all`: everything that is not large yet becomes one.
 */
export function planMerges(segments: readonly ListedSegment[], all = false): MergePlan[] {
  const datasets = [...new Set(segments.map(({ dataset }) => dataset))];
  return datasets.flatMap((dataset) => {
    const own = segments.filter((segment) => segment.dataset === dataset);
    const plans = all ? smallOnes(own) : fullClasses(own);
    const planned = new Set(plans.flat());
    const dirty = own.filter(
      (segment) => !planned.has(segment) && segment.dead > (all ? 0 : segment.rows * LIMITS.mergeDirtyShare),
    );
    return [...plans, ...dirty.map((segment) => [segment])];
  });
}

function fullClasses(segments: readonly ListedSegment[]): MergePlan[] {
  const classes = new Map<number, ListedSegment[]>();
  for (const segment of segments) {
    const size = sizeClass(segment.rows);
    classes.set(size, [...(classes.get(size) ?? []), segment]);
  }
  // Of the groups all but the last are as large as a segment may be.
  return [...classes.values()].flatMap((members) =>
    bounded(members).filter(
      ({ length }, n, { length: groups }) => length >= LIMITS.mergeFanIn || n < groups - 1,
    ),
  );
}

function smallOnes(segments: readonly ListedSegment[]): MergePlan[] {
  return bounded(segments).filter(({ length }) => length > 1);
}

/** In groups of at most `mergeBytes` each; a segment of half of that and more stays what it is. */
function bounded(segments: readonly ListedSegment[]): ListedSegment[][] {
  const groups: ListedSegment[][] = [];
  let bytes = 0;
  for (const segment of segments.filter((each) => each.bytes < LIMITS.mergeBytes / 2)) {
    const last = groups.at(-1);
    if (last === undefined || bytes + segment.bytes > LIMITS.mergeBytes) {
      groups.push([segment]);
      bytes = segment.bytes;
    } else {
      last.push(segment);
      bytes += segment.bytes;
    }
  }
  return groups;
}

function sizeClass(rows: number): number {
  return Math.floor(Math.log(Math.max(1, rows / LIMITS.sealFromRows)) / Math.log(LIMITS.mergeFanIn));
}
