import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { CapturedExchange, CaptureFrame } from "../contract/frame.ts";
import { readExchange } from "./assemble.ts";
import { conversation, turnFrames } from "./fixtures/conversation.ts";
import { exchangeFrames } from "./fixtures/exchange.ts";
import { START, TemporaryRun } from "./fixtures/temporary-run.ts";
import { HeldExchanges } from "./held-exchanges.ts";
import { type ExchangeSpan, OpenExchanges } from "./open-exchanges.ts";
import { scanFrames } from "./reader.ts";
import { segmentPath } from "./segment.ts";

const run = new TemporaryRun();

interface Followed {
  readonly span: ExchangeSpan;
  readonly held: CapturedExchange | undefined;
}

function follow(maxBytes: number): readonly Followed[] {
  const open = new OpenExchanges();
  const exchanges = new HeldExchanges(run.dir, maxBytes);
  const followed: Followed[] = [];
  for (const entry of scanFrames(run.dir, START)) {
    exchanges.note(entry);
    const span = open.note(entry);
    if (span !== undefined) followed.push({ span, held: exchanges.take(span.exchangeId) });
  }
  exchanges.close();
  return followed;
}

const read = ({ exchangeId, from, to }: ExchangeSpan) => readExchange(run.dir, exchangeId, from, to);

/** Frames of several exchanges, in turns. */
function inTurns(exchanges: readonly (readonly CaptureFrame[])[]): readonly CaptureFrame[] {
  const longest = Math.max(...exchanges.map(({ length }) => length));
  return Array.from({ length: longest }, (_none, i) => exchanges.flatMap((frames) => frames[i] ?? [])).flat();
}

/** All but the first body are stored as differences. */
const conversationFrames = () =>
  conversation(1, 12, 8_000, 30_000).map((turn, i) => turnFrames(i + 100, turn));

test("what was put together on the way is what is read from the span, over segments, of differences too", async () => {
  const plain = Array.from({ length: 20 }, (_none, i) => exchangeFrames(i, i % 5));
  await run.write(inTurns([...plain, ...conversationFrames()]), { segmentBytes: 50_000 });
  const followed = follow(1e6);
  expect(followed).toHaveLength(32);
  expect(followed.at(-1)!.span.to.segment).toBeGreaterThan(1);
  for (const { span, held } of followed) {
    expect(held).toBeDefined();
    expect(held).toEqual(await read(span));
  }
});

test("over the bound an exchange is left to be read, and what ends makes room", async () => {
  const [small, large, next] = [exchangeFrames(1), exchangeFrames(2, 3, 500), exchangeFrames(3)];
  await run.write([...inTurns([small, large]), ...next]);
  const known = follow(1_000).map(({ span, held }) => [span.exchangeId, held !== undefined]);
  expect(known).toEqual([
    [small[0]!.exchangeId, true],
    [large[0]!.exchangeId, false],
    [next[0]!.exchangeId, true],
  ]);
  expect(follow(0).map(({ held }) => held)).toEqual([undefined, undefined, undefined]);
});

test("bodies whose base is damaged are left to be read", async () => {
  await run.write(conversationFrames().flat());
  const open = new OpenExchanges();
  const [first] = [...scanFrames(run.dir, START)].flatMap((entry) => open.note(entry) ?? []);
  const bytes = readFileSync(segmentPath(run.dir, 1));
  bytes.fill(0, first!.from.offset, first!.to.offset);
  writeFileSync(segmentPath(run.dir, 1), bytes);
  const followed = follow(1e6);
  expect(followed.map(({ held }) => held !== undefined)).toEqual(Array<boolean>(11).fill(false));
  expect(await read(followed[0]!.span)).toMatchObject({ requestComplete: false });
});

test("what goes through a tunnel is not held", async () => {
  const frames = exchangeFrames(1, 0);
  const { exchangeId } = frames[0]!;
  const tunnelled: CaptureFrame = {
    kind: "ws-bytes",
    exchangeId,
    side: "client",
    offset: 0,
    bytes: Buffer.from("ab"),
    arrivals: [{ tMs: 1, length: 2 }],
    masked: [],
  };
  await run.write(frames.toSpliced(-1, 0, tunnelled));
  expect(follow(1e6).map(({ held }) => held)).toEqual([undefined]);
});
