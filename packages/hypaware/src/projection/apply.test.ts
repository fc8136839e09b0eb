import { expect, test } from "vitest";
import { EXCHANGE_COLUMNS, MESSAGE_COLUMNS, type MessageRow } from "../contract/dataset.ts";
import type { JsonObject, Projection } from "../contract/projection.ts";
import { applyProjection } from "./apply.ts";
import { exchange, memoryLog, project, projectorOf } from "./exchange.testkit.ts";
import { selectProjection } from "./select.ts";
import { memoryThreads } from "./thread-memory.testkit.ts";

const base = { provider: "fake", conversation_id: "c" };
const gateway = (row: MessageRow | undefined): JsonObject | undefined => row?.attributes?.["gateway"] as JsonObject;

test("a row has exactly the 49 columns, in the order of the contract, with null for what is not known", async () => {
  const { rows, exchange } = await project(memoryThreads(), { ...base, messages: [{ role: "user", content: "hi" }] });
  expect(Object.keys(rows[0] ?? {})).toEqual(MESSAGE_COLUMNS.map((column) => column.name));
  expect(Object.keys(rows[0] ?? {})).toHaveLength(49);
  expect(Object.values(rows[0] ?? {})).not.toContain(undefined);
  const missing = MESSAGE_COLUMNS.filter(({ name, nullable }) => !nullable && rows[0]?.[name as keyof MessageRow] === null);
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
      { role: "assistant", content: "b", entrypoint: "sdk", prompt_id: "p2", message_created_at: "2026-02-03T23:59:59.5Z" },
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
  expect(rows.map((row) => row.message_created_at)).toEqual(["2026-03-01T10:00:00.000Z", "2026-03-01T10:00:01.500Z"]);
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
          { type: "web_search_tool_result", tool_use_id: "s1", content: [{ type: "web_search_result", url: "u" }] },
        ],
        provider_type: "assistant",
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "t1", content: [{ type: "text", text: "a" }, { type: "image" }, { type: "text", text: "b" }], is_error: true },
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
  const parts = rows.map((row) => [row.part_type, row.provider_subtype, row.content_text, row.tool_name, row.tool_call_id]);
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
  expect(rows[3]).toMatchObject({ tool_args: { command: "ls" }, caller_type: "direct", tool_result_for: null });
  expect(rows.map((row) => row.is_error)).toEqual(rows.map((_, index) => (index === 6 ? true : null)));
  expect(rows[6]).toMatchObject({ tool_result_for: "t1", part_index: 0, message_index: 1 });
  expect(rows[6]?.part_id).toBe(`${rows[6]?.message_id}#0`);
});

test("stop reasons are mapped, unknown ones kept, on the answer's last part only", async () => {
  const reason = async (stop: string): Promise<unknown> => {
    const content = [{ type: "text", text: "a" }, { type: "text", text: "b" }];
    const { rows } = await project(memoryThreads(), {
      ...base,
      messages: [{ role: "user", content: "q" }, { role: "assistant", content }],
      exchange: { request_class: "main", stop_reason: stop },
    });
    expect(rows.slice(0, 2).map((row) => row.status)).toEqual([null, null]);
    return rows[2]?.status?.["finish_reason"];
  };
  expect(await Promise.all(["end_turn", "max_tokens", "pause_turn", "toString"].map(reason))).toEqual([
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
      { role: "assistant", content: [{ type: "text", text: "two" }, { type: "text", text: "three" }] },
    ],
    attributes: { usage: { output_tokens: 20 } },
    exchange: {
      request_class: "main",
      usage: { input_tokens: 10, output_tokens: 20, cache_read_tokens: 30, cache_write_5m_tokens: 4, cache_write_1h_tokens: 5 },
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
        content: [{ type: "text", text: "a" }, { type: "text", text: "b" }],
        attributes: { usage: { output_tokens: 7 }, timing: { latency_ms: 1 } },
      },
    ],
  });
  expect(rows.map((row) => row.attributes?.["usage"] ?? null)).toEqual([null, null, { output_tokens: 7 }]);
  expect(rows[1]?.attributes?.["timing"]).toEqual({ latency_ms: 1 });
  expect(exchange).toMatchObject({ input_tokens: null, total_input_tokens: null, output_tokens: null });
});

