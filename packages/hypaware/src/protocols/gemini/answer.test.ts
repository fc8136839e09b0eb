import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { StreamEvent } from "../../contract/exchange.ts";
import type { Json } from "../../contract/projection.ts";
import { type Answer, readAnswer, readStream } from "./answer.ts";
import { CallIds } from "./call-ids.ts";

const events = (...pieces: Json[]): StreamEvent[] =>
  pieces.map((piece, index) => ({
    kind: "stream_event",
    exchange_id: "0",
    t_ms: 10 * index,
    event: "message",
    data: typeof piece === "string" ? piece : JSON.stringify(piece),
  }));
const stream = (...pieces: Json[]): Answer | undefined => readStream(events(...pieces), new CallIds());
const body = (value: Json): Answer | undefined =>
  readAnswer(typeof value === "string" ? value : JSON.stringify(value), new CallIds());

const says = (...parts: Json[]): { [name: string]: Json } => ({
  candidates: [{ content: { role: "model", parts }, index: 0 }],
  modelVersion: "gemini-pro-001",
  responseId: "r-1",
});
const ends = (finishReason: string, usageMetadata: Json, ...parts: Json[]): Json => ({
  ...says(...parts),
  candidates: [{ content: { role: "model", parts }, finishReason, index: 0 }],
  usageMetadata,
});
const USAGE = {
  promptTokenCount: 100,
  cachedContentTokenCount: 60,
  candidatesTokenCount: 20,
  thoughtsTokenCount: 5,
};
const PIECES: Json[] = [
  { ...says({ text: "hmm", thought: true }), usageMetadata: { promptTokenCount: 100 } },
  says({ text: "he" }),
  says({ text: "llo" }),
  ends("STOP", USAGE, { functionCall: { name: "ls", args: { p: 1 } }, thoughtSignature: "sig" }),
];
const WHOLE = {
  blocks: [
    { type: "thinking", thinking: "hmm", signature: "sig" },
    { type: "text", text: "hello" },
    { type: "tool_use", id: expect.stringMatching(/^call_/), name: "ls", input: { p: 1 } },
  ],
  id: "r-1",
  model: "gemini-pro-001",
  stopReason: "STOP",
  isPartial: false,
  usage: { input_tokens: 40, cache_read_tokens: 60, output_tokens: 25, reasoning_tokens: 5 },
};

test("events, an array of the same pieces, and one object give the same answer", () => {
  expect(stream(...PIECES)).toMatchObject({ ...WHOLE, tMs: 0 });
  expect(body(PIECES)).toMatchObject(WHOLE);
  const whole = ends("STOP", USAGE, ...["hmm", "hello"].map((text, i) => ({ text, thought: i === 0 })), {
    functionCall: { name: "ls", args: { p: 1 } },
    thoughtSignature: "sig",
  });
  expect(body(whole)).toMatchObject(WHOLE);
  expect(stream(...PIECES.map((response) => ({ response: response, traceId: "t" })))).toMatchObject(WHOLE);
});

test("an array that broke off anywhere gives the pieces that came whole", () => {
  const texts = ['say "}"', "\\", "{[", "end"];
  const all = `[${texts.map((text) => JSON.stringify(says({ text }))).join(",\r\n")}\n]`;
  for (let length = 0; length <= all.length; length++) {
    const got = body(all.slice(0, length))?.blocks[0]?.["text"] ?? "";
    expect(texts.map((_, n) => texts.slice(0, n).join("")).concat(texts.join(""))).toContain(got);
    if (length === all.length - 2) expect(got).toBe(texts.join(""));
  }
});

test("a stream that broke off keeps what came and says so", () => {
  expect(stream(...PIECES.slice(0, 2))).toMatchObject({
    blocks: [
      { type: "thinking", thinking: "hmm" },
      { type: "text", text: "he" },
    ],
    isPartial: true,
    usage: { input_tokens: 100 },
  });
});

