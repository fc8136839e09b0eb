import { randomBytes } from "node:crypto";
import {
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createDeflate,
  createGzip,
  createZstdCompress,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import type { Transform } from "node:stream";
import { expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import { decodeStream, type DecodeResult } from "./encodings.ts";

const MB = 1024 * 1024;

async function decode(
  bytes: readonly Buffer[],
  coding: string | undefined,
): Promise<DecodeResult & { text: string; times: number[]; bytes: number }> {
  const pieces: Buffer[] = [];
  const times: number[] = [];
  const chunks = bytes.map((chunk, tMs) => ({ bytes: chunk, tMs }));
  const result = await decodeStream(chunks, coding, (piece, tMs) => {
    pieces.push(piece);
    times.push(tMs);
  });
  const whole = Buffer.concat(pieces);
  return { ...result, text: whole.subarray(0, MB).toString(), times, bytes: whole.length };
}

const cut = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));

const TEXT = Array.from({ length: 2000 }, (_, i) => `event: delta\ndata: {"n":${i}}\n\n`).join("");
const ENCODED: readonly (readonly [string, Buffer])[] = [
  ["gzip", gzipSync(TEXT)],
  ["x-gzip", gzipSync(TEXT)],
  ["GZip", gzipSync(TEXT)],
  ["deflate", deflateSync(TEXT)],
  ["deflate", deflateRawSync(TEXT)],
  ["br", brotliCompressSync(TEXT)],
  ["zstd", zstdCompressSync(TEXT)],
  ["identity", Buffer.from(TEXT)],
  ["", Buffer.from(TEXT)],
  ["gzip, br", brotliCompressSync(gzipSync(TEXT))],
  ["deflate,identity, zstd", zstdCompressSync(deflateSync(TEXT))],
];

test.each(ENCODED)("%s is taken off, in one chunk and in many", async (coding, encoded) => {
  for (const size of [encoded.length, 1000, 3]) {
    const result = await decode(cut(encoded, size), coding);
    expect(result.text === TEXT).toBe(true);
    expect(result).toMatchObject({ truncated: false, error: null });
  }
});

test("without a header the bytes come as they are, with their times", async () => {
  const result = await decode([Buffer.from("a"), Buffer.from("b")], undefined);
  expect(result).toMatchObject({ text: "ab", times: [0, 1], truncated: false, error: null });
});

const flushed = { flush: constants.Z_SYNC_FLUSH };
const STREAMS: readonly (readonly [string, () => Transform])[] = [
  ["gzip", () => createGzip(flushed)],
  ["deflate", () => createDeflate(flushed)],
  ["br", () => createBrotliCompress({ flush: constants.BROTLI_OPERATION_FLUSH })],
  ["zstd", () => createZstdCompress({ flush: constants.ZSTD_e_flush })],
];

test.each(STREAMS)(
  "each event of a %s stream has the time of the chunk that completed it",
  async (coding, open) => {
    const chunks = await compressEach(
      open(),
      Array.from({ length: 20 }, (_, i) => `data: ${i}\n\n`),
    );
    const seen: string[] = [];
    await decodeStream(
      chunks.map((bytes, i) => ({ bytes, tMs: i * 100 })),
      coding,
      (bytes, tMs) => seen.push(`${tMs} ${bytes.toString().trim()}`),
    );
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => `${i * 100} data: ${i}`));
  },
);

// Several blocks long: a coding gives nothing of a block that is not whole.
const LONG = randomBytes(300_000).toString("hex");

test.each([
  ["gzip", gzipSync(LONG)],
  ["deflate", deflateSync(LONG)],
  ["deflate", deflateRawSync(LONG)],
  ["br", brotliCompressSync(LONG, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
  ["zstd", zstdCompressSync(LONG)],
])("a %s body that was cut off keeps what arrived and is reported", async (coding, encoded) => {
  const result = await decode(cut(encoded.subarray(0, encoded.length * 0.6), 1000), coding);
  expect(result.text.length).toBeGreaterThan(LONG.length / 3);
  expect(LONG.startsWith(result.text)).toBe(true);
  expect(result).toMatchObject({ truncated: false, error: expect.stringContaining(coding) as string });
});

test("damage in the middle keeps what came before and is reported", async () => {
  const encoded = gzipSync(randomBytes(200_000));
  encoded.fill(0, 100_000, 100_050);
  const result = await decode(cut(encoded, 1000), "gzip");
  expect(result.bytes).toBeGreaterThan(60_000);
  expect(result.error).toMatch(/^gzip: /);
  expect(await decode([Buffer.from("not compressed")], "br")).toMatchObject({ text: "", truncated: false });
});

test("an empty body and bytes after the end are no errors", async () => {
  expect(await decode([], "gzip")).toMatchObject({ text: "", error: null });
  expect(await decode([Buffer.alloc(0)], "br, gzip")).toMatchObject({ text: "", error: null });
  for (const [coding, encoded] of ENCODED.filter(([coding]) => /^(gzip|deflate|br)$/.test(coding))) {
    const result = await decode([encoded, Buffer.from("\0\0\0"), Buffer.from("more")], coding);
    expect(result.text === TEXT).toBe(true);
  }
  const twice = Buffer.concat([gzipSync("a"), gzipSync("b")]);
  expect(await decode(cut(twice, 5), "gzip")).toMatchObject({ text: "ab", error: null });
});

test("one byte of deflate is an error, not a wait", async () => {
  expect(await decode([Buffer.from([0x78])], "deflate")).toMatchObject({
    text: "",
    error: expect.any(String) as string,
  });
});

test("an unknown coding and a long chain are errors", async () => {
  expect(await decode([Buffer.from("x")], "compress")).toMatchObject({
    text: "",
    error: 'unknown content coding "compress"',
  });
  expect((await decode([Buffer.from("x")], "constructor")).error).toContain("unknown");
  expect((await decode([Buffer.from("x")], "gzip, gzip, gzip")).error).toContain("more than 2");
});

test("a bomb is cut by its ratio, alone and inside another coding", async () => {
  const zeros = Buffer.alloc(40 * MB);
  const gzipped = gzipSync(zeros);
  for (const [coding, encoded] of [
    ["gzip", gzipped],
    ["br", brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
    ["zstd", zstdCompressSync(zeros)],
    ["gzip, gzip", gzipSync(gzipped)],
  ] as const) {
    const result = await decode([encoded], coding);
    expect(result).toMatchObject({ truncated: true, error: null });
    expect(result.bytes).toBeGreaterThan(0);
    expect(result.bytes).toBeLessThanOrEqual(LIMITS.decodedRatio * encoded.length + 2 * MB);
  }
});

test("a small body may compress freakishly well", async () => {
  expect(await decode([gzipSync("a".repeat(500_000))], "gzip")).toMatchObject({
    bytes: 500_000,
    truncated: false,
  });
});

test("a body over the bound is cut there", async () => {
  const piece = Buffer.alloc(MB, "a");
  const chunks = Array.from({ length: 65 }, () => piece);
  expect(await decode(chunks, undefined)).toMatchObject({ bytes: LIMITS.decodedBytes, truncated: true });
});

async function compressEach(stream: Transform, texts: readonly string[]): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  let current: Buffer[] = [];
  stream.on("data", (bytes: Buffer) => current.push(bytes));
  for (const text of texts) {
    await new Promise((resolve) => stream.write(text, resolve));
    chunks.push(Buffer.concat(current));
    current = [];
  }
  return chunks;
}
