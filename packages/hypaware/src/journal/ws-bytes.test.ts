import { readFileSync, writeFileSync } from "node:fs";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { CaptureFrame, CloseInfo, TunnelSide } from "../contract/frame.ts";
import { readExchange } from "./assemble.ts";
import { decodeFrame, encodeFrame, openFrame, sealFrame } from "./codec.ts";
import { exchangeFrames } from "./fixtures/exchange.ts";
import { runId, START, TemporaryRun } from "./fixtures/temporary-run.ts";
import { openJournal } from "./journal.ts";
import { scanFrames } from "./reader.ts";
import { segmentPath } from "./segment.ts";

const run = new TemporaryRun();

const [open, , , head] = exchangeFrames(1) as [CaptureFrame, CaptureFrame, CaptureFrame, CaptureFrame];
const { exchangeId } = open;
const noBody: CaptureFrame = {
  kind: "request-body",
  exchangeId,
  bytes: Buffer.alloc(0),
  masked: [],
  last: true,
};
const switching: CaptureFrame =
  head.kind === "response-head" ? { ...head, head: { ...head.head, status: 101 } } : head;

function tunnelled(side: TunnelSide, offset: number, ...pieces: (readonly [string, number])[]): CaptureFrame {
  return {
    kind: "ws-bytes",
    exchangeId,
    side,
    offset,
    bytes: Buffer.from(pieces.map(([text]) => text).join("")),
    arrivals: pieces.map(([text, tMs]) => ({ tMs, length: text.length })),
    masked: [],
  };
}

function closed(requestBytes: number, responseBytes: number): CaptureFrame {
  const end: CloseInfo = { tMs: 9, outcome: "complete", error: null, requestBytes, responseBytes };
  return { kind: "close", exchangeId, end };
}

async function rebuilt(frames: readonly CaptureFrame[], damage?: number) {
  const journal = await openJournal({ dir: run.dir, runId });
  for (const frame of frames) journal.append(frame);
  await journal.close();
  const entries = [...scanFrames(run.dir, START)];
  if (damage !== undefined) {
    const bytes = readFileSync(segmentPath(run.dir, 1));
    bytes[entries[damage]!.next.offset - 1]! ^= 1;
    writeFileSync(segmentPath(run.dir, 1), bytes);
  }
  return readExchange(run.dir, exchangeId, START, entries.at(-1)!.next);
}

const shown = (exchange: Awaited<ReturnType<typeof readExchange>>) =>
  exchange?.websocket?.map(({ side, offset, bytes, tMs }) => `${tMs} ${side} ${offset} ${bytes.toString()}`);

test("a frame of a WebSocket's bytes reads back as it was written", () => {
  const frame = fc.uint8Array({ maxLength: 200 }).chain((body) =>
    fc.record({
      kind: fc.constant("ws-bytes" as const),
      exchangeId: fc.constant(exchangeId),
      side: fc.constantFrom("client" as const, "server" as const),
      offset: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      bytes: fc.constant(Buffer.from(body)),
      arrivals: fc.constant([{ tMs: 1.25, length: body.length }]),
      masked: fc.constant(body.length > 4 ? [{ offset: 1, length: 3 }] : []),
    }),
  );
  fc.assert(
    fc.property(frame, (value) => {
      const raw = openFrame(Buffer.concat(sealFrame(encodeFrame(value)!, 3, 5)), 3, 5)!;
      expect(raw.kind).toBe("ws-bytes");
      expect(decodeFrame(raw)).toEqual(value);
    }),
  );
});

test("no payload, whatever it holds, makes decoding throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (body) => {
      const decoded = decodeFrame({ kind: "ws-bytes", flags: 0, exchangeId, payload: Buffer.from(body) });
      expect(decoded === undefined || decoded.kind === "ws-bytes").toBe(true);
    }),
  );
});

test("both sides are put together in the order in which their bytes arrived", async () => {
  const exchange = await rebuilt([
    open,
    noBody,
    switching,
    tunnelled("client", 0, ["hello", 1], ["again", 4]),
    tunnelled("server", 0, ["hi", 2], ["yes?", 3], ["ok", 5]),
    tunnelled("client", 10, ["bye", 6]),
    closed(13, 8),
  ]);
  expect(shown(exchange)).toEqual([
    "1 client 0 hello",
    "2 server 0 hi",
    "3 server 2 yes?",
    "4 client 5 again",
    "5 server 6 ok",
    "6 client 10 bye",
  ]);
  expect(exchange).toMatchObject({
    requestComplete: true,
    requestBody: Buffer.alloc(0),
    response: [],
    droppedRequestBytes: 0,
    droppedResponseBytes: 0,
  });
});

test("a lost frame is a hole that the offsets show, and is counted", async () => {
  const exchange = await rebuilt(
    [
      open,
      noBody,
      switching,
      tunnelled("server", 0, ["one", 1]),
      tunnelled("server", 3, ["two", 2]),
      tunnelled("server", 6, ["three", 3]),
      closed(0, 11),
    ],
    4,
  );
  expect(shown(exchange)).toEqual(["1 server 0 one", "3 server 6 three"]);
  expect(exchange?.droppedResponseBytes).toBe(3);
});

test("a WebSocket that a dead gateway left open is interrupted, with what went through it", async () => {
  const exchange = await rebuilt([
    open,
    noBody,
    switching,
    tunnelled("client", 0, ["hello", 1]),
    tunnelled("server", 0, ["hi", 2]),
  ]);
  expect(exchange?.end).toEqual({
    tMs: 2,
    outcome: "interrupted",
    error: null,
    requestBytes: 5,
    responseBytes: 2,
  });
});

test("an exchange without an upgrade has no WebSocket", async () => {
  expect(await rebuilt(exchangeFrames(1))).not.toHaveProperty("websocket");
});
