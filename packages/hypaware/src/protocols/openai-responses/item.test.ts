import { expect, test } from "vitest";
import { readItem, toolsOfItem } from "./item.ts";

test("a message has the parts of its content, a string is one text", () => {
  const parts = [
    { type: "input_text", text: "look" },
    { type: "input_image", image_url: "data:image/png;base64,AA", detail: "auto" },
    { type: "input_file", file_id: "file_1" },
  ];
  expect(readItem({ type: "message", id: "msg_1", role: "user", content: parts })).toEqual({
    type: "message",
    role: "user",
    id: "msg_1",
    blocks: parts,
    details: {},
  });
  expect(readItem({ role: "developer", content: "rules" })).toEqual({
    type: "message",
    role: "developer",
    blocks: [{ type: "text", text: "rules" }],
    details: {},
  });
  expect(readItem({ role: "user", content: "" }).blocks).toEqual([]);
  expect(readItem({ type: "message", role: "assistant", phase: "commentary", content: [] }).details).toEqual({
    phase: "commentary",
  });
});

test("a call has its arguments as what they say; text that is no JSON stays text", () => {
  const call = {
    type: "function_call",
    id: "fc_1",
    status: "completed",
    call_id: "call_1",
    name: "spawn_agent",
    namespace: "collaboration",
    arguments: '{"task_name":"helper"}',
  };
  expect(readItem(call)).toEqual({
    type: "function_call",
    role: "assistant",
    id: "fc_1",
    blocks: [
      { type: "function_call", call_id: "call_1", name: "spawn_agent", arguments: { task_name: "helper" } },
    ],
    details: { namespace: "collaboration" },
  });
  expect(readItem({ ...call, arguments: '{"task_na' }).blocks[0]?.["arguments"]).toBe('{"task_na');
  const custom = { type: "custom_tool_call", id: "ctc_1", call_id: "c", name: "exec", input: "text(1)" };
  expect(readItem(custom).blocks[0]).toEqual({
    type: "custom_tool_call",
    call_id: "c",
    name: "exec",
    input: "text(1)",
  });
});

test("an output is a tool's, as a string or as a list", () => {
  const list = [{ type: "input_text", text: "one" }];
  for (const output of ["one", list]) {
    for (const type of ["function_call_output", "custom_tool_call_output", "local_shell_call_output"]) {
      expect(readItem({ type, id: "o_1", call_id: "c", output })).toEqual({
        type,
        role: "tool",
        id: "o_1",
        blocks: [{ type, call_id: "c", output }],
        details: {},
      });
    }
  }
});

test("reasoning keeps its summary and what is sealed in it, but not its name", () => {
  const item = {
    type: "reasoning",
    id: "rs_1",
    summary: [{ type: "summary_text", text: "short" }],
    content: null,
    encrypted_content: "gAAA",
  };
  const { id, ...block } = item;
  expect(readItem(item)).toEqual({ type: "reasoning", role: "assistant", id, blocks: [block], details: {} });
});

test("tools that come as an item are tools, and their item says only that it was there", () => {
  const tools = [{ type: "namespace", name: "functions", tools: [] }];
  const item = { type: "additional_tools", id: "at_1", role: "developer", tools };
  expect(toolsOfItem(item)).toEqual(tools);
  expect(toolsOfItem({ type: "message", tools })).toEqual([]);
  expect(readItem(item)).toEqual({
    type: "additional_tools",
    role: "developer",
    id: "at_1",
    blocks: [{ type: "additional_tools" }],
    details: {},
  });
});

test("what another agent says is addressed to this one", () => {
  const content = [
    { type: "input_text", text: "Message Type: NEW_TASK" },
    { type: "encrypted_content", encrypted_content: "gAAA" },
  ];
  expect(
    readItem({ type: "agent_message", id: "amsg_1", author: "/root", recipient: "/root/a", content }),
  ).toEqual({
    type: "agent_message",
    role: "user",
    id: "amsg_1",
    blocks: content,
    details: { author: "/root", recipient: "/root/a" },
  });
});

test("what the provider runs itself is a call under its own name; a kind that is not known is kept whole", () => {
  const search = { type: "web_search_call", id: "ws_1", status: "completed", action: { query: "q" } };
  expect(readItem(search)).toEqual({
    type: "web_search_call",
    role: "assistant",
    id: "ws_1",
    blocks: [{ type: "web_search_call", id: "ws_1", action: { query: "q" } }],
    details: {},
    unknown: search,
  });
  const compaction = { type: "compaction", id: "cmp_1", encrypted_content: "gAAA" };
  expect(readItem(compaction)).toMatchObject({ type: "compaction", role: "assistant", unknown: compaction });
  expect(readItem({ type: "compaction_trigger" }).role).toBe("user");
  expect(readItem({ type: "mcp_approval_response", approve: true }).role).toBe("user");
  expect(readItem({ type: "of tomorrow", role: "critic", x: 1 })).toMatchObject({
    role: "critic",
    blocks: [{ type: "of tomorrow", x: 1 }],
    unknown: { x: 1 },
  });
});
