import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Beginnings, bodyChecksum } from "./body-checksum.ts";

/** Of any content, which is the same for the same seed. */
function bytesOf(length: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0, x = seed | 1; i < length; i++) bytes[i] = (x = Math.imul(x, 1_103_515_245) + 12_345) >>> 16;
  return bytes;
}

const lengths = fc.oneof(fc.nat(20), fc.integer({ min: 4_090, max: 4_100 }), fc.nat(70_000));

test("along a conversation of any edits the checksum is that of the whole body", () => {
  const edit = fc.record({ kept: fc.nat(1_000), put: lengths, seed: fc.nat() });
  fc.assert(
    fc.property(lengths, fc.array(edit, { maxLength: 5 }), (length, edits) => {
      let body = bytesOf(length, 1);
      let known = new Beginnings(body);
      expect(known.bodyChecksum()).toEqual(bodyChecksum(body));
      for (const { kept, put, seed } of edits) {
        const prefix = Math.floor((body.length * kept) / 1_000);
        body = Buffer.concat([body.subarray(0, prefix), bytesOf(put, seed)]);
        known = new Beginnings(body, known, prefix);
        expect(known.bodyChecksum()).toEqual(bodyChecksum(body));
      }
    }),
    { numRuns: 300 },
  );
});

test("a body that nobody asked for passes on what it knows", () => {
  const first = bytesOf(100_000, 1);
  const known = new Beginnings(first);
  known.bodyChecksum();
  const second = Buffer.concat([first, bytesOf(20_000, 2)]);
  const third = Buffer.concat([second, bytesOf(10, 3)]);
  const passed = new Beginnings(second, known, first.length);
  expect(new Beginnings(third, passed, second.length).bodyChecksum()).toEqual(bodyChecksum(third));
});
