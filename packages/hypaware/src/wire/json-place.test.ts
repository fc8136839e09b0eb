import * as fc from "fast-check";
import { expect, test } from "vitest";
import { jsonErrorPlace } from "./json-place.ts";

test.each([
  ["", 1, 1, "a value"],
  ["{", 1, 2, 'a key or "}"'],
  ['{"a":}', 1, 6, "a value"],
  ['{"a":1,}', 1, 8, "a key"],
  ['{\n "a": 1\n "b": 2}', 3, 2, '"," or "}"'],
  ['{\r\n "a": 1,\r\n b: 2}', 3, 2, "a key"],
  ["[1,2", 1, 5, '"," or "]"'],
  ['{"a":tru}', 1, 6, "a value"],
  ["{'a':1}", 1, 2, 'a key or "}"'],
  ["{} x", 1, 4, "the end"],
  ["// no\n{}", 1, 1, "a value"],
  ['{"a":"open', 1, 6, "a value"],
  ['{"a":1]', 1, 7, '"," or "}"'],
])("%j is wrong at %i:%i, where %s is expected", (text, line, column, expected) => {
  expect(() => JSON.parse(text) as unknown).toThrow();
  expect(jsonErrorPlace(text)).toEqual({ line, column, expected });
});

test("valid JSON, with any character in its strings, is right to the end", () => {
  fc.assert(
    fc.property(fc.json(), fc.string({ unit: "binary" }), (json, text) => {
      const whole = `[${json},${JSON.stringify(text)}\t]`;
      expect(jsonErrorPlace(`${whole}!`)).toMatchObject({ expected: "the end", column: whole.length + 1 });
    }),
    { numRuns: 100 },
  );
});
