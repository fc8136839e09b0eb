import { expect, test } from "vitest";
import { blocksOf } from "./message.ts";
import { readRequest } from "./request.ts";

test("content as text or as parts", () => {
  expect(blocksOf({ role: "user", content: "hi" })).toEqual([{ type: "text", text: "hi" }]);
  const parts = [
    { type: "text", text: "look" },
    { type: "image_url", image_url: { url: "data:image/png;base64,AA" } },
  ];
  expect(blocksOf({ role: "user", content: parts })).toEqual(parts);
  expect(blocksOf({ role: "assistant", content: null })).toEqual([]);
});

test("an answer thinks, speaks, refuses and calls, in this order", () => {
  const message = {
    role: "assistant",
    tool_calls: [
      { id: "call_1", type: "function", function: { name: "ls", arguments: '{"path":"."}' } },
      { id: "call_2", type: "custom", custom: { name: "exec", input: "text(1)" } },
      { id: "call_3", type: "function", function: { name: "cut", arguments: '{"pa' } },
      { id: "call_4", type: "function", function: { arguments: "{}" } },
    ],
    refusal: "not that",
    content: "I will.",
    reasoning_content: "hmm",
  };
  expect(blocksOf(message)).toEqual([
    { type: "thinking", thinking: "hmm" },
    { type: "text", text: "I will." },
    { type: "refusal", refusal: "not that" },
    { type: "tool_use", id: "call_1", name: "ls", input: { path: "." } },
    { type: "tool_use", id: "call_2", name: "exec", input: "text(1)" },
    { type: "tool_use", id: "call_3", name: "cut", input: '{"pa' },
  ]);
});

test("a result belongs to its call, as text or as parts", () => {
  const parts = [{ type: "text", text: "ok" }];
  for (const content of ["ok", parts]) {
    expect(blocksOf({ role: "tool", tool_call_id: "call_1", content })).toEqual([
      { type: "tool_result", tool_use_id: "call_1", content },
    ]);
  }
});

test("the form before calls had ids: a call and its result are named alike", () => {
  const call = { role: "assistant", content: null, function_call: { name: "ls", arguments: "{}" } };
  expect(blocksOf(call)).toEqual([{ type: "tool_use", id: "ls", name: "ls", input: {} }]);
  expect(blocksOf({ role: "function", name: "ls", content: "ok" })).toEqual([
    { type: "tool_result", tool_use_id: "ls", content: "ok" },
  ]);
});

test("a request: messages, tools, settings, and a system text beside the messages", () => {
  const body = {
    model: "m",
    messages: [{ role: "developer", content: "rules" }, { content: "hi" }],
    tools: [{ type: "function", function: { name: "ls" } }],
    stream: true,
    stream_options: { include_usage: true },
    system: [
      { type: "text", text: "one" },
      { type: "text", text: "two" },
    ],
  };
  expect(readRequest(body)).toEqual({
    messages: [
      { role: "developer", blocks: [{ type: "text", text: "rules" }] },
      { role: "user", blocks: [{ type: "text", text: "hi" }] },
    ],
    firstContent: "rules",
    model: "m",
    system: "one\ntwo",
    tools: body.tools,
    settings: { stream: true, stream_options: { include_usage: true } },
  });
  for (const wrong of [null, 5, "", [null, 7, []], {}]) {
    expect(readRequest({ model: wrong, messages: wrong, system: wrong }).messages).toEqual([]);
  }
});
