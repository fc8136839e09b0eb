import * as fc from "fast-check";
import { expect, test } from "vitest";
import { cpuTimer } from "@hypaware/testkit";
import { GrowingJson } from "./growing-json.ts";

const BOUNDS = { texts: 4, bytes: 100_000 };

const parse = (growing: GrowingJson, text: string): unknown => growing.parse(Buffer.from(text));

const outcome = (parse: () => unknown): unknown => {
  try {
    return parse();
  } catch (error) {
    return (error as Error).name;
  }
};

/** Deep equality that also sees order of keys and own members called `__proto__`. */
const shown = (value: unknown): string => JSON.stringify(value) ?? "undefined";

interface Message {
  readonly role: string;
  readonly content: string;
}

const message = (n: number): Message => ({ role: "user", content: `message "${n}" \\ {[` });
const body = (messages: readonly unknown[], rest: object = {}): string =>
  JSON.stringify({ model: "m", messages, ...rest });

test("messages that were sent before are the same objects, and so is what did not change behind them", () => {
  const growing = new GrowingJson(BOUNDS);
  const tools = [{ name: "a", input: { deep: [1, 2] } }];
  const [one, two] = [10, 12].map((count) =>
    parse(
      growing,
      body(
        Array.from({ length: count }, (_, n) => message(n)),
        { tools, n: count },
      ),
    ),
  ) as unknown as { messages: Message[]; tools: object[] }[];
  expect(two!.messages).toHaveLength(12);
  expect(two!.messages.map((each, i) => each === one!.messages[i])).toEqual([
    ...Array<boolean>(10).fill(true),
    false,
    false,
  ]);
  expect(two!.tools).toBe(one!.tools);
});

test("what stands behind the list is the same object, wherever it moved to", () => {
  const growing = new GrowingJson(BOUNDS);
  const rest = { system: "s".repeat(50), tools: [{ name: "a" }, { name: "b" }], last: { deep: ["x"] } };
  const [one, two, three] = [[10], [12], [12, 1]].map(([count, more = 0]) => {
    const messages = Array.from({ length: count! }, (_, n) => message(n));
    return parse(growing, body(messages, { more, ...rest }));
  }) as unknown as (typeof rest)[];
  expect(two).toMatchObject(rest);
  expect(two!.tools).toBe(one!.tools);
  expect(two!.last).toBe(one!.last);
  expect(three!.last).toBe(one!.last);
});

test("a member that comes again behind what changed is no plain object", () => {
  const growing = new GrowingJson(BOUNDS);
  const text = (member: string): string => `{"a":"${"-".repeat(50)}",${member},"b":[1,2],"c":3}`;
  for (const member of ['"x":1', '"c":1', '"b":1', '"x":2'])
    expect(parse(growing, text(member))).toEqual(JSON.parse(text(member)));
});

test("a number that goes on is another number", () => {
  const growing = new GrowingJson(BOUNDS);
  for (const text of ['{"a":[1,2,3],"b":12}', '{"a":[1,2,3],"b":123}', '{"a":[1,2,34],"b":123}'])
    expect(parse(growing, text)).toEqual(JSON.parse(text));
});

const value = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom("\\", '"', '\\"', "{", "]", "é", "\ud800", 1e21, -0.5),
  fc.array(fc.jsonValue({ maxDepth: 1 }), { minLength: 1, maxLength: 6 }),
);
const key = fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom("__proto__", "a", "messages", "1"));
const object = fc.tuple(fc.array(fc.tuple(key, value), { maxLength: 6 }), fc.constantFrom(0, 1, "\t")).map(
  ([members, space]) =>
    // Keys may come twice.
    `{${members.map(([name, member]) => `${JSON.stringify(name)}:${JSON.stringify(member, null, space)}`).join(" ,")}}`,
);
/** Damaged UTF-8, too. */
const bytes = fc.constantFrom([0xff], [0xc3], [0xa9], [0xef, 0xbb, 0xbf], [0xe2, 0x82], [0xf0, 0x9f]);
/** Where, how many bytes of it go, and what comes. */
const edit = fc.tuple(
  fc.nat(),
  fc.nat(4),
  fc.oneof(
    fc.string({ maxLength: 4 }).map((text) => Buffer.from(text)),
    fc
      .constantFrom(",", "]", '"', "{", "}", ',"x":[1]', ',"a":1', ",[]", "\\", " ", "")
      .map((text) => Buffer.from(text)),
    bytes.map((each) => Buffer.from(each)),
  ),
);

