// Where the values of a JSON object lie in its text (UTF-8), without parsing them: strings are passed over from quote to quote, so
// the cost is that of looking for quotes. What lies between the values is checked, the values themselves are not. Whatever is
// looked for is ASCII, which is part of no other character, in damaged text neither.

import { commonSuffix } from "./common-ends.ts";

export interface Place {
  readonly key: string;
  /** Position in the list, when the member is a list that is not empty; then each item has a place of its own. */
  readonly item: number | undefined;
  readonly start: number;
  readonly end: number;
}

/** Of a string that is looked at byte by byte. */
const SHORT_BYTES = 24;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const LIST_OPEN = 0x5b;
const LIST_END = 0x5d;
const OBJECT_OPEN = 0x7b;
const OBJECT_END = 0x7d;

/** An earlier text, whose places may be those of this one. */
export interface Cut {
  readonly text: Buffer;
  readonly places: readonly Place[];
}

/**
 * In the order of the text. `undefined`: not plainly an object. So are one with a key that comes twice and one with a key
 * `__proto__`, of which JSON.parse makes something of its own. `known`: so many of the first ones are those of `earlier`, text
 * behind the last of them is looked at. From the first member on whose value and everything behind it stand in the earlier text,
 * too, its places are taken.
 */
export function placesOf(text: Buffer, earlier?: Cut, known = 0): readonly Place[] | undefined {
  const places = earlier === undefined ? [] : earlier.places.slice(0, known);
  const keys = keysOf(places);
  const last = places.at(-1);
  let at = last?.end ?? skipSpace(text, 0);
  let key = last?.key ?? "";
  let item = last?.item;
  let expected: "member" | "item" | "end of item" | "end of member" = "member";
  if (last !== undefined) expected = item === undefined ? "end of member" : "end of item";
  else if (text[at] !== OBJECT_OPEN) return undefined;
  else at = skipSpace(text, at + 1);
  const tail = earlier === undefined ? undefined : new Tail(text, earlier, at);

  for (;;) {
    if (expected === "member") {
      const keyEnd = text[at] === QUOTE ? stringEnd(text, at) : -1;
      const name = keyEnd === -1 ? undefined : keyOf(text.toString("utf8", at, keyEnd));
      if (name === undefined || name === "__proto__" || keys.has(name)) return undefined;
      keys.add((key = name));
      at = skipSpace(text, keyEnd);
      if (text[at] !== COLON) return undefined;
      at = skipSpace(text, at + 1);
      const first = text[at] === LIST_OPEN ? skipSpace(text, at + 1) : -1;
      const isList = first !== -1 && text[first] !== LIST_END;
      item = isList ? 0 : undefined;
      if (isList) at = first;
      const rest = tail?.from(at, key, item);
      if (rest !== undefined)
        return rest.every((place) => place.key === key || !keys.has(place.key))
          ? places.concat(rest)
          : undefined;
      expected = "item";
    } else if (expected === "item") {
      const end = valueEnd(text, at);
      if (end <= at) return undefined;
      places.push({ key, item, start: at, end });
      at = end;
      expected = item === undefined ? "end of member" : "end of item";
    } else {
      at = skipSpace(text, at);
      const mark = text[at];
      at = skipSpace(text, at + 1);
      if (expected === "end of item" && mark === COMMA) {
        item = item! + 1;
        expected = "item";
      } else if (expected === "end of item" && mark === LIST_END) expected = "end of member";
      else if (expected === "end of member" && mark === COMMA) expected = "member";
      else
        return expected === "end of member" && mark === OBJECT_END && at === text.length ? places : undefined;
    }
  }
}

/** What a text ends with as an earlier one does. */
class Tail {
  readonly #places: readonly Place[];
  /** From an earlier place to this one. */
  readonly #shift: number;
  /** Where it begins. */
  readonly #start: number;

  /** `at`: it is of no interest before that. */
  constructor(text: Buffer, earlier: Cut, at: number) {
    this.#places = earlier.places;
    this.#shift = text.length - earlier.text.length;
    const most = Math.min(text.length - at, earlier.text.length);
    this.#start = text.length - commonSuffix(text, earlier.text, Math.max(most, 0));
  }

  /** The places from a member's first on. `undefined`: it does not stand so in the tail. */
  from(at: number, key: string, item: number | undefined): readonly Place[] | undefined {
    if (at < this.#start) return undefined;
    const shift = this.#shift;
    const first = this.#indexOf(at - shift);
    const place = this.#places[first];
    if (place?.start !== at - shift || place.key !== key || place.item !== item) return undefined;
    return this.#places
      .slice(first)
      .map((each) => ({ ...each, start: each.start + shift, end: each.end + shift }));
  }

  /** Of the first place from there on. */
  #indexOf(start: number): number {
    let from = 0;
    let to = this.#places.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#places[middle]!.start < start) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/** Items of a list follow each other. */
function keysOf(places: readonly Place[]): Set<string> {
  const keys = new Set<string>();
  let last: string | undefined;
  for (const { key } of places) if (key !== last) keys.add((last = key));
  return keys;
}

function keyOf(text: string): string | undefined {
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}

function skipSpace(text: Buffer, from: number): number {
  for (let at = from; ; at++) {
    const code = text[at];
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at;
  }
}

/** Behind the value that begins at `at`, if it is one; -1 when it has no end. */
function valueEnd(text: Buffer, at: number): number {
  const first = text[at];
  if (first === QUOTE) return stringEnd(text, at);
  const isNested = first === OBJECT_OPEN || first === LIST_OPEN;
  let depth = 0;
  while (at < text.length) {
    const code = text[at]!;
    if (code === QUOTE) {
      at = stringEnd(text, at);
      if (at === -1) return -1;
      continue;
    }
    if (code === OBJECT_OPEN || code === LIST_OPEN) depth += 1;
    else if (code === OBJECT_END || code === LIST_END) {
      if (!isNested) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (!isNested && (code === COMMA || code <= 0x20)) return at;
    at += 1;
  }
  return -1;
}

/** Behind the string that begins at `at`; -1 when it has no end. */
function stringEnd(text: Buffer, at: number): number {
  // Names and types are short: a search costs more than they have bytes.
  for (let i = at + 1; i <= at + SHORT_BYTES; i++) {
    const code = text[i];
    if (code === QUOTE) return i + 1;
    if (code === BACKSLASH) break;
  }
  let quote = text.indexOf(QUOTE, at + 1);
  while (quote !== -1) {
    let before = quote - 1;
    while (text[before] === BACKSLASH) before -= 1;
    // An even number of backslashes stand for themselves.
    if ((quote - before) % 2 === 1) return quote + 1;
    quote = text.indexOf(QUOTE, quote + 1);
  }
  return -1;
}
