import { expect, test } from "vitest";
import type { Json } from "../contract/projection.ts";
import { LIMITS } from "../contract/limits.ts";
import { parseEntry, parseProjection } from "./intake.ts";

const base = { provider: "fake", conversation_id: "c" };
const messages = (...list: unknown[]) => parseProjection({ ...base, messages: list })?.messages;

test("content is a list of blocks: text becomes one, what is no object is dropped", () => {
  expect(messages({ role: "user", content: "hi" })?.[0]?.blocks).toEqual([{ type: "text", text: "hi" }]);
  const mixed = messages({ role: "user", content: [null, "x", 7, ["y"], { type: "text", text: "z" }] });
  expect(mixed?.[0]?.blocks).toEqual([{ type: "text", text: "z" }]);
});

test("messages without role or content are dropped, and counted as supplied", () => {
  const list = [
    null,
    7,
    { content: "x" },
    { role: "", content: "x" },
    { role: "user" },
    { role: "user", content: "" },
  ];
  const parsed = parseProjection({ ...base, messages: [...list, { role: "system", content: [] }] });
  expect(parsed?.messages).toEqual([]);
  expect(parsed?.suppliedMessages).toBe(7);
});

test("fields of a wrong type are dropped", () => {
  const parsed = parseProjection({
    ...base,
    cwd: 7,
    attributes: ["x"],
    model: "m",
    messages: [
      {
        role: "user",
        content: "x",
        message_id: 7,
        is_answer: "no",
        previous_message_id: ["a", 7],
        attributes: null,
      },
    ],
    exchange: { request_class: "nonsense", session_id: {}, usage: { input_tokens: -1, output_tokens: 4.5 } },
  });
  expect(parsed).toEqual({
    ...base,
    model: "m",
    suppliedMessages: 1,
    messages: [
      {
        role: "user",
        content: [{ type: "text", text: "x" }],
        blocks: [{ type: "text", text: "x" }],
        previous_message_id: ["a"],
      },
    ],
    exchange: { request_class: "other", usage: { output_tokens: 4 } },
  });
});

test("lone surrogates become the replacement character, in names too", () => {
  const [message] =
    messages({ role: "user", content: [{ type: "text", text: "a\ud800b", "k\udc00": ["\ud83d"] }] }) ?? [];
  expect(message?.blocks).toEqual([{ type: "text", text: "a\ufffdb", "k\ufffd": ["\ufffd"] }]);
  const pair = messages({ role: "user", content: "\ud83d\ude00" });
  expect(pair?.[0]?.blocks).toEqual([{ type: "text", text: "😀" }]);
});

test("deep nesting is cut at its bound", () => {
  let deep: Json = "bottom";
  for (let i = 0; i < 50_000; i++) deep = [deep];
  const [message] = messages({ role: "user", content: [{ type: "tool_use", input: deep }] }) ?? [];
  const text = JSON.stringify(message?.blocks);
  expect(text).toContain("[nested too deeply]");
  expect(text.length).toBeLessThan(3 * LIMITS.jsonDepth + 100);
});

test("what needs no change is not copied", () => {
  const block = { type: "tool_use", input: { a: [1, { b: "c" }] } };
  expect(messages({ role: "user", content: [block] })?.[0]?.blocks[0]).toBe(block);
});

test("a member called __proto__ is kept as a member", () => {
  const input = JSON.parse('{"__proto__":{"polluted":"\\ud800"}}') as Json;
  const [message] = messages({ role: "user", content: [{ type: "tool_use", input }] }) ?? [];
  expect(JSON.stringify(message?.blocks)).toBe(
    '[{"type":"tool_use","input":{"__proto__":{"polluted":"\ufffd"}}}]',
  );
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test("a frozen message is cleaned once, and counts as often as it comes", () => {
  const many = Array.from({ length: LIMITS.projectionValues / 4 }, () => 0);
  const message = Object.freeze({ role: "user", content: [{ type: "text", text: "a\ud800", many }] });
  const [first] = messages(message) ?? [];
  expect(first?.blocks[0]).toMatchObject({ text: "a\ufffd" });
  expect(messages(message)?.[0]).toBe(first);
  expect(messages({ ...message })?.[0]).toEqual(first);
  expect(messages(...Array<object>(3).fill(message))).toHaveLength(3);
  expect(messages(...Array<object>(4).fill(message))).toBeUndefined();
  const dropped = Object.freeze({ role: "user", content: "" });
  expect([messages(dropped), messages(dropped)]).toEqual([[], []]);
});

test("an entry of a client's record needs its names, a time and a content; the rest is cleaned", () => {
  const message = {
    role: "user",
    content: "hi",
    message_id: "u",
    previous_message_id: ["p"],
    message_created_at: "2026-03-01T12:00:00Z",
    links: ["k", 7],
  };
  const entry = { ...base, session_id: "s", request_class: "main", is_on_wire: true, message };
  expect(parseEntry({ ...entry, cwd: 7, more: 1 })).toEqual({
    entry: {
      ...entry,
      message: {
        ...message,
        content: [{ type: "text", text: "hi" }],
        message_created_at: "2026-03-01T12:00:00.000Z",
        links: ["k"],
      },
    },
    blocks: [{ type: "text", text: "hi" }],
  });
  for (const broken of [
    null,
    { ...entry, conversation_id: 7 },
    { ...entry, session_id: "" },
    { ...entry, message: null },
    { ...entry, message: { ...message, message_id: undefined } },
    { ...entry, message: { ...message, previous_message_id: "p" } },
    { ...entry, message: { ...message, message_created_at: "soon" } },
    { ...entry, message: { ...message, content: [] } },
  ])
    expect(parseEntry(broken)).toBeUndefined();
});
