import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { StreamEvent } from "../../contract/exchange.ts";
import type { Json } from "../../contract/projection.ts";
import { EventStream } from "../../wire/event-stream.ts";
import { readStream, readStreamText } from "./stream.ts";

/** Events 100 ms apart; what is no string becomes JSON. */
const stream = (...events: readonly Json[]): StreamEvent[] =>
  events.map((data, index) => ({
    kind: "stream_event",
    exchange_id: "0",
    t_ms: 100 * index,
    event: "message",
    data: typeof data === "string" ? data : JSON.stringify(data),
  }));

const start = (usage: Json = {}): Json => ({
  type: "message_start",
  message: { id: "msg_1", model: "model-1", role: "assistant", content: [], stop_reason: null, usage },
});
const block = (index: number, content_block: Json): Json => ({
  type: "content_block_start",
  index,
  content_block,
});
const delta = (index: number, delta: Json): Json => ({ type: "content_block_delta", index, delta });
const blockStop = (index: number): Json => ({ type: "content_block_stop", index });
const end = (stop_reason: Json, usage: Json = null): Json[] => [
  { type: "message_delta", delta: { stop_reason }, usage },
  { type: "message_stop" },
];

const blocksOf = (events: readonly StreamEvent[]): unknown[] =>
  (readStream(events)?.blocks ?? []).map(({ block }) => block);

test("text, thinking with its signature, and a call are put together, in the order of their index", () => {
  const answer = readStream(
    stream(
      start(),
      block(1, { type: "text", text: "" }),
      block(0, { type: "thinking", thinking: "", signature: "" }),
      { type: "ping" },
      delta(0, { type: "thinking_delta", thinking: "hm" }),
      delta(1, { type: "text_delta", text: "Hello" }),
      delta(0, { type: "thinking_delta", thinking: "m." }),
      delta(0, { type: "signature_delta", signature: "c2ln" }),
      blockStop(0),
      delta(1, { type: "text_delta", text: ", world" }),
      block(2, { type: "tool_use", id: "toolu_1", name: "Bash", input: {} }),
      delta(2, { type: "input_json_delta", partial_json: '{"command"' }),
      delta(2, { type: "input_json_delta", partial_json: ':"ls"}' }),
      ...end("tool_use"),
    ),
  );
  expect(answer).toEqual({
    role: "assistant",
    id: "msg_1",
    model: "model-1",
    stopReason: "tool_use",
    isPartial: false,
    details: {},
    blocks: [
      { tMs: 200, block: { type: "thinking", thinking: "hmm.", signature: "c2ln" } },
      { tMs: 100, block: { type: "text", text: "Hello, world" } },
      { tMs: 1000, block: { type: "tool_use", id: "toolu_1", name: "Bash", input: { command: "ls" } } },
    ],
  });
});

test("usage is what was said last, field by field, and never added up", () => {
  const answer = readStream(
    stream(
      start({
        input_tokens: 11,
        cache_read_input_tokens: 2001,
        cache_creation_input_tokens: 1001,
        cache_creation: { ephemeral_5m_input_tokens: 601, ephemeral_1h_input_tokens: 400 },
        output_tokens: 1,
        service_tier: "standard",
      }),
      { type: "message_delta", delta: {}, usage: { output_tokens: 5 } },
      ...end("end_turn", { input_tokens: null, cache_read_input_tokens: 0, output_tokens: 21 }),
    ),
  );
  expect(answer?.usage).toEqual({
    input_tokens: 11,
    cache_read_tokens: 0,
    cache_write_tokens: 1001,
    cache_write_5m_tokens: 601,
    cache_write_1h_tokens: 400,
    output_tokens: 21,
  });
  expect(answer?.details).toEqual({ service_tier: "standard" });
});

test("a stream that breaks off keeps what came: text as it is, unfinished arguments as text", () => {
  const answer = readStream(
    stream(
      start({ output_tokens: 1 }),
      block(0, { type: "text", text: "" }),
      delta(0, { type: "text_delta", text: "I will" }),
      block(1, { type: "tool_use", id: "toolu_1", name: "Bash", input: {} }),
      delta(1, { type: "input_json_delta", partial_json: '{"command": "rm' }),
    ),
  );
  expect(answer?.isPartial).toBe(true);
  expect(answer?.stopReason).toBeUndefined();
  expect(answer?.blocks.map(({ block }) => block)).toEqual([
    { type: "text", text: "I will" },
    { type: "tool_use", id: "toolu_1", name: "Bash", input: '{"command": "rm' },
  ]);
});

test("a reason to stop without message_stop is an end all the same", () => {
  expect(
    readStream(stream(start(), { type: "message_delta", delta: { stop_reason: "end_turn" } })),
  ).toMatchObject({
    isPartial: false,
    stopReason: "end_turn",
  });
});

test("an error event is the answer's error, and what came before it stays", () => {
  const answer = readStream(
    stream(start(), block(0, { type: "text", text: "abc" }), {
      type: "error",
      error: { type: "overloaded_error", message: "Overloaded" },
    }),
  );
  expect(answer).toMatchObject({ error: "overloaded_error: Overloaded", isPartial: true });
  expect(answer?.blocks).toHaveLength(1);
});

test("a call without arguments keeps the empty ones it began with", () => {
  const call = { type: "tool_use", id: "t", name: "List", input: {} };
  expect(
    blocksOf(stream(start(), block(0, call), delta(0, { type: "input_json_delta", partial_json: "" }))),
  ).toEqual([call]);
});

