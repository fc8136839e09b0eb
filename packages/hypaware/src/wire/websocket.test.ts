import * as fc from "fast-check";
import { expect, test } from "vitest";
import { FrameWalker } from "./websocket.ts";

interface Sent {
  readonly first: number;
  readonly payload: Buffer;
  readonly key: Buffer | undefined;
  /** 16 and 64: longer than they need be, which is legal to read. */
  readonly lengthBits: 7 | 16 | 64;
}

/** `shownKey`: the key that stands in the head; what is masked with it stays `key`'s business. */
function wire(
  { first, payload, key, lengthBits }: Sent,
  shown = { key, payload: masked(payload, key) },
): Buffer {
  const wide = payload.length > 125 && lengthBits === 7 ? 16 : lengthBits;
  const length = Buffer.alloc(wide === 7 ? 0 : wide / 8);
  if (wide === 16) length.writeUInt16BE(payload.length);
  if (wide === 64) length.writeBigUInt64BE(BigInt(payload.length));
  const second = (key ? 0x80 : 0) | (wide === 7 ? payload.length : wide === 16 ? 126 : 127);
  return Buffer.concat([Buffer.from([first, second]), length, shown.key ?? Buffer.alloc(0), shown.payload]);
}

function masked(payload: Buffer, key: Buffer | undefined): Buffer {
  return key ? Buffer.from(payload.map((byte, i) => byte ^ key[i & 3]!)) : payload;
}

const sent: fc.Arbitrary<Sent> = fc.record({
  first: fc.nat(255),
  payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  key: fc.option(
    fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
    { nil: undefined },
  ),
  lengthBits: fc.constantFrom(7, 16, 64),
});

test("however the stream is cut, the copy is the same frames unmasked, and the stream itself is not touched", () => {
  fc.assert(
    fc.property(
      fc.array(sent, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 40 })),
      (frames, cuts) => {
        const stream = Buffer.concat(frames.map((frame) => wire(frame)));
        const before = Buffer.from(stream);
        const walker = new FrameWalker();
        const pieces = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const cut = cuts[i % cuts.length] ?? 7;
          const chunk = stream.subarray(at, at + cut);
          const of = walker.push(chunk);
          expect(of.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(chunk.length);
          pieces.push(...of);
          at += cut;
        }
        const plain = frames.map((frame) =>
          wire(frame, { key: frame.key && Buffer.alloc(4), payload: frame.payload }),
        );
        expect(Buffer.concat(pieces.map(({ bytes }) => bytes)).equals(Buffer.concat(plain))).toBe(true);
        expect(stream.equals(before)).toBe(true);
        const payloads = pieces.filter(({ part }) => part !== "head").map(({ bytes }) => bytes);
        expect(Buffer.concat(payloads).equals(Buffer.concat(frames.map(({ payload }) => payload)))).toBe(
          true,
        );
        const ends = frames.filter(({ first }) => (first & 0x80) !== 0);
        expect(pieces.filter((piece) => piece.ends !== undefined).map((piece) => piece.ends)).toEqual(
          ends.map(({ first }) => ((first & 8) === 0 ? "data" : "control")),
        );
        expect(walker.sawClose).toBe(frames.some(({ first }) => (first & 15) === 8));
      },
    ),
    { numRuns: 300 },
  );
});

test("behind a length that no frame has nothing is read", () => {
  const walker = new FrameWalker();
  const head = Buffer.from([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4]);
  const pieces = walker.push(Buffer.concat([head, Buffer.from("secret")]));
  expect(pieces.map(({ bytes }) => bytes.length)).toEqual([14]);
  expect(walker.isBroken).toBe(true);
  expect(walker.push(Buffer.from("more"))).toEqual([]);
});
