import { distance } from "fastest-levenshtein";

// A plugin is often called by the last part of its name, and a scope in common makes no likeness.
const last = (name: string): string => name.slice(name.lastIndexOf("/") + 1);

/** ` Did you mean "x"?` for the nearest candidate, or an empty string when none is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(last(word).length / 3)) + 1;
  for (const candidate of candidates) {
    const d = Math.min(distance(word, candidate), distance(word, last(candidate)));
    if (d < bestDistance) [best, bestDistance] = [candidate, d];
  }
  return best === undefined ? "" : ` Did you mean "${best}"?`;
}
