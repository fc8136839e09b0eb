// JSON objects that repeat each other: an agent sends its whole history with each request. What stands in a text as it stood in
// an earlier one (a member's value, or an item of a member that is a list, or all of them) is not parsed again: it is the same object as
// before, so that what was derived from it can be found again by its identity. Nobody may change what comes from here.
//
// The earlier text is the one that has the longest beginning in common. Up to there all places are known, from there on the
// text is cut into values; each is compared with its predecessor or parsed. Only the cutting is done here; whatever the text
// holds that is not plainly an object leaves the work to JSON.parse, and so does the first text of its kind.

import type { Json } from "../contract/projection.ts";
import { type Place, placesOf } from "./json-places.ts";

/** Texts with less in common are parsed as a whole: cutting them costs more. */
const MIN_COMMON_SHARE = 0.25;
const COMPARED_AT_ONCE = 4_096;

interface Known {
  readonly text: string;
  readonly root: { readonly [key: string]: Json };
  /** `undefined`: not cut yet; null: cannot be cut. */
  places: readonly Place[] | undefined | null;
}

export interface Bounds {
  /** How many texts are kept. */
  readonly texts: number;
  /** UTF-16 units of all of them. */
  readonly chars: number;
}

export class GrowingJson {
  readonly #bounds: Bounds;
  /** Latest last. */
  #known: Known[] = [];

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** Equal to what JSON.parse makes of it; throws as it does. */
  parse(text: string): Json {
    const { base, common } = this.#closest(text);
    const grown = base === undefined ? undefined : grownFrom(base, common, text);
    const value = grown?.root ?? (JSON.parse(text) as Json);
    if (isObject(value)) this.#keep(grown ?? { text, root: value, places: undefined }, base);
    return value;
  }

  #closest(text: string): { readonly base: Known | undefined; readonly common: number } {
    let base: Known | undefined;
    let common = Math.floor(text.length * MIN_COMMON_SHARE);
    for (const known of this.#known) {
      const length = commonPrefix(text, known.text);
      if (length <= common) continue;
      base = known;
      common = length;
    }
    return { base, common };
  }

  /** `base` has told what it knew. */
  #keep(known: Known, base: Known | undefined): void {
    const kept = [...this.#known.filter((each) => each !== base), known].slice(-this.#bounds.texts);
    let chars = kept.reduce((sum, { text }) => sum + text.length, 0);
    while (chars > this.#bounds.chars) chars -= kept.shift()!.text.length;
    this.#known = kept;
  }
}

/** `undefined`: it has to be parsed as a whole, as it may not even be JSON. */
function grownFrom(base: Known, common: number, text: string): Known | undefined {
  base.places ??= placesOf(base.text, []) ?? null;
  if (base.places === null) return undefined;
  // A number may go on where its text ended; what is followed by something that did not change is whole.
  const changed = base.places.findIndex(({ end }) => end >= common);
  const kept = changed === -1 ? base.places : base.places.slice(0, changed);
  const places = placesOf(text, kept);
  if (places === undefined) return undefined;
  const before = new Map(base.places.slice(kept.length).map((place) => [nameOf(place), place]));
  const root: Record<string, Json> = {};
  try {
    for (const [i, place] of places.entries()) {
      const { key, item } = place;
      const old = i < kept.length ? place : before.get(nameOf(place));
      const isSame = old === place || (old !== undefined && textAt(base.text, old) === textAt(text, place));
      const value = isSame ? valueAt(base, old) : (JSON.parse(textAt(text, place)) as Json);
      if (item === undefined) root[key] = value;
      else if (item === 0) root[key] = [value];
      else (root[key] as Json[]).push(value);
    }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  for (const [key, value] of Object.entries(root)) {
    const old = base.root[key];
    if (Array.isArray(value) && Array.isArray(old) && isSameList(value, old)) root[key] = old as Json;
  }
  return { text, root, places };
}

function isSameList(a: readonly Json[], b: readonly Json[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

const textAt = (text: string, { start, end }: Place): string => text.slice(start, end);
const nameOf = ({ key, item }: Place): string => (item === undefined ? key : `${item} ${key}`);

function valueAt({ root }: Known, { key, item }: Place): Json {
  const member = root[key]!;
  return item === undefined ? member : (member as readonly Json[])[item]!;
}

/** Length of the longest common beginning. */
function commonPrefix(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let same = 0;
  let step = COMPARED_AT_ONCE;
  while (step >= 1 && same < length) {
    if (a.slice(same, same + step) === b.slice(same, same + step)) same = Math.min(same + step, length);
    else step = Math.floor(step / 2);
  }
  return same;
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
