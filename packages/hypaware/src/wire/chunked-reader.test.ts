import * as fc from "fast-check";
import { expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import { ChunkedReader } from "./chunked-reader.ts";

interface Body {
  readonly data: string;
  /** What was told of the bytes as they came. */
  readonly wire: string;
  readonly trailers: readonly string[];
  readonly rest: string;
  readonly isWhole: boolean;
  readonly error: string | undefined;
}

function read(text: string, size = Number.POSITIVE_INFINITY): Body {
  const reader = new ChunkedReader();
  const bytes = Buffer.from(text, "latin1");
  let [data, wire, at] = ["", "", 0];
  let error: string | undefined;
  while (at < bytes.length && !reader.isWhole && error === undefined) {
    const piece = bytes.subarray(0, Math.min(bytes.length, at + size));
    const found = reader.read(piece, at);
    data += found.data.toString("latin1");
    wire += piece.toString("latin1", at, found.chunksEnd);
    error = found.error?.message.replace(/^.*: /, "");
    at = found.end;
  }
  const { trailers, isWhole } = reader;
  return { data, wire, trailers, rest: text.slice(at), isWhole, error };
}

const inPieces = (text: string): Body => {
  const whole = read(text);
  for (const size of [1, 2, 3, 7]) expect(read(text, size)).toEqual(whole);
  return whole;
};
const END = "0\r\n\r\n";

test.each([
  ["nothing", END, ""],
  ["two chunks", `3\r\nabc\r\n2\r\nde\r\n${END}`, "abcde"],
  ["sizes in either case", `a\r\n0123456789\r\nA\r\n0123456789\r\n${END}`, "01234567890123456789"],
  ["zeros in front", `00000000000000000000003\r\nabc\r\n000\r\n\r\n`, "abc"],
  ["line ends and sizes as data", `9\r\n\r\n0\r\n\r\n0\n\r\n${END}`, "\r\n0\r\n\r\n0\n"],
  ["extensions", `1;a\r\nx\r\n1;a=b;c="d e"\r\ny\r\n0;z\r\n\r\n`, "xy"],
  ["bytes over 0x7f", `3;\xff\r\n\x80\xff\0\r\n${END}`, "\x80\xff\0"],
])("%s", (_name, text, data) => {
  const wire = text.slice(0, -"\r\n".length);
  expect(inPieces(text)).toEqual({ data, wire, trailers: [], rest: "", isWhole: true, error: undefined });
});

test("what is behind the end is not read", () => {
  expect(read(`1\r\na\r\n${END}HTTP/1.1 200 OK\r\n\r\n`)).toMatchObject({
    data: "a",
    rest: "HTTP/1.1 200 OK\r\n\r\n",
    isWhole: true,
  });
});

test("trailers are fields, told once the body is whole, and no part of the chunks", () => {
  const text = "1\r\na\r\n0\r\nX-Sum: 1\r\nx-note: caf\xe9\xa0\r\nX-Sum:\r\n\r\n";
  expect(inPieces(text)).toEqual({
    data: "a",
    wire: "1\r\na\r\n0\r\n",
    trailers: ["X-Sum", "1", "x-note", "caf\xe9\xa0", "X-Sum", ""],
    rest: "",
    isWhole: true,
    error: undefined,
  });
  expect(read(text.slice(0, -1))).toMatchObject({ trailers: [], isWhole: false });
});

test.each([
  ["no size", "\r\n", ""],
  ["an extension and no size", ";a\r\n", ""],
  ["a sign", "-1\r\n", ""],
  ["a plus", "+1\r\n", ""],
  ["a prefix", "0x1\r\n", "0"],
  ["a blank in front", " 1\r\n", ""],
  ["a blank behind", "1 \r\n", "1"],
  ["two sizes", "1,1\r\n", "1"],
  ["an LF alone behind the size", "1\na\r\n", "1"],
  ["a CR alone behind the size", "1\ra\r\n", "1\r"],
  ["a size beyond any body", "fffffffffffff\r\n", "fffffffffffff".slice(0, 12)],
  ["a size that comes round", "10000000000000001\r\n", "1000000000000"],
  ["a chunk that is longer than its size", "1\r\nab\r\n", "1\r\na"],
  ["a chunk that ends in an LF", "1\r\na\n", "1\r\na"],
  ["a chunk that ends in a CR", "1\r\na\r1\r\n", "1\r\na\r"],
  ["an extension with an LF", "1;a\n\r\n", "1;a"],
  ["an extension with a CR", "1;a\rb\r\n", "1;a\r"],
  ["an extension with NUL", "1;\0\r\n", "1;"],
])("%s breaks the body, and what was right before is told", (_name, text, wire) => {
  const good = "2\r\nok\r\n";
  const body = inPieces(`${good}${text}a\r\n${END}`);
  expect(body).toMatchObject({ wire: good + wire, isWhole: false });
  expect(body.data.startsWith("ok")).toBe(true);
  expect(body.error).toBeDefined();
});

test.each([
  ["a folded line", "a: b\r\n c\r\n\r\n"],
  ["a blank in front of the colon", "a : b\r\n\r\n"],
  ["an LF alone", "a: b\n\n"],
  ["an LF alone at their end", "\n"],
  ["a CR alone", "a: b\rc: d\r\n\r\n"],
  ["NUL", "a: \0\r\n\r\n"],
  ["a length", "Content-Length: 5\r\n\r\n"],
])("trailers with %s are refused behind the data, without waiting for more", (_name, text) => {
  const body = read(`1\r\na\r\n0\r\n${text}`);
  expect(body).toMatchObject({ data: "a", wire: "1\r\na\r\n0\r\n", trailers: [], isWhole: false });
  expect(body.error).toMatch(/^its trailers|^a line of its trailers/);
});

test("extensions and trailers have their bounds, wherever they are cut", () => {
  const extension = (bytes: number): string => `1;${"x".repeat(bytes)}\r\na\r\n${END}`;
  const trailer = (bytes: number): string => `0\r\na:${"x".repeat(bytes - "a:\r\n\r\n".length)}\r\n\r\n`;
  const { chunkExtensionBytes, upstreamHeaderBytes } = LIMITS;
  for (const size of [4_096, upstreamHeaderBytes + 2, Number.POSITIVE_INFINITY]) {
    expect(read(extension(chunkExtensionBytes), size).isWhole).toBe(true);
    expect(read(extension(chunkExtensionBytes + 1), size).error).toBe("a chunk has no proper extension");
    expect(read(trailer(upstreamHeaderBytes), size).isWhole).toBe(true);
    expect(read(trailer(upstreamHeaderBytes + 1), size).error).toBe("its trailers are too long");
  }
});

test("read at once, a body is what it is byte by byte, also where it is damaged", () => {
  const chunk = fc
    .tuple(
      fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 40 }),
      fc.constantFrom("", "", "", "0", "000000"),
      fc.constantFrom("", "", "", ";a=b"),
    )
    .map(([data, zeros, extension]) => `${zeros}${data.length.toString(16)}${extension}\r\n${data}\r\n`);
  const damage = fc.tuple(fc.nat(), fc.constantFrom("", "\r", "\n", "0", "f", ";", "\r\n", "\0"));
  fc.assert(
    fc.property(
      fc.array(chunk, { maxLength: 12 }),
      fc.constantFrom(END, "0\r\na: b\r\n\r\n", ""),
      fc.option(damage),
      fc.integer({ min: 2, max: 50 }),
      (chunks, end, damaged, size) => {
        const right = chunks.join("") + end;
        const [place, put] = damaged ?? [0, ""];
        const at = place % (right.length + 1);
        const text = damaged ? right.slice(0, at) + put + right.slice(at + 1) : right;
        // Of damaged trailers it is not told how far they are right.
        const comparable = (body: Body) => ({ ...body, rest: body.error === undefined ? body.rest : "" });
        const plain = comparable(read(text, 1));
        expect(comparable(read(text))).toEqual(plain);
        expect(comparable(read(text, size))).toEqual(plain);
      },
    ),
    { numRuns: 2_000 },
  );
});
