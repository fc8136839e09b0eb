// Where the values of a JSON object lie in its text, without parsing them: strings are passed over from quote to quote, so the
// cost is that of looking for quotes. What lies between the values is checked, the values themselves are not.

export interface Place {
  readonly key: string;
  /** Position in the list, when the member is a list that is not empty; then each item has a place of its own. */
  readonly item: number | undefined;
  readonly start: number;
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const LIST_OPEN = 0x5b;
const LIST_END = 0x5d;
const OBJECT_OPEN = 0x7b;
const OBJECT_END = 0x7d;

/**
 * In the order of the text. `undefined`: not plainly an object. So are one with a key that comes twice and one with a key
 * `__proto__`, of which JSON.parse makes something of its own. `known`: the first ones, when they are known; text behind the
 * last of them is looked at.
 */
export function placesOf(text: string, known: readonly Place[]): readonly Place[] | undefined {
  const places = [...known];
  const keys = new Set(known.map(({ key }) => key));
  const last = known.at(-1);
  let at = last?.end ?? skipSpace(text, 0);
  let key = last?.key ?? "";
  let item = last?.item;
  let expected: "member" | "item" | "end of item" | "end of member" = "member";
  if (last !== undefined) expected = item === undefined ? "end of member" : "end of item";
  else if (text.charCodeAt(at) !== OBJECT_OPEN) return undefined;
  else at = skipSpace(text, at + 1);

  for (;;) {
    if (expected === "member") {
      const keyEnd = text.charCodeAt(at) === QUOTE ? stringEnd(text, at) : -1;
      const name = keyEnd === -1 ? undefined : keyOf(text.slice(at, keyEnd));
      if (name === undefined || name === "__proto__" || keys.has(name)) return undefined;
      keys.add((key = name));
      at = skipSpace(text, keyEnd);
      if (text.charCodeAt(at) !== COLON) return undefined;
      at = skipSpace(text, at + 1);
      const first = text.charCodeAt(at) === LIST_OPEN ? skipSpace(text, at + 1) : -1;
      const isList = first !== -1 && text.charCodeAt(first) !== LIST_END;
      item = isList ? 0 : undefined;
      if (isList) at = first;
      expected = "item";
    } else if (expected === "item") {
      const end = valueEnd(text, at);
      if (end <= at) return undefined;
      places.push({ key, item, start: at, end });
      at = end;
      expected = item === undefined ? "end of member" : "end of item";
    } else {
      at = skipSpace(text, at);
      const mark = text.charCodeAt(at);
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

function keyOf(text: string): string | undefined {
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}

function skipSpace(text: string, from: number): number {
  for (let at = from; ; at++) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at;
  }
}

/** Behind the value that begins at `at`, if it is one; -1 when it has no end. */
function valueEnd(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === QUOTE) return stringEnd(text, at);
  const isNested = first === OBJECT_OPEN || first === LIST_OPEN;
  let depth = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
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
function stringEnd(text: string, at: number): number {
  let quote = text.indexOf('"', at + 1);
  while (quote !== -1) {
    let before = quote - 1;
    while (text.charCodeAt(before) === BACKSLASH) before -= 1;
    // An even number of backslashes stand for themselves.
    if ((quote - before) % 2 === 1) return quote + 1;
    quote = text.indexOf('"', quote + 1);
  }
  return -1;
}
