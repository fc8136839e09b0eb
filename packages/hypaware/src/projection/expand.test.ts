import { expect, test } from "vitest";
import { EXCHANGE_COLUMNS, MESSAGE_COLUMNS, type MessageRow } from "../contract/dataset.ts";
import { project } from "./exchange.testkit.ts";
import { memoryThreads } from "./thread-memory.ts";

const base = { provider: "fake", conversation_id: "c" };

test("a row has exactly the 49 columns, in the order of the contract, with null for what is not known", async () => {
  const { rows, exchange } = await project(memoryThreads(), {
    ...base,
    messages: [{ role: "user", content: "hi" }],
  });
  expect(Object.keys(rows[0] ?? {})).toEqual(MESSAGE_COLUMNS.map((column) => column.name));
  expect(Object.keys(rows[0] ?? {})).toHaveLength(49);
  expect(Object.values(rows[0] ?? {})).not.toContain(undefined);
  const missing = MESSAGE_COLUMNS.filter(
    ({ name, nullable }) => !nullable && rows[0]?.[name as keyof MessageRow] === null,
  );
  expect(missing).toEqual([]);
  expect(Object.keys(exchange)).toEqual(EXCHANGE_COLUMNS.map((column) => column.name));
  expect(Object.values(exchange)).not.toContain(undefined);
});

test("what the projection says stands on every row; a message's own word goes first", async () => {
  const { rows } = await project(memoryThreads(), {
    ...base,
    user_id: "u",
    model: "m",
    system_text: "sys",
    tools: [{ name: "Bash" }],
    conversation_started_at: "2026-02-01T00:00:00Z",
    conversation_source: "api",
    cwd: "/w",
    git_branch: "main",
    client_name: "prog",
    client_version: "1",
    entrypoint: "cli",
    prompt_id: "p",
    request_id: "r",
    messages: [
      { role: "user", content: "a" },
      {
        role: "assistant",
        content: "b",
        entrypoint: "sdk",
        prompt_id: "p2",
        message_created_at: "2026-02-03T23:59:59.5Z",
      },
    ],
  });
  expect(rows[0]).toMatchObject({
    gateway_id: "hypaware-local",
    schema_version: 4,
    user_id: "u",
    model: "m",
    system_text: "sys",
    tools: [{ name: "Bash" }],
    conversation_started_at: "2026-02-01T00:00:00.000Z",
    conversation_source: "api",
    cwd: "/w",
    git_branch: "main",
    client_version: "1",
    entrypoint: "cli",
    prompt_id: "p",
    request_id: "r",
    message_created_at: "2026-03-01T10:00:00.000Z",
    date: "2026-03-01",
  });
  expect(rows[1]).toMatchObject({
    entrypoint: "sdk",
    prompt_id: "p2",
    message_created_at: "2026-02-03T23:59:59.500Z",
    date: "2026-02-03",
  });
  expect(rows[0]?.attributes?.["client"]).toEqual({ name: "prog", version: "1" });
});

test("an answer without a time of its own was made when the exchange ended; a time that is none is passed over", async () => {
  const { rows } = await project(memoryThreads(), {
    ...base,
    messages: [
      { role: "user", content: "a", message_created_at: "yesterday" },
      { role: "assistant", content: "b" },
    ],
  });
  expect(rows.map((row) => row.message_created_at)).toEqual([
    "2026-03-01T10:00:00.000Z",
    "2026-03-01T10:00:01.500Z",
  ]);
});

test("the gateway's own attributes are complete on every row", async () => {
  const { rows } = await project(
    memoryThreads(),
    {
      ...base,
      messages: [{ role: "user", content: "a" }],
      attributes: { gateway: { extra: 1, path: "/lie" }, request: { max_tokens: 9 } },
      exchange: { request_class: "main", session_id: "s" },
    },
    { id: "x1", responseHeaders: ["Content-Type", "application/json", "Request-Id", "req_1"] },
  );
  expect(rows[0]?.attributes).toEqual({
    dev_run_id: "run-1",
    request: { max_tokens: 9 },
    gateway: {
      extra: 1,
      exchange_id: "x1",
      upstream: "fake",
      method: "POST",
      path: "/v1/messages?beta=true",
      status_code: 200,
      request_bytes: 10,
      response_bytes: 20,
      is_sse: false,
      stream_event_count: null,
      request_headers: { "content-type": "application/json", "x-app": "test" },
      response_headers: { "content-type": "application/json", "request-id": "req_1" },
      error: null,
      request_class: "main",
      session_id: "s",
      identity_source: "gateway_fallback",
    },
  });
});

