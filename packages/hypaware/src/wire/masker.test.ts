import { cpuTimer } from "@hypaware/testkit";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Masker } from "./masker.ts";
import type { MaskedBytes } from "./masker.ts";

/** The definition: a byte is masked when it lies in any occurrence of any secret. */
function maskWhole(text: Buffer, secrets: readonly Buffer[]): Buffer {
  const result = Buffer.from(text);
  for (const secret of secrets) {
    for (let at = text.indexOf(secret); at !== -1; at = text.indexOf(secret, at + 1)) {
      result.fill("*", at, at + secret.length);
    }
  }
  return result;
}

function split(text: Buffer, cuts: readonly number[]): Buffer[] {
  const borders = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
  return borders.slice(1).map((end, i) => text.subarray(borders[i], end));
}

function run(masker: Masker, chunks: readonly Buffer[]): MaskedBytes[] {
  return [...chunks.map((chunk) => masker.push(chunk)), masker.end()];
}

// Two letters make overlaps, borders and near misses the normal case.
const letters = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom("a", "b"), minLength, maxLength }).map((text) => Buffer.from(text));

test("any split of any text with any secrets gives what masking the whole gives", () => {
  fc.assert(
    fc.property(
      fc.array(letters(1, 9), { maxLength: 4 }),
      fc.array(letters(0, 12), { maxLength: 12 }),
      fc.array(fc.nat(), { maxLength: 20 }),
      (secrets, fillers, cuts) => {
        const parts = fillers.flatMap((filler, i) => [
          filler,
          ...(secrets.length > 0 ? [secrets[i % secrets.length]!] : []),
        ]);
        const text = Buffer.concat(parts);
        const chunks = split(text, cuts);
        const before = Buffer.concat(chunks);
        const pieces = run(new Masker(secrets), chunks);
        const output = Buffer.concat(pieces.map((piece) => piece.bytes));
        expect(output.toString()).toBe(maskWhole(text, secrets).toString());
        for (const secret of secrets) expect(output.includes(secret)).toBe(false);
        for (const { bytes, masked } of pieces) {
          const stars = Buffer.alloc(bytes.length);
          for (const { offset, length } of masked) {
            expect(offset >= 0 && length > 0 && offset + length <= bytes.length).toBe(true);
            stars.fill(1, offset, offset + length);
          }
          for (const [i, byte] of bytes.entries()) expect(stars[i]).toBe(byte === 0x2a ? 1 : 0);
        }
        expect(Buffer.concat(chunks).equals(before)).toBe(true);
      },
    ),
    { numRuns: 1500 },
  );
});

test("holds back only a tail that begins a secret, and at most the longest secret less one byte", () => {
  fc.assert(
    fc.property(fc.array(letters(1, 8), { minLength: 1, maxLength: 3 }), letters(0, 60), (secrets, text) => {
      const { bytes } = new Masker(secrets).push(text);
      const held = text.subarray(bytes.length);
      const beginsSecret = (tail: Buffer) =>
        secrets.some((s) => tail.length < s.length && s.subarray(0, tail.length).equals(tail));
      expect(held.length === 0 || beginsSecret(held)).toBe(true);
      for (let longer = held.length + 1; longer <= text.length; longer++) {
        expect(beginsSecret(text.subarray(text.length - longer))).toBe(false);
      }
    }),
  );
});

test("a chunk without a match is passed on as it is, without a copy", () => {
  const chunk = Buffer.from("event: ping\n\n");
  const { bytes, masked } = new Masker([Buffer.from("sk-ant-0123456789")]).push(chunk);
  expect(bytes.buffer).toBe(chunk.buffer);
  expect(bytes.byteOffset).toBe(chunk.byteOffset);
  expect(bytes.length).toBe(chunk.length);
  expect(masked).toEqual([]);
});

test("a secret cut over two chunks is masked and its ranges lie in the bytes they came with", () => {
  const masker = new Masker([Buffer.from("topsecret")]);
  const first = masker.push(Buffer.from("say tops"));
  const second = masker.push(Buffer.from("ecret now"));
  expect(first).toEqual({ bytes: Buffer.from("say "), masked: [] });
  expect(second).toEqual({ bytes: Buffer.from("********* now"), masked: [{ offset: 0, length: 9 }] });
  expect(masker.end()).toEqual({ bytes: Buffer.alloc(0), masked: [] });
});

test("stays linear for the worst secret and the worst stream", () => {
  const chunk = Buffer.alloc(64, "a");
  const masker = new Masker([Buffer.alloc(20_000, "a")]);
  const cpuMs = cpuTimer();
  for (let sent = 0; sent < 800_000; sent += chunk.length) masker.push(chunk);
  masker.end();
  expect(cpuMs()).toBeLessThan(1_000);
});
