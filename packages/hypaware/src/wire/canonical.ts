import type { Json } from "../contract/projection.ts";

const NOTHING: ReadonlySet<string> = new Set();

interface Open {
  /** The value's entries in the order they are written; a name of undefined stands in an array. */
  readonly entries: readonly (readonly [name: string | undefined, value: Json | undefined])[];
  readonly close: "]" | "}";
  next: number;
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
    const open = opened(each, omit);
    text += open.close === "]" ? "[" : "{";
    stack.push(open);
  };

  write(value);
  for (let open = stack.at(-1); open !== undefined; open = stack.at(-1)) {
    const entry = open.entries[open.next];
    if (entry === undefined) {
      text += open.close;
      stack.pop();
      continue;
    }
    if (open.next > 0) text += ",";
    open.next += 1;
    const [name, member] = entry;
    if (name !== undefined) text += `${JSON.stringify(name)}:`;
    write(member);
  }
  return text;
}

function opened(
  value: readonly Json[] | { readonly [key: string]: Json | undefined },
  omit: ReadonlySet<string>,
): Open {
  if (isArray(value))
    return { entries: value.map((item) => [undefined, item] as const), close: "]", next: 0 };
  const entries = Object.keys(value)
    .filter((name) => value[name] !== undefined && !omit.has(name))
    .sort()
    .map((name) => [name, value[name]] as const);
  return { entries, close: "}", next: 0 };
}

/** Array.isArray does not narrow readonly arrays. */
function isArray(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
