import type { Json } from "../contract/projection.ts";

const NOTHING: ReadonlySet<string> = new Set();

/** A list or an object that is being written. */
interface Open {
  readonly value: readonly Json[] | { readonly [name: string]: Json | undefined };
  /** In the order they are written; undefined: a list. */
  readonly names: readonly string[] | undefined;
  next: number;
  isEmpty: boolean;
}

/**
 * Compact JSON with object keys sorted by UTF-16 code units at every level; arrays keep their order, undefined members
 * are left out, and so are members whose name is in `omit`. Hashes are taken over it, so its output must never change.
 * Not recursive: depth is bounded by memory only.
 */
export function canonicalJson(value: Json, omit: ReadonlySet<string> = NOTHING): string {
  let text = "";
  const stack: Open[] = [];
  const write = (each: Json | undefined): void => {
    if (each === null || each === undefined || typeof each !== "object") {
      text += JSON.stringify(each ?? null);
      return;
    }
    const names = isArray(each) ? undefined : Object.keys(each).sort();
    text += names === undefined ? "[" : "{";
    stack.push({ value: each, names, next: 0, isEmpty: true });
  };

  write(value);
  for (let open = stack.at(-1); open !== undefined; open = stack.at(-1)) {
    const { value: outer, names } = open;
    const at = open.next++;
    const name = names?.[at];
    if (isArray(outer) ? at === outer.length : name === undefined) {
      text += names === undefined ? "]" : "}";
      stack.pop();
      continue;
    }
    const member = isArray(outer) ? outer[at] : outer[name!];
    if (name !== undefined && (member === undefined || omit.has(name))) continue;
    if (!open.isEmpty) text += ",";
    open.isEmpty = false;
    if (name !== undefined) text += `${JSON.stringify(name)}:`;
    write(member);
  }
  return text;
}

/** Array.isArray does not narrow readonly arrays. */
function isArray(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