test("fallback identity: a content hash, the predecessor, and the marker", async () => {
  const { rows } = await project(memoryThreads(), {
    ...base,
    messages: [
      { role: "user", content: "a" },
      { role: "assistant", content: "b" },
    ],
  });
  const [first, second] = rows;
  expect(first?.message_id).toMatch(/^[0-9a-f]{16}$/);
  expect(first?.previous_message_id).toEqual([]);
  expect(second?.previous_message_id).toEqual([first?.message_id]);
  expect(rows.map((row) => gateway(row)?.["identity_source"])).toEqual(["gateway_fallback", "gateway_fallback"]);
});

test("supplied ids are authoritative: kept, stored once, without the marker; a supplied root stays one", async () => {
  const threads = memoryThreads();
  const messages = [
    { role: "user", content: "a", message_id: "m1", previous_message_id: [] },
    { role: "assistant", content: "b", message_id: "m2", previous_message_id: ["m1"] },
    { role: "assistant", content: "c", message_id: "m3" },
  ];
  const { rows } = await project(threads, { ...base, messages });
  expect(rows.map((row) => [row.message_id, row.previous_message_id, row.message_index])).toEqual([
    ["m1", [], 0],
    ["m2", ["m1"], 1],
    ["m3", null, 2],
  ]);
  expect(rows.map((row) => gateway(row)?.["identity_source"])).toEqual([undefined, undefined, undefined]);
  const again = await project(threads, { ...base, messages: [...messages, { role: "user", content: "d" }] });
  expect(again.rows.map((row) => row.previous_message_id)).toEqual([["m3"]]);
});

test("equal content under two native ids is two messages", async () => {
  const messages = [
    { role: "user", content: "a", message_id: "m1", previous_message_id: [] },
    { role: "user", content: "a", message_id: "m2", previous_message_id: [] },
  ];
  const { rows } = await project(memoryThreads(), { ...base, messages });
  expect(rows.map((row) => row.message_id)).toEqual(["m1", "m2"]);
});

test("the lines that a fork copies keep their first conversation, and the fork goes on below them", async () => {
  const threads = memoryThreads();
  const copied = [
    { role: "user", content: "a", message_id: "m1", previous_message_id: [] },
    { role: "assistant", content: "b", message_id: "m2", previous_message_id: ["m1"] },
  ];
  await project(threads, { ...base, messages: copied });
  const fork = { provider: "fake", conversation_id: "fork", messages: [...copied, { role: "user", content: "c" }] };
  const { rows } = await project(threads, fork);
  expect(rows.map((row) => [row.conversation_id, row.content_text, row.previous_message_id, row.message_index])).toEqual([
    ["fork", "c", ["m2"], 2],
  ]);
  expect((await project(threads, fork)).rows).toEqual([]);
});

test("one native id for different messages of two conversations swallows neither", async () => {
  const threads = memoryThreads();
  const said = (conversation: string, content: string): Projection => ({
    provider: "fake",
    conversation_id: conversation,
    messages: [{ role: "user", content, message_id: "1" }],
  });
  expect((await project(threads, said("c1", "a"))).rows[0]?.message_id).toBe("1");
  expect((await project(threads, said("c2", "b"))).rows[0]?.message_id).toBe("1:@c2");
  expect((await project(threads, said("c2", "b"))).rows).toEqual([]);
});

test("an answer with a native id is recognised when it comes back without", async () => {
  const threads = memoryThreads();
  const question = { role: "user", content: "a" };
  await project(threads, { ...base, messages: [question, { role: "assistant", content: "b", message_id: "msg_1" }] });
  const messages = [question, { role: "assistant", content: [{ type: "text", text: "b" }] }, { role: "user", content: "c" }];
  const { rows } = await project(threads, { ...base, messages });
  expect(rows.map((row) => [row.content_text, row.previous_message_id])).toEqual([["c", ["msg_1"]]]);
});