test("usage is told as totals: the last number of each field holds, and tool prompts are input", () => {
  const usage = (...told: Json[]): unknown =>
    stream(...told.map((usageMetadata) => ({ ...says(), usageMetadata })))?.usage;
  expect(
    usage({ ...USAGE, cachedContentTokenCount: 10 }, { promptTokenCount: 100, candidatesTokenCount: 30 }),
  ).toEqual({ input_tokens: 90, cache_read_tokens: 10, output_tokens: 35, reasoning_tokens: 5 });
  expect(usage({ promptTokenCount: 9, toolUsePromptTokenCount: 4, totalTokenCount: 13 })).toEqual({
    input_tokens: 13,
  });
  expect(usage({ promptTokenCount: 9, cachedContentTokenCount: 12 })).toMatchObject({ input_tokens: 0 });
  expect(usage({})).toBeUndefined();
});

test("a blocked prompt is an error without an answer", () => {
  const blocked = {
    promptFeedback: { blockReason: "PROHIBITED_CONTENT" },
    usageMetadata: { promptTokenCount: 4 },
  };
  expect(body(blocked)).toMatchObject({
    blocks: [],
    stopReason: "PROHIBITED_CONTENT",
    isPartial: false,
    error: "prompt blocked: PROHIBITED_CONTENT",
    usage: { input_tokens: 4 },
  });
});

test("an answer without a word says why it stopped", () => {
  const candidates = [{ finishReason: "MALFORMED_FUNCTION_CALL", finishMessage: "no such tool" }];
  expect(body({ candidates })).toMatchObject({
    blocks: [],
    stopReason: "MALFORMED_FUNCTION_CALL",
    stopMessage: "no such tool",
  });
});

test("an error is told as status and message, alone, in an array, or in the midst of a stream", () => {
  const error = { error: { code: 429, message: "slow down", status: "RESOURCE_EXHAUSTED" } };
  const text = "RESOURCE_EXHAUSTED: slow down";
  expect(body(error)).toMatchObject({ blocks: [], isPartial: false, error: text });
  expect(body([error])?.error).toBe(text);
  expect(stream(PIECES[1]!, error)).toMatchObject({ error: text, blocks: [{ text: "he" }] });
  expect(body({ error: { code: 500 } })?.error).toBe("500");
});

test("of several candidates the first is the answer, whatever comes first on the wire", () => {
  const candidate = (index: number, text: string): Json => ({ index, content: { parts: [{ text }] } });
  expect(stream({ candidates: [candidate(1, "b")] }, { candidates: [candidate(0, "a")] })?.blocks).toEqual([
    { type: "text", text: "a" },
  ]);
});

test("what is no answer is none", () => {
  for (const value of ["", "not json", "[", "5", "[1]", {}, { totalTokens: 5 }, { models: [] }]) {
    expect(body(value)).toBeUndefined();
  }
  expect(readAnswer(null, new CallIds())).toBeUndefined();
  expect(stream("[DONE]", "5", [1])).toBeUndefined();
});

test("no answer, however wrong its types, is too much", () => {
  const part = fc.record(
    {
      text: fc.jsonValue(),
      thought: fc.jsonValue(),
      functionCall: fc.jsonValue(),
      functionResponse: fc.jsonValue(),
      inlineData: fc.jsonValue(),
      executableCode: fc.jsonValue(),
      thoughtSignature: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const content = fc.oneof(fc.jsonValue(), fc.record({ parts: fc.array(part, { maxLength: 4 }) }));
  const piece = fc.record(
    {
      candidates: fc.oneof(fc.jsonValue(), fc.array(fc.record({ content }), { maxLength: 3 })),
      usageMetadata: fc.jsonValue(),
      promptFeedback: fc.jsonValue(),
      error: fc.jsonValue(),
      response: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 5 }), fc.nat(), (pieces, cut) => {
      const text = JSON.stringify(pieces);
      stream(...(pieces as Json[]));
      body(text.slice(0, cut % (text.length + 1)));
    }),
    { numRuns: 300 },
  );
});