test("every block type becomes its part", async () => {
  const { rows } = await project(memoryThreads(), {
    ...base,
    messages: [
      {
        role: "assistant",
        stop_reason: "tool_use",
        content: [
          { type: "thinking", thinking: "hm", signature: "sig" },
          { type: "redacted_thinking", data: "xxx" },
          { type: "text", text: "ok" },
          { type: "tool_use", id: "t1", name: "Bash", input: { command: "ls" }, caller: { type: "direct" } },
          { type: "server_tool_use", id: "s1", name: "web_search", input: { query: "q" } },
          {
            type: "web_search_tool_result",
            tool_use_id: "s1",
            content: [{ type: "web_search_result", url: "u" }],
          },
        ],
        provider_type: "assistant",
      },
      {
        role: "user",
        content: [
          {
            type: "tool_result",
            tool_use_id: "t1",
            content: [{ type: "text", text: "a" }, { type: "image" }, { type: "text", text: "b" }],
            is_error: true,
          },
          { type: "tool_result", tool_use_id: "unknown", content: "plain" },
          { type: "image", source: { type: "base64", data: "AAAA" } },
          { type: "document" },
          { type: "error", code: "overloaded", message: "Busy" },
          { type: "constructor" },
          { text: "typeless" },
        ],
      },
    ],
  });
  const parts = rows.map((row) => [
    row.part_type,
    row.provider_subtype,
    row.content_text,
    row.tool_name,
    row.tool_call_id,
  ]);
  expect(parts).toEqual([
    ["reasoning", "thinking", "hm", null, null],
    ["reasoning", "redacted_thinking", "xxx", null, null],
    ["text", "text", "ok", null, null],
    ["tool_call", "tool_use", null, "Bash", "t1"],
    ["tool_call", "server_tool_use", null, "web_search", "s1"],
    ["tool_result", "web_search_tool_result", null, "web_search", "s1"],
    ["tool_result", "tool_result", "a\nb", "Bash", "t1"],
    ["tool_result", "tool_result", "plain", null, "unknown"],
    ["image", "image", null, null, null],
    ["file", "document", null, null, null],
    ["error", "error", "Busy", null, null],
    ["constructor", "constructor", null, null, null],
    ["text", null, "typeless", null, null],
  ]);
  expect(rows.map((row) => row.status)).toEqual([
    null,
    null,
    null,
    null,
    null,
    { tool_status: "success", finish_reason: "tool_use" },
    { tool_status: "error" },
    { tool_status: "success" },
    null,
    null,
    { error_code: "overloaded", error_message: "Busy" },
    null,
    null,
  ]);
  expect(rows[0]).toMatchObject({ thinking_signature: "sig", provider_type: "assistant", part_index: 0 });
  expect(rows[3]).toMatchObject({
    tool_args: { command: "ls" },
    caller_type: "direct",
    tool_result_for: null,
  });
  expect(rows.map((row) => row.is_error)).toEqual(rows.map((_, index) => (index === 6 ? true : null)));
  expect(rows[6]).toMatchObject({ tool_result_for: "t1", part_index: 0, message_index: 1 });
  expect(rows[6]?.part_id).toBe(`${rows[6]?.message_id}#0`);
});

async function finishReason(stop: string): Promise<unknown> {
  const content = [
    { type: "text", text: "a" },
    { type: "text", text: "b" },
  ];
  const { rows } = await project(memoryThreads(), {
    ...base,
    messages: [
      { role: "user", content: "q" },
      { role: "assistant", content },
    ],
    exchange: { request_class: "main", stop_reason: stop },
  });
  expect(rows.slice(0, 2).map((row) => row.status)).toEqual([null, null]);
  return rows[2]?.status?.["finish_reason"];
}

test("stop reasons are mapped, unknown ones kept, on the answer's last part only", async () => {
  expect(await Promise.all(["end_turn", "max_tokens", "pause_turn", "toString"].map(finishReason))).toEqual([
    "stop",
    "length",
    "pause",
    "toString",
  ]);
});

test("usage stands on exactly one row, the last part of the last answer", async () => {
  const { rows, exchange } = await project(memoryThreads(), {
    ...base,
    messages: [
      { role: "user", content: "q" },
      { role: "assistant", content: "one", attributes: { usage: { output_tokens: 20 } } },
      {
        role: "assistant",
        content: [
          { type: "text", text: "two" },
          { type: "text", text: "three" },
        ],
      },
    ],
    attributes: { usage: { output_tokens: 20 } },
    exchange: {
      request_class: "main",
      usage: {
        input_tokens: 10,
        output_tokens: 20,
        cache_read_tokens: 30,
        cache_write_5m_tokens: 4,
        cache_write_1h_tokens: 5,
      },
    },
  });
  expect(rows.map((row) => row.attributes?.["usage"])).toEqual([
    undefined,
    undefined,
    undefined,
    { input_tokens: 10, output_tokens: 20, cache_read_tokens: 30 },
  ]);
  expect(exchange).toMatchObject({
    input_tokens: 10,
    cache_read_tokens: 30,
    cache_write_tokens: 9,
    cache_write_5m_tokens: 4,
    cache_write_1h_tokens: 5,
    total_input_tokens: 49,
    output_tokens: 20,
    reasoning_tokens: null,
  });
});

test("usage that a projector puts on a message is not multiplied by its parts", async () => {
  const { rows, exchange } = await project(memoryThreads(), {
    ...base,
    messages: [
      { role: "user", content: "q" },
      {
        role: "assistant",
        content: [
          { type: "text", text: "a" },
          { type: "text", text: "b" },
        ],
        attributes: { usage: { output_tokens: 7 }, timing: { latency_ms: 1 } },
      },
    ],
  });
  expect(rows.map((row) => row.attributes?.["usage"] ?? null)).toEqual([null, null, { output_tokens: 7 }]);
  expect(rows[1]?.attributes?.["timing"]).toEqual({ latency_ms: 1 });
  expect(exchange).toMatchObject({ input_tokens: null, total_input_tokens: null, output_tokens: null });
});

test("a tool's name is known to a result that comes in a later exchange", async () => {
  const threads = memoryThreads();
  const call = { role: "assistant", content: [{ type: "tool_use", id: "t1", name: "Read", input: {} }] };
  const first = [{ role: "user", content: "a" }, call];
  await project(threads, { ...base, messages: first });
  const result = { role: "user", content: [{ type: "tool_result", tool_use_id: "t1", content: "x" }] };
  const { rows } = await project(threads, { ...base, messages: [...first, result] });
  expect(rows.map((row) => row.tool_name)).toEqual(["Read"]);
});
