import * as fc from "fast-check";

// Messages of HTTP/1.1 that went wrong, and the pieces in which they come; each character a byte. HYP_WIRE_RUNS makes a property's runs
// more, HYP_WIRE_SEED others.

const FACTOR = Number(process.env["HYP_WIRE_RUNS"] ?? 1);

export function runs(count: number): { readonly numRuns: number; readonly seed: number } {
  return { numRuns: count * FACTOR, seed: Number(process.env["HYP_WIRE_SEED"] ?? 1) };
}

/** One of all. */
export function among(...lists: readonly string[][]): fc.Arbitrary<string> {
  return fc.constantFrom(...lists.flat());
}

/** What parsers differ about. */
const TROUBLE = [
  ["\r", "\n", " ", "\t", "\0", "\x01", "\x7f", "\x80", "\xa0", "\xff"],
  [":", ";", ",", '"', "'", "+", "-", "=", "0", "5", "a", "G"],
  ["\r\n", "\n\n", "\r\r", "\r\n ", " \r\n", "0x"],
];

const change = fc.record({
  kind: fc.constantFrom("insert", "delete", "double", "replace", "move-line-end"),
  at: fc.nat(),
  length: fc.integer({ min: 1, max: 6 }),
  what: fc.oneof(
    { weight: 4, arbitrary: among(...TROUBLE) },
    { weight: 1, arbitrary: fc.nat(255).map((code) => String.fromCharCode(code)) },
  ),
});

type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function changed(text: string, { kind, at, length, what }: Change): string {
  const from = at % (text.length + 1);
  const [before, after] = [text.slice(0, from), text.slice(from)];
  switch (kind) {
    case "insert":
      return before + what + after;
    case "delete":
      return before + after.slice(length);
    case "double":
      return before + after.slice(0, length * 8) + after;
    case "replace":
      return before + what + after.slice(what.length);
    default: {
      const ends = [...text.matchAll(/[\r\n]/g)];
      const end = ends[at % Math.max(1, ends.length)];
      if (end === undefined) return text;
      const rest = text.slice(0, end.index) + text.slice(end.index + 1);
      const to = (end.index + length - 3 + rest.length) % (rest.length + 1);
      return rest.slice(0, to) + end[0] + rest.slice(to);
    }
  }
}

/** Half of them whole. */
export function mangled(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const changes = fc.oneof(fc.constant([]), fc.array(change, { minLength: 1, maxLength: 3 }));
  return fc.tuple(text, changes).map(([whole, all]) => all.reduce(changed, whole));
}

/** Where bytes are cut. */
export const cuts = fc.oneof(
  fc.constant<"each" | number[]>("each"),
  fc.array(fc.nat(), { maxLength: 8 }) as fc.Arbitrary<"each" | number[]>,
);

export function pieces(bytes: Buffer, where: "each" | readonly number[]): Buffer[] {
  const places = where === "each" ? [...bytes.keys()] : where.map((at) => at % (bytes.length + 1));
  const borders = [...new Set([0, ...places, bytes.length])].sort((a, b) => a - b);
  return borders.slice(1).map((end, i) => bytes.subarray(borders[i], end));
}
