import { expect, test } from "vitest";
import type { ContentBlock } from "../contract/projection.ts";
import { toPart } from "./part.ts";

const part = (block: ContentBlock) => toPart(block, (callId) => (callId === "call_1" ? "exec" : undefined));

test.each([
  ["input_text", "text"],
  ["output_text", "text"],
  ["refusal", "text"],
  ["reasoning", "reasoning"],
  ["function_call", "tool_call"],
  ["web_search_call", "tool_call"],
  ["function_call_output", "tool_result"],
  ["tool_search_output", "tool_result"],
  ["input_image", "image"],
  ["image_url", "image"],
  ["input_file", "file"],
  ["compaction", "compaction"],
])("a block of type %s is a part of type %s", (type, partType) => {
  expect(part({ type }).part_type).toBe(partType);
});

test("a call says its name, its id and its arguments, whatever they are called", () => {
  const call = { type: "function_call", call_id: "call_1", name: "exec", arguments: { cmd: "ls" } };
  expect(part(call)).toMatchObject({ tool_call_id: "call_1", tool_name: "exec", tool_args: { cmd: "ls" } });
  const custom = { type: "custom_tool_call", call_id: "call_1", name: "exec", input: "text(1)" };
  expect(part(custom)).toMatchObject({ tool_name: "exec", tool_args: "text(1)" });
  const builtIn = { type: "local_shell_call", id: "ls_1", action: { command: ["ls"] } };
  expect(part(builtIn)).toMatchObject({
    tool_call_id: "ls_1",
    tool_name: "local_shell",
    tool_args: { command: ["ls"] },
  });
});

test("a result has the name of its call, and its text from a string or a list", () => {
  const result = { type: "function_call_output", call_id: "call_1", output: "ok" };
  expect(part(result)).toMatchObject({
    tool_name: "exec",
    tool_call_id: "call_1",
    tool_result_for: "call_1",
    content_text: "ok",
    is_error: null,
    status: { tool_status: "success" },
  });
  const list = [
    { type: "input_text", text: "one" },
    { type: "input_image" },
    { type: "input_text", text: "two" },
  ];
  expect(part({ ...result, output: list }).content_text).toBe("one\ntwo");
  expect(part({ ...result, success: false })).toMatchObject({
    is_error: true,
    status: { tool_status: "error" },
  });
});

test("reasoning shows itself before its summary, and keeps what is sealed", () => {
  const summary = [{ type: "summary_text", text: "short" }];
  const sealed = { type: "reasoning", summary, encrypted_content: "gAAA" };
  expect(part(sealed)).toMatchObject({ content_text: "short", thinking_signature: "gAAA" });
  const open = { type: "reasoning", summary, content: [{ type: "reasoning_text", text: "at length" }] };
  expect(part(open)).toMatchObject({ content_text: "at length", thinking_signature: null });
  expect(part({ type: "reasoning", summary: [] }).content_text).toBeNull();
});

test("a refusal is what the model said", () => {
  expect(part({ type: "refusal", refusal: "No." }).content_text).toBe("No.");
});
