import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Json } from "../contract/projection.ts";
import { canonicalJson } from "./canonical.ts";

test("keys are sorted at every level, arrays keep their order, nothing is padded", () => {
  const value = { b: [3, { d: null, c: "x" }, 1], a: { z: true, "10": 1, "9": 2 } };
  expect(canonicalJson(value)).toBe('{"a":{"10":1,"9":2,"z":true},"b":[3,{"c":"x","d":null},1]}');
});

test("undefined members are left out, in arrays they are null", () => {
  expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
  expect(canonicalJson([undefined as unknown as Json])).toBe("[null]");
});

test("omitted names are left out at every level", () => {
  expect(canonicalJson({ a: 1, x: 2, b: [{ x: { c: 3 } }] }, new Set(["x"]))).toBe('{"a":1,"b":[{}]}');
});

test("a member called __proto__ is a member", () => {
  expect(canonicalJson(JSON.parse('{"__proto__":{"a":1},"A":2}') as Json)).toBe(
    '{"A":2,"__proto__":{"a":1}}',
  );
});

test("a hundred thousand levels do not overflow the stack", () => {
  let deep: Json = [];
  for (let i = 0; i < 100_000; i++) deep = [deep];
  expect(canonicalJson(deep)).toHaveLength(200_002);
});

test("it is JSON of the same value, and does not depend on the order of keys", () => {
  const shuffled = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([name, member]) => [name, shuffled(member as Json)]),
    );
  };
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(shuffled(value as Json))).toBe(text);
    }),
  );
});
