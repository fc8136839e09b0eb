import { expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import { CLOSE, frameBytes, PING, TEXT } from "./fixtures/websocket.ts";
import { TunnelCopy } from "./tunnel-copy.ts";

const SECRET = "sk-0123456789abcdef";
const STARS = "*".repeat(SECRET.length);
const key = Buffer.from([7, 70, 170, 250]);
const bare = Buffer.alloc(4);

/** Everything that comes out, when it is taken behind every chunk. */
function copied(chunks: readonly Buffer[], secrets: readonly string[] = [SECRET]) {
  const copy = new TunnelCopy(secrets.map((secret) => Buffer.from(secret)));
  const bytes: Buffer[] = [];
  const masked: { offset: number; length: number }[] = [];
  let at = 0;
  const take = (final: boolean) => {
    const taken = copy.take(final);
    for (const range of taken.masked) masked.push({ ...range, offset: range.offset + at });
    expect(taken.arrivals.reduce((sum, { length }) => sum + length, 0)).toBe(taken.bytes.length);
    bytes.push(taken.bytes);
    at += taken.bytes.length;
  };
  for (const [i, chunk] of chunks.entries()) {
    expect(copy.push(chunk, i)).toBe(0);
    take(false);
  }
  take(true);
  expect(copy.length).toBe(0);
  return { bytes: Buffer.concat(bytes), masked };
}

const cut = (stream: Buffer, size: number) =>
  Array.from({ length: Math.ceil(stream.length / size) }, (_none, i) =>
    stream.subarray(i * size, (i + 1) * size),
  );

test.each([1, 2, 5, 13, 1_000])("a secret under a mask is found, in pieces of %i bytes", (size) => {
  const stream = [`a ${SECRET} b`, SECRET, "nothing", `sk-0123 ${SECRET}${SECRET}`];
  const wire = Buffer.concat(stream.map((text) => frameBytes(text, { key })));
  const { bytes, masked } = copied(cut(wire, size));
  const plain = stream.map((text) => frameBytes(text.replaceAll(SECRET, STARS), { key: bare }));
  expect(bytes.equals(Buffer.concat(plain))).toBe(true);
  expect(masked.reduce((sum, { length }) => sum + length, 0)).toBe(4 * SECRET.length);
  for (const { offset, length } of masked)
    expect(bytes.toString("latin1", offset, offset + length)).toMatch(/^\*+$/);
});

test.each([1, 3, 1_000])(
  "a secret over the fragments of a message is found, also around a ping, in pieces of %i bytes",
  (size) => {
    const fragments = (text: string, mask: Buffer) =>
      Buffer.concat([
        frameBytes(text.slice(0, 7), { key: mask, fin: false, opcode: TEXT }),
        frameBytes("beat", { key: mask, opcode: PING }),
        frameBytes(text.slice(7, 12), { key: mask, fin: false, opcode: 0 }),
        frameBytes("", { key: mask, fin: false, opcode: 0 }),
        frameBytes(text.slice(12), { key: mask, opcode: 0 }),
        frameBytes(`\u0003\u00e8${text}`, { key: mask, opcode: CLOSE }),
      ]);
    const { bytes } = copied(cut(fragments(SECRET, key), size));
    expect(bytes.equals(fragments(STARS, bare))).toBe(true);
  },
);

test("nothing waits for a message that is complete, however it ends", () => {
  const copy = new TunnelCopy([Buffer.from(SECRET)]);
  const frame = frameBytes("ends as a secret begins: sk-0123");
  copy.push(frame, 0);
  expect(copy.take(false).bytes.equals(frame)).toBe(true);
});

test("a message that never ends holds back a bounded number of bytes", () => {
  const copy = new TunnelCopy([Buffer.from(SECRET)]);
  copy.push(frameBytes("sk-0123", { fin: false }), 0);
  const ping = frameBytes("x".repeat(125), { opcode: PING });
  for (let i = 0; i < 10_000; i++) {
    copy.push(ping, i);
    copy.take(false);
    expect(copy.length).toBeLessThanOrEqual(2 * LIMITS.tapChunkBytes + ping.length);
  }
});

test("without secrets the bytes of the server are the very memory that came", () => {
  const copy = new TunnelCopy([]);
  const payload = Buffer.alloc(1_000);
  copy.push(frameBytes(payload).subarray(0, 4), 0);
  copy.take(false);
  copy.push(payload, 1);
  expect(copy.take(false).bytes.buffer).toBe(payload.buffer);
});

test("what is no stream of frames is not recorded from there on", () => {
  const copy = new TunnelCopy([Buffer.from(SECRET)]);
  const whole = frameBytes("whole", { key });
  const broken = Buffer.from([0x81, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4, 99, 99]);
  expect(copy.push(Buffer.concat([whole, broken]), 0)).toBe(2);
  expect(copy.push(Buffer.from(SECRET), 1)).toBe(SECRET.length);
  expect(copy.take(true).bytes.length).toBe(whole.length + 14);
});

test("behind a loss the copy goes on with the next frame, at its true offset", () => {
  for (const secrets of [[], [SECRET]]) {
    const copy = new TunnelCopy(secrets.map((secret) => Buffer.from(secret)));
    const frames = ["lost", `half ${SECRET}`, "kept", "and this"].map((text) => frameBytes(text, { key }));
    const stream = Buffer.concat(frames);
    const cutAt = frames[0]!.length + 12;
    copy.push(stream.subarray(0, cutAt), 0);
    const lost = copy.take(false).bytes.length;
    const dropped = copy.skip();
    expect(lost + dropped).toBe(cutAt);
    expect(copy.push(stream.subarray(cutAt), 1)).toBe(frames[1]!.length - 12);
    const { offset, bytes, arrivals } = copy.take(true);
    expect(offset).toBe(frames[0]!.length + frames[1]!.length);
    expect(
      bytes.equals(Buffer.concat(["kept", "and this"].map((text) => frameBytes(text, { key: bare })))),
    ).toBe(true);
    expect(arrivals).toEqual([{ tMs: 1, length: bytes.length }]);
  }
});
