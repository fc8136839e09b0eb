import { cpuTimer } from "@hypaware/testkit";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { SseParser, type SseEvent } from "./sse.ts";

function parse(
  chunks: readonly Uint8Array[],
  maxEventBytes?: number,
): { events: SseEvent[]; ends: number[]; truncated: boolean } {
  const events: SseEvent[] = [];
  const ends: number[] = [];
  const parser = new SseParser(
    (event, end) => {
      events.push(event);
      ends.push(end);
    },
    maxEventBytes === undefined ? {} : { maxEventBytes },
  );
  for (const chunk of chunks) parser.push(chunk);
  parser.end();
  return { events, ends, truncated: parser.truncated };
}

const parseText = (text: string, maxEventBytes?: number): SseEvent[] =>
  parse([Buffer.from(text)], maxEventBytes).events;

test("fields, comments and unknown lines are read as the grammar says", () => {
  expect(parseText("event: a\ndata: 1\n\n")).toEqual([{ event: "a", data: "1" }]);
  expect(parseText(": hello\ndata\ndata:\ndata: x\n\n")).toEqual([{ event: "message", data: "\n\nx" }]);
  expect(parseText("data:  two spaces\nfoo: bar\n\n")).toEqual([{ event: "message", data: " two spaces" }]);
  expect(parseText("id: 7\ndata: a\n\ndata: b\n\n")).toEqual([
    { event: "message", data: "a", id: "7" },
    { event: "message", data: "b" },
  ]);
  expect(parseText("id: a\0b\ndata: a\n\n")).toEqual([{ event: "message", data: "a" }]);
  expect(parseText("event: a\nevent: b\ndata: x:y: z\n\n")).toEqual([{ event: "b", data: "x:y: z" }]);
});

test("LF, CRLF and a bare CR end a line, mixed in one stream", () => {
  expect(parseText("data: a\r\ndata: b\rdata: c\n\r\ndata: d\r\rdata: e\n\n")).toEqual([
    { event: "message", data: "a\nb\nc" },
    { event: "message", data: "d" },
    { event: "message", data: "e" },
  ]);
});

test("a byte order mark at the start is no part of the first line", () => {
  expect(parseText("\ufeffdata: a\n\n")).toEqual([{ event: "message", data: "a" }]);
  expect(parseText("\ufeff: note\n\ndata: \ufeffb\n\n")).toEqual([{ event: "message", data: "\ufeffb" }]);
});

test("an event needs data or a name", () => {
  expect(parseText("retry: 100\n\nid: 3\n\n: only a comment\n\n\n\n")).toEqual([]);
  expect(parseText("event: ping\n\n")).toEqual([{ event: "ping", data: "" }]);
});

test("the end dispatches a last event that has data, without its blank line or even its line end", () => {
  expect(parseText("event: a\ndata: 1\n")).toEqual([{ event: "a", data: "1" }]);
  expect(parseText("event: a\ndata: 1")).toEqual([{ event: "a", data: "1" }]);
  expect(parseText("event: a\n")).toEqual([]);
  expect(parseText("")).toEqual([]);
});

test("an event over the bound is dropped, said so, and what follows is kept", () => {
  const long = `data: ${"x".repeat(60)}\n`;
  const text = `data: a\n\nevent: big\n${long}${long}data: tail\n\ndata: b\n\n`;
  for (const size of [1, 7, 1000]) {
    const result = parse(cut(Buffer.from(text), size), 100);
    expect(result.events.map(({ data }) => data)).toEqual(["a", "b"]);
    expect(result.truncated).toBe(true);
  }
});

test("comments of any length drop nothing", () => {
  const text = `data: a\n: ${"keep-alive ".repeat(50)}\n: ${"x".repeat(90)}\n:\ndata: b\n\n`;
  for (const size of [1, 7, 1000]) {
    const result = parse(cut(Buffer.from(text), size), 100);
    expect(result).toMatchObject({ events: [{ event: "message", data: "a\nb" }], truncated: false });
  }
});

test("it says where in the stream each event ends, in bytes", () => {
  const text = "data: a\n\n: c\r\nevent: é\r\ndata: \u{1f600}\r\n\r\n\n\ndata: b\n\ndata: end";
  const at = (part: string): number => Buffer.byteLength(text.slice(0, text.indexOf(part) + part.length));
  const ends = [at("a\n\n"), at("\u{1f600}\r\n\r"), at("b\n\n"), Buffer.byteLength(text)];
  for (const size of [1, 5, 1000]) expect(parse(cut(Buffer.from(text), size)).ends).toEqual(ends);
  const plain = Buffer.from("data: é\n\ndata: b\n\n");
  expect(parse([plain]).ends).toEqual([10, 19]);
});

test("a name whose bytes are not UTF-8 does not stop the stream", () => {
  const bytes = Buffer.concat([Buffer.from([0xff, 0xfe, 0x0a]), Buffer.from("data: \xff ok\n\n", "latin1")]);
  expect(parse([bytes]).events).toEqual([{ event: "message", data: "\ufffd ok" }]);
});

const line = fc.oneof(
  fc.constantFrom("", ": c", "event: x", "event:", "data", "data:", "id: 1", "retry: 5", "\ufeffdata: q"),
  fc.string({ unit: "grapheme" }).map((text) => `data: ${text.replaceAll(/[\r\n]/g, "")}`),
);
const stream = fc
  .array(fc.tuple(line, fc.constantFrom("\n", "\r\n", "\r")), { maxLength: 30 })
  .map((lines) => Buffer.from(lines.map(([text, end]) => text + end).join("")));

const mangled = fc
  .tuple(stream, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }))
  .map(([bytes, changes]) => {
    for (const [place, byte] of changes) if (bytes.length > 0) bytes[place % bytes.length] = byte;
    return bytes;
  });

test("whole events read at once are the same as byte by byte, whatever the bytes", () => {
  fc.assert(
    fc.property(mangled, fc.option(fc.integer({ min: 1, max: 60 })), (bytes, bound) => {
      const lf = Buffer.from(bytes.filter((byte) => byte !== 0x0d));
      for (const each of [bytes, lf, Buffer.concat([lf, Buffer.from("\n\n")])])
        expect(parse([each], bound ?? undefined)).toEqual(parse(cut(each, 1), bound ?? undefined));
    }),
    { numRuns: 1_000 },
  );
});

test("any split of the bytes gives the same events", () => {
  fc.assert(
    fc.property(
      stream,
      fc.array(fc.nat(400), { maxLength: 20 }),
      fc.option(fc.integer({ min: 1, max: 60 })),
      (bytes, cuts, bound) => {
        const places = [...new Set(cuts.map((place) => Math.min(place, bytes.length)))].sort((a, b) => a - b);
        const chunks = [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
        expect(parse(chunks, bound ?? undefined)).toEqual(parse([bytes], bound ?? undefined));
      },
    ),
    { numRuns: 500 },
  );
});

test("one event in small chunks costs time in proportion to its size", () => {
  for (const [bytes, chunk] of [
    [16 << 20, 1024],
    [1 << 19, 1],
  ] as const) {
    const chunks = cut(Buffer.from(`data: ${"x".repeat(bytes)}\n\n`), chunk);
    const cpuMs = cpuTimer();
    expect(parse(chunks).events[0]?.data.length).toBe(bytes);
    // Looking at everything again with each chunk would be 137 GB, more than ten seconds.
    expect(cpuMs()).toBeLessThan(2_000);
  }
});

function cut(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  );
}