test("it is what JSON.parse makes of it, whatever came before", () => {
  fc.assert(
    fc.property(
      fc.array(object, { minLength: 1, maxLength: 3 }),
      fc.array(edit, { maxLength: 12 }),
      (starts, edits) => {
        const growing = new GrowingJson(BOUNDS);
        for (const start of starts) {
          let text = Buffer.from(start);
          for (const [place, length, piece] of [[0, 0, Buffer.alloc(0)] as const, ...edits]) {
            const at = place % (text.length + 1);
            text = Buffer.concat([text.subarray(0, at), piece, text.subarray(at + length)]);
            const expected = shown(outcome(() => JSON.parse(new TextDecoder().decode(text))));
            expect(shown(outcome(() => growing.parse(text)))).toBe(expected);
          }
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("what is no object is parsed, too", () => {
  const growing = new GrowingJson(BOUNDS);
  for (const text of ["[1,2]", "[1,2,3]", "5", '"a"', "null"])
    expect(parse(growing, text)).toEqual(JSON.parse(text));
  for (const text of ["", "{", '{"a":1', '{"a":1}}', '{"a":[1,]}'])
    expect(() => parse(growing, text)).toThrow(SyntaxError);
});

test("texts are kept within their bounds", () => {
  const growing = new GrowingJson({ texts: 2, bytes: 1_000 });
  const of = (name: string, count: number): { messages: unknown[] } =>
    parse(
      growing,
      body(
        Array.from({ length: count }, (_, n) => message(n)),
        {},
      ).replace('"m"', `"${name}"`),
    ) as {
      messages: unknown[];
    };
  const [a] = [of("aaaa", 3).messages[0], of("bbbb", 3), of("cccc", 3)];
  expect(of("aaaa", 4).messages[0]).not.toBe(a);
  const c = of("cccc", 4).messages[0];
  expect(of("cccc", 5).messages[0]).toBe(c);
  expect(of("cccc", 15).messages[0]).toBe(c);
  // Too long to be kept; what is known already stays.
  expect(of("cccc", 40).messages[0]).toBe(c);
  expect(of("dddd", 40).messages[0]).not.toBe(of("dddd", 40).messages[0]);
  expect(of("cccc", 16).messages[0]).toBe(c);
});

test("an object of a hundred thousand members costs time in proportion to its size, wherever it changed", () => {
  const members = (skip: number): string =>
    Array.from({ length: 100_000 - skip }, (_, n) => `"k${n + skip}":${n + skip}`).join(",");
  const object = (middle: string, end: string): string => `{"a":"${"-".repeat(2_000_000)}",${middle},${end}}`;
  for (const [first, second] of [
    // The last member is another one; of the same length, and longer.
    [object(members(0), '"z":1'), object(members(0).replace('"k5":5', '"k5":6'), '"z":2')],
    [object(members(0), '"z":1'), object(members(0).replace('"k5":5', '"k5":6'), '"z":22')],
    // All is as before, behind a member that comes again.
    [object(members(1), '"k0":1'), object(`"k0":1,${members(1)}`, '"k0":1')],
  ] as const) {
    const growing = new GrowingJson({ texts: 2, bytes: 10_000_000 });
    parse(growing, first);
    const cpuMs = cpuTimer();
    expect(parse(growing, second)).toEqual(JSON.parse(second));
    expect(cpuMs()).toBeLessThan(2_000);
  }
});
