import type { JsonObject } from "../../contract/projection.ts";
import { asObject, asObjects, parseJson } from "../loose.ts";

/**
 * The objects of a body: one, or an array of them. An array that broke off gives its whole elements; the one that was cut
 * is lost, as an event of a stream would be.
 */
export function objectsOf(body: string | null): readonly JsonObject[] {
  const value = parseJson(body);
  if (value !== undefined) {
    const alone = asObject(value);
    return alone === undefined ? asObjects(value) : [alone];
  }
  if (body === null || !body.trimStart().startsWith("[")) return [];
  return elements(body)
    .map((text) => asObject(parseJson(text)))
    .filter((element) => element !== undefined);
}

/** Texts of the objects directly inside an array. */
function elements(text: string): readonly string[] {
  const found: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      at = endOfString(text, at);
    } else if (char === "{") {
      if (depth === 0) start = at;
      depth += 1;
    } else if (char === "}") {
      depth -= 1;
      if (depth === 0) found.push(text.slice(start, at + 1));
      if (depth < 0) break;
    }
  }
  return found;
}

/** Where the string that opens at `open` is closed; the text's end when it is not. */
function endOfString(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    if (text[at] === '"') return at;
    if (text[at] === "\\") at += 1;
  }
  return text.length;
}
