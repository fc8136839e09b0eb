import { expect, test } from "vitest";
import type { ContentBlock } from "../contract/projection.ts";
import { isReasoningKey, matchKey, reasoningKey } from "./match-key.ts";

const key = (role: string, ...blocks: ContentBlock[]): string => matchKey(role, blocks).key;
const call = (id: string): ContentBlock => ({ type: "tool_use", id, name: "Bash", input: { a: 1 } });
const text = (said: string, more: ContentBlock = {}): ContentBlock => ({ type: "text", text: said, ...more });

test("role and content make the key", () => {
  expect(key("user", text("a"))).toMatch(/^[0-9a-f]{32}$/);
  expect(key("user", text("a"))).not.toBe(key("user", text("b")));
  expect(key("user", text("a"))).not.toBe(key("assistant", text("a")));
  expect(key("user", text("a"), text("b"))).not.toBe(key("user", text("b"), text("a")));
});

test("what clients and providers add or lose on the way does not count", () => {
  const plain = key("assistant", text("a"));
  expect(key("assistant", text("a", { cache_control: { type: "ephemeral" } }))).toBe(plain);
  expect(key("assistant", text("a", { citations: null, annotations: [], logprobs: {} }))).toBe(plain);
  expect(key("assistant", text("a", { id: "msg_1", status: "completed" }))).toBe(plain);
  expect(key("assistant", { type: "thinking", thinking: "hm" }, text("a"))).toBe(plain);
  expect(key("assistant", text("\n\n"), text("  a\n"))).toBe(plain);
  expect(key("user", text("a\n"))).toBe(key("user", text("a")));
  expect(key("user", text(" a"))).not.toBe(key("user", text("a")));
  expect(key("user", text("a "))).not.toBe(key("user", text("a")));
});

test("tool call ids count, a provider's id beside a call id does not", () => {
  expect(key("assistant", call("t1"))).not.toBe(key("assistant", call("t2")));
  expect(key("assistant", { ...call("t1"), caller: { type: "direct" } })).toBe(key("assistant", call("t1")));
  const item = { type: "function_call", call_id: "c1", name: "f", arguments: "{}" };
  expect(key("assistant", { ...item, id: "fc_1" })).toBe(key("assistant", item));
  expect(key("assistant", { ...item, call_id: "c2" })).not.toBe(key("assistant", item));
});

test("a tool result's content may be text or one text block, and carries no mark", () => {
  const result = (content: ContentBlock["content"]): string =>
    key("user", { type: "tool_result", tool_use_id: "t1", content });
  expect(result([{ type: "text", text: "out", cache_control: { type: "ephemeral" } }])).toBe(result("out"));
  expect(result("other")).not.toBe(result("out"));
  expect(key("user", { type: "tool_result", tool_use_id: "t1", content: "out", is_error: false })).toBe(
    result("out"),
  );
  expect(key("user", { type: "tool_result", tool_use_id: "t1", content: "out", is_error: true })).not.toBe(
    result("out"),
  );
});

test("a message that is only reasoning has the key of its role; the exact key tells samples apart", () => {
  const first = matchKey("assistant", [{ type: "thinking", thinking: "one", signature: "s" }]);
  const second = matchKey("assistant", [{ type: "redacted_thinking", data: "two" }]);
  expect(first.key).toBe(reasoningKey("assistant"));
  expect(second.key).toBe(first.key);
  expect(second.exact).not.toBe(first.exact);
  expect(matchKey("model", [{ type: "reasoning", id: "rs_1" }]).key).toBe(reasoningKey("model"));
  for (const each of [first.key, first.exact ?? "", second.exact ?? ""]) {
    expect(isReasoningKey("assistant", each)).toBe(true);
  }
  expect(isReasoningKey("assistant", key("assistant", text("a")))).toBe(false);
});

test("one text is one text, whichever side of a protocol names it", () => {
  const keys = ["text", "input_text", "output_text"].map(
    (type) => matchKey("assistant", [{ type, text: "yes", annotations: [] }]).key,
  );
  expect(new Set(keys).size).toBe(1);
});
