import { constants, createDeflateRaw } from "node:zlib";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { recordedFrame as frame } from "./websocket.testkit.ts";
import { MessageReader } from "./websocket-messages.ts";

const limits = { maxMessageBytes: 1_000_000 };
const TEXT = 0x01;
const BINARY = 0x02;
const FIN = 0x80;
const COMPRESSED = 0x40;

/** In `pieces` frames, with a ping between the first two. */
function message(opcode: number, payload: Buffer, pieces: number, compressed: boolean): Buffer {
  const size = Math.ceil(payload.length / pieces) || 1;
  const parts = Array.from({ length: pieces }, (_none, i) => payload.subarray(i * size, (i + 1) * size));
  return Buffer.concat(
    parts.flatMap((part, i) => {
      const first = (i === 0 ? opcode | (compressed ? COMPRESSED : 0) : 0) | (i === pieces - 1 ? FIN : 0);
      const ping = i === 0 && pieces > 1 ? [frame(0x89, Buffer.from("ping"))] : [];
      return [frame(first, part), ...ping];
    }),
  );
}

/** One sender's permessage-deflate with its window kept from message to message. */
class Deflater {
  readonly #stream = createDeflateRaw();
  #out: Buffer[] = [];

  constructor() {
    this.#stream.on("data", (bytes: Buffer) => this.#out.push(bytes));
  }

  async message(plain: Buffer): Promise<Buffer> {
    this.#out = [];
    this.#stream.write(plain);
    await new Promise<void>((resolve) => this.#stream.flush(constants.Z_SYNC_FLUSH, resolve));
    return Buffer.concat(this.#out).subarray(0, -4);
  }
}

const said = fc.record({
  text: fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.constant("the same long text again and again ".repeat(80)),
  ),
  pieces: fc.integer({ min: 1, max: 4 }),
  binary: fc.boolean(),
  compressed: fc.boolean(),
});

test("texts are read whole, however they were cut, fragmented and compressed", async () => {
  const property = fc.asyncProperty(
    fc.array(said, { maxLength: 12 }),
    fc.integer({ min: 1, max: 700 }),
    async (messages, size) => {
      const deflater = new Deflater();
      const frames: Buffer[] = [];
      for (const { text, pieces, binary, compressed } of messages) {
        const plain = Buffer.from(text);
        const payload = compressed ? await deflater.message(plain) : plain;
        frames.push(message(binary ? BINARY : TEXT, payload, pieces, compressed));
      }
      const stream = Buffer.concat(frames);
      const reader = new MessageReader(limits);
      const texts: string[] = [];
      for (let at = 0; at < stream.length; at += size)
        texts.push(...reader.push(stream.subarray(at, at + size)));
      expect(texts).toEqual(messages.filter(({ binary }) => !binary).map(({ text }) => text));
      expect(reader.skipped).toBe(0);
    },
  );
  await fc.assert(property, { numRuns: 100 });
});

test("a message over the bound, also one that only grows when it is decompressed, costs itself and no memory", async () => {
  const reader = new MessageReader({ maxMessageBytes: 1_000 });
  const bomb = await new Deflater().message(Buffer.alloc(5_000_000));
  expect(reader.push(message(TEXT, bomb, 2, true))).toEqual([]);
  expect(reader.push(message(TEXT, Buffer.alloc(2_000), 3, false))).toEqual([]);
  expect(reader.push(message(TEXT, Buffer.from("next"), 1, false))).toEqual(["next"]);
  expect(reader.skipped).toBe(2);
});

test("behind a hole what looks back into it is skipped, and the rest is read", async () => {
  const reader = new MessageReader(limits);
  const deflater = new Deflater();
  const words = "words that are said more than once ".repeat(20);
  const first = message(TEXT, await deflater.message(Buffer.from(words)), 1, true);
  const second = message(TEXT, await deflater.message(Buffer.from(words)), 1, true);
  const plain = message(TEXT, Buffer.from("plain"), 1, false);
  expect(reader.push(first.subarray(0, 20))).toEqual([]);
  reader.hole();
  expect(reader.push(Buffer.concat([second, plain]))).toEqual(["plain"]);
  expect(reader.skipped).toBe(1);
  const afresh = message(TEXT, await new Deflater().message(Buffer.from("afresh")), 1, true);
  expect(reader.push(afresh)).toEqual(["afresh"]);
});

test("whatever the bytes are, nothing is thrown", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (chunks) => {
      const reader = new MessageReader({ maxMessageBytes: 300 });
      for (const chunk of chunks)
        for (const text of reader.push(Buffer.from(chunk))) expect(typeof text).toBe("string");
    }),
  );
});
