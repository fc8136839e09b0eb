import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { StreamEvent } from "../../contract/exchange.ts";
import type { Json, JsonObject } from "../../contract/projection.ts";
import { readAnswer } from "./answer.ts";
import { readStream } from "./stream.ts";

const stream = (...events: readonly Json[]): StreamEvent[] =>
  events.map((event, index) => ({
    kind: "stream_event",
    exchange_id: "0",
    t_ms: 10 * index,
    event: "message",
    data: typeof event === "string" ? event : JSON.stringify(event),
  }));
const read = (...events: readonly Json[]) => readStream(stream(...events));
const on = (type: string, members: JsonObject = {}): JsonObject => ({ type: `response.${type}`, ...members });

const USAGE = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 60 },
  output_tokens: 20,
  output_tokens_details: { reasoning_tokens: 5 },
  total_tokens: 120,
};
const MESSAGE = {
  type: "message",
  id: "msg_1",
  role: "assistant",
  content: [{ type: "output_text", text: "hello" }],
};
const CALL = {
  type: "function_call",
  id: "fc_1",
  call_id: "call_1",
  name: "ls",
  arguments: '{"path":"."}',
};
const REASONING = {
  type: "reasoning",
  id: "rs_1",
  summary: [{ type: "summary_text", text: "short" }],
  encrypted_content: "gAAA",
};
const whole = (output: readonly Json[]): JsonObject => ({
  id: "resp_1",
  model: "m-1",
  status: "completed",
  output,
  usage: USAGE,
  service_tier: "default",
});
/** A whole answer, event by event. */
const EVENTS: readonly JsonObject[] = [
  on("created", { response: { id: "resp_1", model: "m-1", status: "in_progress", output: [] } }),
  on("in_progress", { response: { id: "resp_1", status: "in_progress" } }),
  on("output_item.added", { output_index: 0, item: { ...REASONING, summary: [] } }),
  on("reasoning_summary_part.added", { item_id: "rs_1", output_index: 0, summary_index: 0, part: {} }),
  on("reasoning_summary_text.delta", { item_id: "rs_1", output_index: 0, summary_index: 0, delta: "sho" }),
  on("reasoning_summary_text.delta", { item_id: "rs_1", output_index: 0, summary_index: 0, delta: "rt" }),
  on("output_item.done", { output_index: 0, item: REASONING }),
  on("output_item.added", { output_index: 1, item: { ...MESSAGE, content: [] } }),
  on("content_part.added", { item_id: "msg_1", output_index: 1, content_index: 0, part: {} }),
  on("output_text.delta", { item_id: "msg_1", output_index: 1, content_index: 0, delta: "he" }),
  on("output_text.delta", { item_id: "msg_1", output_index: 1, content_index: 0, delta: "llo" }),
  on("output_text.done", { item_id: "msg_1", output_index: 1, content_index: 0, text: "hello" }),
  on("output_item.done", { output_index: 1, item: MESSAGE }),
  on("output_item.added", { output_index: 2, item: { ...CALL, arguments: "" } }),
  on("function_call_arguments.delta", { item_id: "fc_1", output_index: 2, delta: '{"path"' }),
  on("function_call_arguments.delta", { item_id: "fc_1", output_index: 2, delta: ':"."}' }),
  on("function_call_arguments.done", { item_id: "fc_1", output_index: 2, arguments: '{"path":"."}' }),
  on("output_item.done", { output_index: 2, item: CALL }),
  on("completed", { response: whole([REASONING, MESSAGE, CALL]) }),
];

test("a whole answer reads as the same answer in one piece, with the times of its items", () => {
  const streamed = read(...EVENTS);
  const { items = [], ...rest } = readAnswer(JSON.stringify(whole([REASONING, MESSAGE, CALL]))) ?? {};
  expect(streamed).toEqual({
    ...rest,
    items: items.map(({ item }, index) => ({ item, tMs: [20, 70, 130][index] })),
  });
  expect(streamed).toMatchObject({
    id: "resp_1",
    model: "m-1",
    stopReason: "completed",
    isPartial: false,
    usage: { input_tokens: 40, cache_read_tokens: 60, output_tokens: 20, reasoning_tokens: 5 },
    details: { service_tier: "default" },
  });
});

test("the last event may leave the output out, or its items' beginnings may be missing", () => {
  const full = read(...EVENTS)?.items.map(({ item }) => item);
  const bare = EVENTS.toSpliced(-1, 1, on("completed", { response: whole([]) }));
  expect(read(...bare)?.items.map(({ item }) => item)).toEqual(full);
  const onlyPieces = bare.filter(({ type }) => !(type as string).includes("output_item"));
  expect(read(...onlyPieces)?.items.map(({ item: { type, blocks } }) => [type, blocks[0]])).toEqual([
    ["reasoning", { type: "reasoning", summary: [{ type: "summary_text", text: "short" }] }],
    ["message", { type: "output_text", text: "hello" }],
    ["function_call", { type: "function_call", id: "fc_1", arguments: { path: "." } }],
  ]);
  const nameless = ["he", "llo"].map((delta) => on("output_text.delta", { delta }));
  expect(read(...nameless)?.items).toMatchObject([
    { item: { role: "assistant", blocks: [{ type: "output_text", text: "hello" }] } },
  ]);
});

