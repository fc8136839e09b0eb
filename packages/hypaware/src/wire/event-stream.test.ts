import * as fc from "fast-check";
import { expect, test } from "vitest";
import { EventStream } from "./event-stream.ts";
import { cpuTimer } from "@hypaware/testkit";
import { SseParser } from "./sse.ts";

/** A piece a millisecond. */
function stream(...pieces: (string | number[])[]): EventStream {
  return new EventStream(
    "e",
    pieces.map((piece, i) => {
      const bytes = typeof piece === "string" ? Buffer.from(piece) : Buffer.from(piece);
      return { bytes, arrivals: [{ tMs: i + 1, length: bytes.length }] };
    }),
  );
}

test("events are those of the parser, with the times at which their last byte came", () => {
  const { events, count } = stream(
    "event: a\nda",
    "ta: 1\n\n",
    ": no event\n\n",
    "id: 7\ndata: é\n",
    "\ndata: end",
  );
  const known = { kind: "stream_event", exchange_id: "e" };
  expect(events).toEqual([
    { ...known, t_ms: 2, event: "a", data: "1" },
    { ...known, t_ms: 5, event: "message", data: "é", id: "7" },
    { ...known, t_ms: 5, event: "message", data: "end" },
  ]);
  expect(count).toBe(3);
});

test("plain lines are given as text, whose places have times; what another grammar reads otherwise is not", () => {
  const text = stream("data: é\n", "\ndata: 2\n\n").text()!;
  expect(text.text).toBe("data: é\n\ndata: 2\n\n");
  expect([8, 9, 18].map((end) => text.timeAt(end))).toEqual([1, 2, 2]);
  for (const pieces of [
    [""],
    ["data: 1\n"],
    ["data: 1\r\n\r\n"],
    ["data: 1\r\n\n"],
    ["\ufeffdata: 1\n\n"],
    ["data: ", [0xe2, 0x82], "\n\n"],
  ])
    expect(stream(...pieces).text()).toBeUndefined();
});

test("the times of all events cost time in proportion to the text", () => {
  const text = stream("data: é\n\n".repeat(200_000)).text()!;
  const cpuMs = cpuTimer();
  for (let at = text.text.indexOf("\n\n"); at !== -1; at = text.text.indexOf("\n\n", at + 2))
    text.timeAt(at + 2);
  // Counting from the beginning each time would be 200 GB.
  expect(cpuMs()).toBeLessThan(2_000);
});

test("who read the text says how many events there are", () => {
  const events = stream("data: 1\n\n");
  events.text()!.counted(7);
  expect(events.count).toBe(7);
});

test("any pieces of any text give the parser's events", () => {
  const piece = fc.oneof(
    fc.constantFrom("event: a\n", "data: x\n", "data: é\n", "\n", "\r", ": c\n", "id: 1\n", "data\n"),
    fc.uint8Array({ maxLength: 4 }).map((bytes) => [...bytes]),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const seen: unknown[] = [];
      const parser = new SseParser((event) => void seen.push(event));
      for (const each of pieces)
        parser.push(typeof each === "string" ? Buffer.from(each) : Buffer.from(each));
      parser.end();
      const known = stream(...pieces).events.map(({ event, data, id }) =>
        id === undefined ? { event, data } : { event, data, id },
      );
      expect(known).toEqual(seen);
    }),
  );
});
