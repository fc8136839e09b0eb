import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Beginnings } from "./body-checksum.ts";
import { commonEnds, mayHaveMore } from "../wire/common-ends.ts";
import { decodeDelta, encodeDelta, placeBase, rebuild } from "./request-delta.ts";

/** Of few letters, so that much is in common. */
const body = fc.array(fc.constantFrom(1, 2), { maxLength: 60 }).map((bytes) => Buffer.from(bytes));

function slowly(a: Buffer, b: Buffer) {
  const shorter = Math.min(a.length, b.length);
  let prefix = 0;
  while (prefix < shorter && a[prefix] === b[prefix]) prefix++;
  let suffix = 0;
  while (suffix < shorter - prefix && a[a.length - 1 - suffix] === b[b.length - 1 - suffix]) suffix++;
  return { prefix, suffix };
}

test("the common ends of two bodies are found and never overlap", () => {
  fc.assert(
    fc.property(body, body, (a, b) => {
      expect(commonEnds(a, b)).toEqual(slowly(a, b));
    }),
    { numRuns: 2_000 },
  );
});

test("a base that is not compared has no more in common than the one that is known", () => {
  fc.assert(
    fc.property(body, body, body, (known, other, wanted) => {
      const ends = slowly(known, wanted);
      const { prefix, suffix } = slowly(other, wanted);
      if (!mayHaveMore(other, wanted, ends))
        expect(prefix + suffix).toBeLessThanOrEqual(ends.prefix + ends.suffix);
    }),
    { numRuns: 2_000 },
  );
});

test("a body is rebuilt from its difference to any other, and from no other base", () => {
  fc.assert(
    fc.property(body, body, fc.nat(2 ** 32 - 1), fc.nat(60), (base, wanted, offset, at) => {
      const masked = wanted.length > 0 ? [{ offset: at % wanted.length, length: 1 }] : [];
      const payload = encodeDelta(wanted, commonEnds(base, wanted), masked);
      placeBase(payload, offset);
      const delta = decodeDelta(Buffer.concat(payload))!;
      expect(delta).toMatchObject({ baseOffset: offset, masked });
      expect(rebuild(delta, new Beginnings(base))?.body.equals(wanted)).toBe(true);
      expect(rebuild(delta, new Beginnings(wanted))?.body.equals(wanted)).toBe(true);
      if (delta.prefix === 0) return;
      const other = Buffer.from(base);
      other[at % delta.prefix]! ^= 4;
      expect(rebuild(delta, new Beginnings(other))).toBeUndefined();
      expect(
        rebuild(delta, new Beginnings(base.subarray(0, delta.prefix + delta.suffix - 1))),
      ).toBeUndefined();
    }),
    { numRuns: 2_000 },
  );
});

test("no payload makes decoding throw, and ranges outside the body are refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (payload) => {
      decodeDelta(Buffer.from(payload));
    }),
  );
  const [head, middle] = encodeDelta(Buffer.from("abc"), { prefix: 1, suffix: 1 }, [
    { offset: 2, length: 2 },
  ]);
  expect(decodeDelta(Buffer.concat([head, middle]))).toBeUndefined();
});