test("wherever a stream breaks off, what came is kept, and it is known to be broken off", () => {
  for (let length = 1; length < EVENTS.length; length++) {
    const answer = read(...EVENTS.slice(0, length));
    expect(answer?.isPartial, `${length} events`).toBe(true);
    expect(answer?.stopReason).toBeUndefined();
    expect(answer?.id).toBe("resp_1");
  }
  const types = (length: number) =>
    read(...EVENTS.slice(0, length))?.items.map(({ item }) => [item.type, item.blocks[0]]);
  expect(types(2)).toEqual([]);
  // Reasoning that only began, and a message without a word, are not there: no client keeps them.
  expect(types(3)).toEqual([]);
  expect(types(5)?.[0]?.[1]).toMatchObject({ summary: [{ text: "sho" }] });
  expect(types(9)).toHaveLength(1);
  expect(types(10)?.[1]).toEqual(["message", { type: "output_text", text: "he" }]);
  expect(types(15)?.[2]?.[1]).toMatchObject({ name: "ls", arguments: '{"path"' });
});

test("the input of a custom tool grows, too", () => {
  const item = { type: "custom_tool_call", id: "ctc_1", call_id: "c", name: "exec", input: "" };
  const answer = read(
    on("output_item.added", { output_index: 0, item }),
    on("custom_tool_call_input.delta", { item_id: "ctc_1", output_index: 0, delta: "text(" }),
    on("custom_tool_call_input.delta", { item_id: "ctc_1", output_index: 0, delta: "1)" }),
  );
  expect(answer?.items[0]?.item.blocks[0]).toMatchObject({ name: "exec", input: "text(1)" });
});

test("why an answer is not complete", () => {
  const incomplete = on("incomplete", {
    response: {
      ...whole([MESSAGE]),
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
    },
  });
  expect(read(incomplete)).toMatchObject({ stopReason: "max_output_tokens", isPartial: false });
  const failed = on("failed", {
    response: { id: "resp_1", status: "failed", error: { code: "server_error", message: "no" }, output: [] },
  });
  expect(read(EVENTS[0]!, failed)).toMatchObject({
    stopReason: "failed",
    error: "server_error: no",
    isPartial: false,
    id: "resp_1",
  });
});

test("an error in the middle is one, in either form", () => {
  const flat = { type: "error", code: "rate_limit_exceeded", message: "slow down", sequence_number: 3 };
  expect(read(EVENTS[0]!, flat)).toMatchObject({ error: "rate_limit_exceeded: slow down", isPartial: false });
  const nested = { type: "error", status: 400, error: { type: "invalid_request_error", message: "no" } };
  expect(read(nested)?.error).toBe("invalid_request_error: no");
  const afterText = read(...EVENTS.slice(0, 10), flat);
  expect(afterText?.items).toHaveLength(2);
});

test("an event that names itself only outside its data counts", () => {
  const [event] = stream({ delta: "hi" });
  const answer = readStream([{ ...event!, event: "response.output_text.delta" }]);
  expect(answer?.items[0]?.item.blocks).toEqual([{ type: "output_text", text: "hi" }]);
});

test("what is no answer is none", () => {
  expect(
    read("[DONE]", "not json", 5, null, { type: "ping" }, on("of_tomorrow", { delta: "x" })),
  ).toBeUndefined();
  expect(readAnswer(null)).toBeUndefined();
  expect(readAnswer("<html>")).toBeUndefined();
  expect(readAnswer('{"object":"list","data":[]}')).toBeUndefined();
});

test("an answer in one piece: errors, and text alone", () => {
  const error = { error: { message: "Rate limit reached", type: "rate_limit_exceeded", code: null } };
  expect(readAnswer(JSON.stringify(error))).toMatchObject({
    items: [],
    error: "rate_limit_exceeded: Rate limit reached",
  });
  expect(readAnswer('{"id":"resp_1","output_text":"hi"}')?.items).toMatchObject([
    { item: { role: "assistant", blocks: [{ type: "text", text: "hi" }] } },
  ]);
});

test("no stream, however wrong its types, is too much", () => {
  const type = fc.constantFrom(...EVENTS.map((event) => event["type"]), "error", "response.x.delta");
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<Json>(REASONING, MESSAGE, CALL, whole([MESSAGE])),
  );
  const event = fc.record(
    {
      type,
      output_index: value,
      item_id: value,
      content_index: value,
      summary_index: value,
      delta: value,
      item: value,
      response: value,
    },
    { requiredKeys: ["type"] },
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 8 }), (events) => {
      for (const { item } of read(...(events as Json[]))?.items ?? []) expect(item.type).toBeTypeOf("string");
    }),
    { numRuns: 500 },
  );
});
