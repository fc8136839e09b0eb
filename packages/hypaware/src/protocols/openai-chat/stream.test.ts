import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { StreamEvent } from "../../contract/exchange.ts";
import type { Json, JsonObject } from "../../contract/projection.ts";
import { readAnswer } from "./answer.ts";
import { readStream } from "./stream.ts";

const stream = (...chunks: readonly Json[]): StreamEvent[] =>
  chunks.map((chunk, index) => ({
    kind: "stream_event",
    exchange_id: "0",
    t_ms: 10 * index,
    event: "message",
    data: typeof chunk === "string" ? chunk : JSON.stringify(chunk),
  }));
const read = (...chunks: readonly Json[]) => readStream(stream(...chunks));
const chunk = (...choices: readonly JsonObject[]): JsonObject => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  model: "m-1",
  service_tier: "default",
  choices,
});
const says = (delta: JsonObject, index = 0): JsonObject => ({ index, delta, finish_reason: null });
const ends = (reason: string, index = 0): JsonObject => ({ index, delta: {}, finish_reason: reason });
const calls = (...pieces: readonly JsonObject[]): JsonObject => says({ tool_calls: pieces });

const USAGE = {
  prompt_tokens: 100,
  completion_tokens: 20,
  total_tokens: 120,
  prompt_tokens_details: { cached_tokens: 60 },
  completion_tokens_details: { reasoning_tokens: 5 },
};
const CHUNKS: readonly JsonObject[] = [
  chunk(says({ role: "assistant", content: "" })),
  chunk(says({ content: "I wi" })),
  chunk(says({ content: "ll." })),
  chunk(calls({ index: 0, id: "call_1", type: "function", function: { name: "ls", arguments: "" } })),
  chunk(calls({ index: 1, id: "call_2", type: "function", function: { name: "cat", arguments: '{"a"' } })),
  chunk(
    calls({ index: 0, function: { arguments: '{"path"' } }, { index: 1, function: { arguments: ":1}" } }),
  ),
  chunk(calls({ index: 0, function: { arguments: ':"."}' } })),
  chunk(ends("tool_calls")),
  { ...chunk(), usage: USAGE },
];
const WHOLE = {
  id: "chatcmpl-1",
  model: "m-1",
  service_tier: "default",
  choices: [
    {
      index: 0,
      message: {
        role: "assistant",
        content: "I will.",
        tool_calls: [
          { id: "call_1", function: { name: "ls", arguments: '{"path":"."}' } },
          { id: "call_2", function: { name: "cat", arguments: '{"a":1}' } },
        ],
      },
      finish_reason: "tool_calls",
    },
  ],
  usage: USAGE,
};

test("a whole answer reads as the same answer in one piece", () => {
  const streamed = read(...CHUNKS, "[DONE]");
  expect(streamed).toEqual({ ...readAnswer(JSON.stringify(WHOLE)), tMs: 0 });
  expect(streamed).toMatchObject({
    id: "chatcmpl-1",
    stopReason: "tool_calls",
    isPartial: false,
    usage: { input_tokens: 40, cache_read_tokens: 60, output_tokens: 20, reasoning_tokens: 5 },
    blocks: [
      { type: "text", text: "I will." },
      { type: "tool_use", id: "call_1", name: "ls", input: { path: "." } },
      { type: "tool_use", id: "call_2", name: "cat", input: { a: 1 } },
    ],
  });
});

test("without the chunk that has it, an answer has no usage", () => {
  expect(read(...CHUNKS.slice(0, -1), "[DONE]")?.usage).toBeUndefined();
  const each = CHUNKS.map((each) => ({ usage: null, ...each }));
  expect(read(...each)?.usage?.output_tokens).toBe(20);
});

test("wherever a stream breaks off, what came is kept", () => {
  for (let length = 1; length < CHUNKS.length - 1; length++) {
    expect(read(...CHUNKS.slice(0, length))?.isPartial, `${length} chunks`).toBe(true);
  }
  expect(read(CHUNKS[0]!)?.blocks).toEqual([]);
  expect(read(...CHUNKS.slice(0, 2))?.blocks).toEqual([{ type: "text", text: "I wi" }]);
  expect(read(...CHUNKS.slice(0, 6))?.blocks[1]).toMatchObject({ name: "ls", input: '{"path"' });
});

test("of several choices the first is the answer, the others are kept beside it", () => {
  const answer = read(
    chunk(says({ role: "assistant", content: "b" }, 1)),
    chunk(says({ role: "assistant", content: "a" }, 0)),
    chunk(ends("stop", 1), ends("length", 0)),
  );
  expect(answer?.blocks).toEqual([{ type: "text", text: "a" }]);
  expect(answer?.stopReason).toBe("length");
  expect(answer?.details["other_choices"]).toMatchObject([
    { index: 1, finish_reason: "stop", message: { content: "b" } },
  ]);
});

test("a refusal, what came before it, and the thoughts that some servers show", () => {
  const answer = read(
    chunk(says({ role: "assistant", reasoning_content: "hm" })),
    chunk(says({ reasoning_content: "m" })),
    chunk(says({ refusal: "I can" })),
    chunk(says({ refusal: "not." })),
    chunk(ends("content_filter")),
  );
  expect(answer?.blocks).toEqual([
    { type: "thinking", thinking: "hmm" },
    { type: "refusal", refusal: "I cannot." },
  ]);
});

test("the form before calls had ids, and tools that take text", () => {
  const old = read(
    chunk(says({ function_call: { name: "ls", arguments: "{" } })),
    chunk(says({ function_call: { arguments: "}" } })),
  );
  expect(old?.blocks).toEqual([{ type: "tool_use", id: "ls", name: "ls", input: {} }]);
  const custom = read(
    chunk(calls({ index: 0, id: "c", type: "custom", custom: { name: "exec", input: "text(" } })),
    chunk(calls({ index: 0, custom: { input: "1)" } })),
  );
  expect(custom?.blocks).toEqual([{ type: "tool_use", id: "c", name: "exec", input: "text(1)" }]);
});

test("an error in the middle ends the answer, and what came before it stays", () => {
  const answer = read(CHUNKS[0]!, CHUNKS[1]!, { error: { message: "overloaded", type: "server_error" } });
  expect(answer).toMatchObject({
    error: "server_error: overloaded",
    isPartial: false,
    blocks: [{ text: "I wi" }],
  });
});

test("what is no answer is none", () => {
  expect(read("[DONE]", "not json", 5, null, { type: "ping" })).toBeUndefined();
  expect(readAnswer(null)).toBeUndefined();
  expect(readAnswer('{"object":"list","data":[]}')).toBeUndefined();
  expect(readAnswer('{"error":{"message":"no"}}')).toMatchObject({ error: "no", blocks: [] });
});

test("no stream, however wrong its types, is too much", () => {
  const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom<Json>(USAGE, ...WHOLE.choices));
  const delta = fc.record(
    { role: value, content: value, refusal: value, tool_calls: fc.oneof(value, fc.array(value)) },
    { requiredKeys: [] },
  );
  const choice = fc.record({ index: value, delta: fc.oneof(value, delta), finish_reason: value });
  const event = fc.record({ id: value, choices: fc.oneof(value, fc.array(choice)), usage: value });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 8 }), (chunks) => {
      for (const block of read(...(chunks as Json[]))?.blocks ?? []) expect(block).toBeTypeOf("object");
    }),
    { numRuns: 500 },
  );
});
