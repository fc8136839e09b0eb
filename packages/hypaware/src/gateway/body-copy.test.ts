import fc from "fast-check";
import { expect, test } from "vitest";
import { BodyCopy } from "./body-copy.ts";

const SECRET = Buffer.from("s3cret-s3cret");

test("however a body is cut and taken, bytes, masks and arrivals are those of the whole", () => {
  const piece = fc.oneof(
    fc.constantFrom("s3cret-", "s3cret-s3cret", "s3c", "", "hello"),
    fc.string({ maxLength: 6 }),
  );
  const how = fc.constantFrom("not yet", "all", "pieces");
  fc.assert(
    fc.property(fc.array(fc.tuple(piece, how), { maxLength: 20 }), fc.boolean(), (pieces, masking) => {
      const copy = new BodyCopy(masking ? [SECRET] : []);
      const taken = [];
      let tMs = 0;
      for (const [text, takeNow] of pieces) {
        copy.push(Buffer.from(text), ++tMs);
        if (takeNow === "all") taken.push(copy.take(false));
        if (takeNow === "pieces") taken.push(...copy.takePieces(5));
      }
      taken.push(copy.take(true));
      const sent = pieces.map(([text]) => text).join("");
      const kept = Buffer.concat(taken.map(({ bytes }) => bytes)).toString();
      expect(Buffer.byteLength(kept)).toBe(Buffer.byteLength(sent));
      if (!masking) expect(kept).toBe(sent);
      else expect(kept).not.toContain(SECRET.toString());
      for (const { bytes, masked, arrivals } of taken) {
        expect(arrivals.reduce((sum, { length }) => sum + length, 0)).toBe(bytes.length);
        for (const { offset, length } of masked) {
          expect(bytes.subarray(offset, offset + length).toString()).toBe("*".repeat(length));
        }
      }
      // The arrival of each byte is that of the piece it came in, held back or not.
      const arrived = taken.flatMap(({ arrivals }) =>
        arrivals.flatMap((a) => Array<number>(a.length).fill(a.tMs)),
      );
      expect(arrived).toEqual(
        pieces.flatMap(([text], i) => Array<number>(Buffer.byteLength(text)).fill(i + 1)),
      );
    }),
  );
});

test("a single chunk is not copied", () => {
  const copy = new BodyCopy([]);
  const chunk = Buffer.from("abc");
  copy.push(chunk, 0);
  expect(copy.take(true).bytes).toBe(chunk);
});