test("server tools and their results, citations and unknown blocks are kept", () => {
  const search = { type: "server_tool_use", id: "srv_1", name: "web_search", input: {} };
  const result = {
    type: "web_search_tool_result",
    tool_use_id: "srv_1",
    content: [{ type: "web_search_result" }],
  };
  const events = stream(
    start(),
    block(0, search),
    delta(0, { type: "input_json_delta", partial_json: '{"query":"x"}' }),
    block(1, result),
    block(2, { type: "text", text: "", citations: [] }),
    delta(2, { type: "citations_delta", citation: { url: "https://example.com" } }),
    delta(2, { type: "text_delta", text: "so" }),
    delta(2, { type: "hologram_delta", hologram: "?" }),
    block(3, { type: "hologram", depth: 3 }),
    { type: "hologram_event" },
  );
  expect(blocksOf(events)).toEqual([
    { ...search, input: { query: "x" } },
    result,
    { type: "text", text: "so", citations: [{ url: "https://example.com" }] },
    { type: "hologram", depth: 3 },
  ]);
});

test("what is left after a gap is kept: blocks and usage without their beginning", () => {
  const answer = readStream(
    stream(
      delta(3, { type: "text_delta", text: "…end" }),
      delta(4, { type: "input_json_delta", partial_json: '{"a":1}' }),
      delta(5, { type: "hologram_delta" }),
      ...end("end_turn", { output_tokens: 9 }),
    ),
  );
  expect(answer).toMatchObject({ usage: { output_tokens: 9 }, stopReason: "end_turn" });
  expect(answer?.blocks.map(({ block }) => block)).toEqual([
    { type: "text", text: "…end" },
    { type: "tool_use", input: { a: 1 } },
  ]);
});

test("a stream without an answer is none", () => {
  expect(readStream([])).toBeUndefined();
  expect(readStream(stream("[DONE]", "not json", 5, null, { type: "ping" }, [1]))).toBeUndefined();
});

/** So many times as often as each of the others. */
function mostly(usual: string, times: number, ...others: readonly string[]): fc.Arbitrary<string> {
  return fc.constantFrom(...Array<string>(times).fill(usual), ...others);
}

/** Data of events that look like text deltas, and nearly so. */
function nearlyDeltas(): fc.Arbitrary<readonly string[]> {
  const index = mostly("0", 16, "1", "1", "10", "999", "1000", "01", "-1", "1.0", "1e0", "");
  const text = fc.oneof(
    fc.string({ maxLength: 3 }),
    fc.string({ unit: "binary" }),
    fc.constantFrom("a", "é", "\\", '"', '\\"', "\n", "\u007f", "\\n", '"}} ', "\ud800"),
  );
  const type = mostly("text_delta", 8, "text_delta ", "thinking_delta");
  const padding = mostly("", 3, " ", "   ", "\n", "x");
  const deltas = fc.array(fc.tuple(index, type, text, fc.boolean(), padding, padding), { maxLength: 6 });
  return deltas.map((parts) =>
    parts.map(([at, kind, said, escaped, inner, outer]) => {
      const value = escaped ? JSON.stringify(said) : `"${said}"`;
      return `{"type":"content_block_delta","index":${at},"delta":{"type":"${kind}","text":${value}}${inner}}${outer}`;
    }),
  );
}

const begun = JSON.stringify(block(0, { type: "text", text: "begun: " }));

test("a piece of plain text is read as if its event were parsed", () => {
  fc.assert(
    fc.property(nearlyDeltas(), fc.boolean(), (events, isBegun) => {
      const first = isBegun ? [begun] : [];
      const read = (space: string): unknown =>
        readStream(stream(...first, ...events.map((each) => space + each)));
      expect(read("")).toEqual(read(" "));
    }),
    { numRuns: 1_000 },
  );
});

test("the text of a stream is read as its events are, or not at all", () => {
  const name = mostly("event: content_block_delta\n", 60, "event: \n", "event:x\n", "");
  const space = mostly("data: ", 60, "data:  ", "data:", "\ndata: ", ": c\ndata: ");
  const close = mostly("\n\n", 80, "\n", "\n\n\n", "\r\n\n", "\ndata: 1\n\n");
  const form = fc.tuple(name, space, close);
  let read = 0;
  fc.assert(
    fc.property(nearlyDeltas(), fc.array(form, { minLength: 7, maxLength: 7 }), (events, forms) => {
      const pieces = [begun, ...events].map((data, i) => {
        const [before, field, after] = forms[i]!;
        const bytes = Buffer.from(before + field + data + after);
        return { bytes, arrivals: [{ tMs: 100 * i, length: bytes.length }] };
      });
      const arrived = new EventStream("0", pieces);
      const text = arrived.text();
      const answer = text && readStreamText(text);
      if (answer === undefined) return;
      read += 1;
      expect(answer).toEqual(readStream(arrived.events));
      expect(arrived.count).toBe(arrived.events.length);
    }),
    { numRuns: 3_000 },
  );
  expect(read).toBeGreaterThan(100);
});

test("no stream, however wrong its types, is too much", () => {
  const kinds = [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "message_delta",
    "error",
    "x",
  ];
  const event = fc.record(
    {
      type: fc.constantFrom(...kinds),
      index: fc.anything(),
      message: fc.jsonValue(),
      content_block: fc.oneof(fc.jsonValue(), fc.constant({ type: "text", citations: 5 })),
      delta: fc.oneof(fc.jsonValue(), fc.constantFrom({ type: "text_delta" }, { type: "citations_delta" })),
      usage: fc.jsonValue(),
      error: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 8 }), (events) => {
      readStream(stream(...events.map((each) => JSON.stringify(each))));
    }),
    { numRuns: 300 },
  );
});