test("an exchange that nothing matches has its row, and no messages", async () => {
  const { exchange, rows } = await project(memoryThreads(), undefined, { upstream: null, status: 404, clientName: "key" });
  expect(rows).toEqual([]);
  expect(exchange).toMatchObject({
    decode_status: "no_projector",
    projector: null,
    request_class: "other",
    upstream: null,
    status_code: 404,
    client_name: "key",
    conversation_id: null,
    rows_written: 0,
    input_tokens: null,
    started_at: "2026-03-01T10:00:00.000Z",
    ended_at: "2026-03-01T10:00:01.500Z",
    duration_ms: 1_500,
    ttfb_ms: 120,
    date: "2026-03-01",
  });
  expect(exchange.attributes).toMatchObject({ dev_run_id: "run-1", gateway: { route_reason: "match" } });
});

test("an exchange without messages by nature keeps its facts, and makes no rows even if it holds messages", async () => {
  const threads = memoryThreads();
  const facts = { request_class: "count_tokens", session_id: "s", usage: { input_tokens: 5 } } as const;
  const messages = [{ role: "user", content: "a" }];
  for (const list of [[], messages]) {
    const { exchange, rows } = await project(threads, { ...base, client_version: "2", messages: list, exchange: facts });
    expect(rows).toEqual([]);
    expect(exchange).toMatchObject({
      decode_status: "no_messages",
      request_class: "count_tokens",
      session_id: "s",
      client_version: "2",
      input_tokens: 5,
      conversation_id: null,
      error: null,
    });
  }
  expect(threads.conversation("c")).toBeUndefined();
});

test("facts, limits and the winner go to the exchange's row; the route key names the client before the projector does", async () => {
  const { exchange } = await project(
    memoryThreads(),
    {
      ...base,
      client_name: "guessed",
      messages: [{ role: "user", content: "a" }],
      exchange: {
        request_class: "subagent",
        session_id: "s",
        agent_id: "a1",
        parent_agent_id: "a0",
        turn_id: "t",
        response_id: "msg",
        model: "m",
        requested_model: "m-latest",
        error: "overloaded_error: Overloaded",
        attributes: { betas: ["x"] },
      },
    },
    {
      clientName: "from key",
      status: 529,
      responseHeaders: ["X-RateLimit-Remaining", "7", "fake-ratelimit-reset", "60", "Retry-After", "1"],
    },
  );
  expect(exchange).toMatchObject({
    projector: "test",
    client_name: "from key",
    request_class: "subagent",
    session_id: "s",
    agent_id: "a1",
    parent_agent_id: "a0",
    turn_id: "t",
    response_id: "msg",
    model: "m",
    requested_model: "m-latest",
    error: "overloaded_error: Overloaded",
    rate_limits: { "x-ratelimit-remaining": "7", "fake-ratelimit-reset": "60" },
    rows_written: 1,
    cost_usd: null,
    attributes: { betas: ["x"] },
  });
});

test("a repeat of a failed request names it, though its cache marks moved; after a success nothing is repeated", async () => {
  const threads = memoryThreads();
  const send = async (id: string, status: number, body: string) =>
    (await project(threads, { ...base, messages: [{ role: "user", content: "a" }] }, { id, status, body })).exchange.retry_of;
  expect(await send("x1", 529, '{"a":[{"t":1,"cache_control":{"type":"ephemeral"}}],"b":2}')).toBeNull();
  expect(await send("x2", 529, '{"b":2,"a":[{"t":1}]}')).toBe("x1");
  expect(await send("x3", 200, '{"a":[{"t":1}],"b":2}')).toBe("x2");
  expect(await send("x4", 200, '{"a":[{"t":1}],"b":2}')).toBeNull();
  expect(await send("x5", 200, '{"a":[{"t":2}],"b":2}')).toBeNull();
});

test("a body that could not be decoded is told, with whatever was projected all the same", async () => {
  const { captured, record } = exchange({ id: "x1" });
  const { log } = memoryLog();
  const threads = memoryThreads();
  const decodeError = "response body: bad gzip";
  const nothing = await selectProjection(record, [], log);
  const failed = applyProjection({ record, captured, selection: nothing, decodeError, threads }).exchange;
  expect(failed).toMatchObject({ decode_status: "failed", error: decodeError });
  const some = await selectProjection(record, [projectorOf({ ...base, messages: [{ role: "user", content: "a" }] })], log);
  const partly = applyProjection({ record, captured, selection: some, decodeError, threads }).exchange;
  expect(partly).toMatchObject({ decode_status: "projected", rows_written: 1 });
  expect(partly.attributes?.["gateway"]).toMatchObject({ decode_error: decodeError });
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
