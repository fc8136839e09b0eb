// JSON objects that repeat each other: an agent sends its whole history with each request. What stands in a text as it stood in
// an earlier one (a member's value, or an item of a member that is a list, or all of them) is not even decoded: it is the same object
// as before, so that what was derived from it can be found again by its identity. Nobody may change what comes from here.
//
// The earlier text is the one that has the longest beginning in common. Up to there all places are known, from there on the
// text is cut into values; each is compared with its predecessor or parsed. Only the cutting is done here; whatever the text
// holds that is not plainly an object leaves the work to JSON.parse, and so does the first text of its kind.

import type { Json } from "../contract/projection.ts";
import { commonPrefix } from "./common-ends.ts";
import { type Cut, type Place, placesOf } from "./json-places.ts";
import { utf8Text } from "./utf8-text.ts";

/** Texts with less in common are parsed as a whole: cutting them costs more. */
const MIN_COMMON_SHARE = 0.25;
/** Good enough to look no further. */
const NEARLY_ALL = 15 / 16;

interface Known {
  readonly bytes: Buffer;
  readonly root: { readonly [key: string]: Json };
  /** `undefined`: not cut yet; null: cannot be cut. */
  places: readonly Place[] | undefined | null;
}

export interface Bounds {
  /** How many texts are kept. */
  readonly texts: number;
  /** Of all of them. */
  readonly bytes: number;
}

export class GrowingJson {
  readonly #bounds: Bounds;
  /** Latest last. */
  #known: Known[] = [];

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** Equal to what JSON.parse makes of the text (UTF-8); throws as it does. The bytes are kept: they must not change. */
  parse(bytes: Buffer): Json {
    const { base, common } = this.#closest(bytes);
    const grown = base === undefined ? undefined : grownFrom(base, common, bytes);
    const value = grown?.root ?? (JSON.parse(utf8Text(bytes)) as Json);
    const isKept = isObject(value) && bytes.length <= this.#bounds.bytes;
    if (isKept) this.#keep(grown ?? { bytes, root: value, places: undefined }, base);
    return value;
  }

  #closest(bytes: Buffer): { readonly base: Known | undefined; readonly common: number } {
    let base: Known | undefined;
    let common = Math.floor(bytes.length * MIN_COMMON_SHARE);
    // An agent's next request comes soon after its last one.
    for (const known of this.#known.toReversed()) {
      // Most of the others differ before that.
      if (!isSame(bytes, 0, known.bytes, 0, common + 1)) continue;
      base = known;
      common = commonPrefix(bytes, known.bytes, common + 1);
      if (common >= known.bytes.length * NEARLY_ALL) break;
    }
    return { base, common };
  }

  /** `base` has told what it knew. */
  #keep(known: Known, base: Known | undefined): void {
    const kept = [...this.#known.filter((each) => each !== base), known].slice(-this.#bounds.texts);
    let bytes = kept.reduce((sum, each) => sum + each.bytes.length, 0);
    while (bytes > this.#bounds.bytes) bytes -= kept.shift()!.bytes.length;
    this.#known = kept;
  }
}

/** `undefined`: it has to be parsed as a whole, as it may not even be JSON. */
function grownFrom(base: Known, common: number, bytes: Buffer): Known | undefined {
  const earlier = cutOf(base);
  if (earlier === undefined) return undefined;
  // A number may go on where its text ended; what is followed by something that did not change is whole.
  const changed = earlier.places.findIndex(({ end }) => end >= common);
  const kept = changed === -1 ? earlier.places.length : changed;
  const places = placesOf(bytes, earlier, kept);
  if (places === undefined) return undefined;
  const before = new Map(earlier.places.slice(kept).map((place) => [nameOf(place), place]));
  const root = keptOf(base, places, kept);
  try {
    for (let i = kept; i < places.length; i++) {
      const place = places[i]!;
      const old = before.get(nameOf(place));
      const isOld = old !== undefined && isSameAt(bytes, place, base.bytes, old);
      const value = isOld ? valueAt(base, old) : parsedAt(bytes, place);
      if (place.item === undefined) root[place.key] = value;
      else if (place.item === 0) root[place.key] = [value];
      else (root[place.key] as Json[]).push(value);
    }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  for (const [key, value] of Object.entries(root)) {
    const old = base.root[key];
    if (Array.isArray(value) && Array.isArray(old) && isSameList(value, old)) root[key] = old as Json;
  }
  return { bytes, root, places };
}

/** What the first places hold, `kept` of them, as it was: lists up to there. */
function keptOf({ root }: Known, places: readonly Place[], kept: number): Record<string, Json> {
  const values: Record<string, Json> = {};
  for (let i = 0; i < kept; i++) {
    const { key, item } = places[i]!;
    if (item !== undefined && i + 1 < kept && places[i + 1]!.key === key) continue;
    const value = root[key]!;
    values[key] = item === undefined ? value : (value as readonly Json[]).slice(0, item + 1);
  }
  return values;
}

function cutOf(known: Known): Cut | undefined {
  known.places ??= placesOf(known.bytes) ?? null;
  return known.places === null ? undefined : { text: known.bytes, places: known.places };
}

function isSameList(a: readonly Json[], b: readonly Json[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

const nameOf = ({ key, item }: Place): string => (item === undefined ? key : `${item} ${key}`);

function parsedAt(bytes: Buffer, { start, end }: Place): Json {
  return JSON.parse(bytes.toString("utf8", start, end)) as Json;
}

function valueAt({ root }: Known, { key, item }: Place): Json {
  const member = root[key]!;
  return item === undefined ? member : (member as readonly Json[])[item]!;
}

function isSameAt(a: Buffer, inA: Place, b: Buffer, inB: Place): boolean {
  const length = inA.end - inA.start;
  return inB.end - inB.start === length && isSame(a, inA.start, b, inB.start, length);
}

/** Whether both have these bytes. */
function isSame(a: Buffer, atA: number, b: Buffer, atB: number, length: number): boolean {
  const isThere = atA + length <= a.length && atB + length <= b.length;
  return isThere && a.compare(b, atB, atB + length, atA, atA + length) === 0;
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
