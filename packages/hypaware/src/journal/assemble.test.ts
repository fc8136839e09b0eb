import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { CapturedExchange, CaptureFrame, JournalPosition } from "../contract/frame.ts";
import { readExchange } from "./assemble.ts";
import { exchangeFrames, openHead } from "./fixtures/exchange.ts";
import { runId, START, TemporaryRun } from "./fixtures/temporary-run.ts";
import { openJournal } from "./journal.ts";
import { OpenExchanges } from "./open-exchanges.ts";
import type { ExchangeSpan } from "./open-exchanges.ts";
import { scanFrames } from "./reader.ts";
import { segmentPath } from "./segment.ts";

const run = new TemporaryRun();

function spans(): { closed: ExchangeSpan[]; open: OpenExchanges } {
  const open = new OpenExchanges();
  const closed: ExchangeSpan[] = [];
  for (const entry of scanFrames(run.dir, START)) {
    const span = open.note(entry);
    if (span) closed.push(span);
  }
  return { closed, open };
}

const assembled = ({ exchangeId, from, to }: ExchangeSpan) => readExchange(run.dir, exchangeId, from, to);

/** What the frames say, put together without a journal. */
function expected(frames: readonly CaptureFrame[]): CapturedExchange {
  const [open, head, close] = (["open", "response-head", "close"] as const).map((kind) =>
    frames.find((frame) => frame.kind === kind),
  ) as [
    Extract<CaptureFrame, { kind: "open" }>,
    Extract<CaptureFrame, { kind: "response-head" }>,
    Extract<CaptureFrame, { kind: "close" }>,
  ];
  return {
    exchangeId: open.exchangeId,
    open: open.head,
    requestBody: Buffer.concat(frames.flatMap((f) => (f.kind === "request-body" ? [f.bytes] : []))),
    requestComplete: true,
    responseHead: head.head,
    response: frames.flatMap((frame) =>
      frame.kind === "response-bytes" ? [{ bytes: frame.bytes, arrivals: frame.arrivals }] : [],
    ),
    end: close.end,
    droppedRequestBytes: 0,
    droppedResponseBytes: 0,
  };
}

test("200 interleaved exchanges are rebuilt byte for byte while the journal is being written", async () => {
  const journal = await openJournal({
    dir: run.dir,
    runId,
    limits: { segmentBytes: 200_000, commitDelayMs: 2 },
  });
  const exchanges = Array.from({ length: 200 }, (_none, i) =>
    exchangeFrames(i, 3 + (i % 17), 20 + ((i * 37) % 900)),
  );
  const open = new OpenExchanges();
  const rebuilt: (CapturedExchange | undefined)[] = [];
  let at: JournalPosition = START;
  const follow = async () => {
    for (const entry of scanFrames(run.dir, at)) {
      expect(entry.frame.kind).not.toBe("damage");
      at = entry.next;
      const span = open.note(entry);
      if (span) rebuilt.push(await assembled(span));
    }
  };
  for (let step = 0; exchanges.some((frames) => step < frames.length); step++) {
    for (const frames of exchanges) {
      const frame = frames[step];
      if (frame) journal.append(frame);
    }
    await new Promise((resolve) => setTimeout(resolve, 3));
    await follow();
  }
  await journal.flush();
  await follow();
  expect(rebuilt).toHaveLength(200);
  const byId = new Map(rebuilt.map((exchange) => [exchange?.exchangeId, exchange]));
  for (const frames of exchanges) expect(byId.get(frames[0]!.exchangeId)).toEqual(expected(frames));
  expect(open.all()).toEqual([]);
  await journal.close();
});

test("the low water mark is the first frame of the oldest open exchange", async () => {
  const [a, b, c] = [exchangeFrames(1), exchangeFrames(2), exchangeFrames(3)];
  await run.write([a[0]!, b[0]!, ...a.slice(1), c[0]!, ...c.slice(1)]);
  const { closed, open } = spans();
  expect(closed.map(({ exchangeId }) => exchangeId)).toEqual([a[0]!.exchangeId, c[0]!.exchangeId]);
  expect(open.all()).toMatchObject([{ exchangeId: b[0]!.exchangeId, open: openHead("/v1/2") }]);
  expect(open.lowWater()).toEqual([...scanFrames(run.dir, START)][1]!.position);
  expect(new OpenExchanges().lowWater()).toBeUndefined();
  expect(await assembled(closed[0]!)).toEqual(expected(a));
});

test("an exchange that a dead run left open is interrupted and keeps what arrived", async () => {
  const frames = exchangeFrames(1, 2);
  await run.write(frames.slice(0, -1));
  const whole = expected(frames);
  expect(await assembled(spans().open.all()[0]!)).toEqual({
    ...whole,
    end: { ...whole.end, tMs: 1.5, outcome: "interrupted" },
  });
  rmSync(run.dir, { recursive: true });
  await run.write(frames.slice(0, 2));
  expect(await assembled(spans().open.all()[0]!)).toMatchObject({
    requestComplete: false,
    responseHead: null,
    response: [],
    end: { tMs: 0, outcome: "interrupted", responseBytes: 0 },
  });
});

test("an exchange that is still open in a living run is not given away as ended", async () => {
  const journal = await openJournal({ dir: run.dir, runId });
  const frames = exchangeFrames(1);
  for (const frame of frames.slice(0, -1)) journal.append(frame);
  const end = await journal.flush();
  await expect(readExchange(run.dir, frames[0]!.exchangeId, START, end)).rejects.toThrow("not whole yet");
  journal.append(frames.at(-1)!);
  await journal.close();
  expect(await readExchange(run.dir, frames[0]!.exchangeId, START, await journal.flush())).toEqual(
    expected(frames),
  );
});

test("gaps are counted, and what damage swallowed is counted as dropped too", async () => {
  const frames = exchangeFrames(1, 3, 40);
  const { exchangeId } = frames[0]!;
  const gap: CaptureFrame = { kind: "gap", exchangeId, direction: "response", droppedBytes: 40 };
  await run.write(frames.map((frame) => (frame === frames[5] ? gap : frame)));
  const [span] = spans().closed;
  expect(await assembled(span!)).toMatchObject({ droppedResponseBytes: 40, requestComplete: true });

  const second = [...scanFrames(run.dir, START)][2]!;
  const bytes = readFileSync(segmentPath(run.dir, 1));
  bytes[second.next.offset - 1]! ^= 1;
  writeFileSync(segmentPath(run.dir, 1), bytes);
  const lost = frames[2]!.kind === "request-body" ? frames[2]!.bytes.length : 0;
  expect(await assembled(span!)).toMatchObject({
    requestComplete: false,
    droppedRequestBytes: lost,
    droppedResponseBytes: 40,
  });
});

test("an exchange whose beginning is lost cannot be rebuilt; one without a body is complete", async () => {
  const frames = exchangeFrames(1);
  const bare = exchangeFrames(2).filter(({ kind }) => kind === "open" || kind === "response-head");
  const { exchangeId } = bare[0]!;
  const end = { tMs: 2, outcome: "complete", error: null, requestBytes: 0, responseBytes: 0 } as const;
  await run.write([...frames.slice(1), ...bare, { kind: "close", exchangeId, end }]);
  const { closed } = spans();
  expect(closed[0]!.open).toBeNull();
  expect(await assembled(closed[0]!)).toBeUndefined();
  expect(await assembled(closed[1]!)).toMatchObject({ requestComplete: true, requestBody: Buffer.alloc(0) });
});
