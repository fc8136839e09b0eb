import { cpuTimer } from "@hypaware/testkit";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ByteSearch } from "./byte-search.ts";

// Rare and common letters, few of them, so that anchors are met, rightly and wrongly.
const letters = (minLength: number, maxLength: number) =>
  fc
    .string({ unit: fc.constantFrom("Q", "Z", "-", "e"), minLength, maxLength })
    .map((text) => Buffer.from(text));
const anyBytes = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => Buffer.from(bytes));

function expectSame(text: Buffer, bytes: Buffer): void {
  const search = new ByteSearch(bytes);
  for (let from = 0; from <= text.length + 1; from++)
    expect(search.indexIn(text, from)).toBe(text.indexOf(bytes, from));
}

test.each([
  ["of a few letters", letters],
  ["of any bytes", anyBytes],
])("strings %s are found where indexOf finds them, from any place on", (_name, bytesOf) => {
  const parts = fc.array(fc.oneof(bytesOf(0, 6), fc.constant("whole"), fc.nat()), { maxLength: 12 });
  fc.assert(
    fc.property(bytesOf(1, 20), parts, (bytes, fillers) => {
      const pieces = fillers.map((filler) =>
        filler === "whole"
          ? bytes
          : typeof filler === "number"
            ? bytes.subarray(filler % bytes.length)
            : filler,
      );
      expectSame(Buffer.concat(pieces), bytes);
    }),
    { numRuns: 1_000 },
  );
});

test("behind many places that look like it the string is found", () => {
  const bytes = Buffer.from("sk-Q-and-more-of-it-0000");
  const text = Buffer.from(`${"sk-Q-and-more-of-".repeat(100)}it-0001 ${bytes.toString()} -`);
  expectSame(text, bytes);
});

test("in long texts, whatever they are full of, the string is found where it begins and ends them, too", () => {
  const secret = Buffer.from("Qe-a-key-of-it");
  for (const filler of ["Qe-a-key", "base64/Q+EA", "words and code "]) {
    const text = Buffer.alloc(100_000, filler);
    const search = new ByteSearch(secret);
    for (const at of [0, 1, 40_000, 70_000, text.length - secret.length]) {
      const shown = Buffer.from(text);
      secret.copy(shown, at);
      for (const from of [0, at, at + 1, 80_000])
        expect(search.indexIn(shown, from)).toBe(shown.indexOf(secret, from));
    }
    expect(search.indexIn(text, 0)).toBe(-1);
  }
});

test.each([
  ["its rarest byte", "-".repeat(2_000_000)],
  ["its anchor", "Qe-eeee".repeat(300_000)],
])("a text that is full of %s takes milliseconds a megabyte", (_name, text) => {
  const bytes = Buffer.from(text);
  const elapsed = cpuTimer();
  for (const secret of ["eeee-eeeeeeQe-eeee!", "eeeeeee-aaaaaaaaaaa", "----------a"])
    new ByteSearch(Buffer.from(secret)).indexIn(bytes, 0);
  expect(elapsed()).toBeLessThan(300);
});
