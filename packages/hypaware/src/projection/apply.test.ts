import { expect, test } from "vitest";
import { applyProjection } from "./apply.ts";
import { exchange, memoryLog, project, projectorOf } from "./exchange.testkit.ts";
import { selectProjection } from "./select.ts";
import { memoryThreads } from "./thread-memory.ts";

const base = { provider: "fake", conversation_id: "c" };

test("an exchange that nothing matches has its row, and no messages", async () => {
  const { exchange, rows } = await project(memoryThreads(), undefined, {
    upstream: null,
    status: 404,
    clientName: "key",
  });
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

test("an upgraded exchange is told by its row", async () => {
  const { exchange } = await project(memoryThreads(), undefined, { status: 101 });
  expect(exchange).toMatchObject({ is_websocket: true, status_code: 101, decode_status: "no_projector" });
});

test("an exchange without messages by nature keeps its facts, and makes no rows even if it holds messages", async () => {
  const threads = memoryThreads();
  const facts = { request_class: "count_tokens", session_id: "s", usage: { input_tokens: 5 } } as const;
  const messages = [{ role: "user", content: "a" }];
  for (const list of [[], messages]) {
    const { exchange, rows } = await project(threads, {
      ...base,
      client_version: "2",
      messages: list,
      exchange: facts,
    });
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
    (await project(threads, { ...base, messages: [{ role: "user", content: "a" }] }, { id, status, body }))
      .exchange.retry_of;
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
  const some = await selectProjection(
    record,
    [projectorOf({ ...base, messages: [{ role: "user", content: "a" }] })],
    log,
  );
  const partly = applyProjection({ record, captured, selection: some, decodeError, threads }).exchange;
  expect(partly).toMatchObject({ decode_status: "projected", rows_written: 1 });
  expect(partly.attributes?.["gateway"]).toMatchObject({ decode_error: decodeError });
});

test("a body nested a hundred thousand levels deep breaks nothing", async () => {
  const body = "[".repeat(100_000) + "]".repeat(100_000);
  const messages = [{ role: "user", content: [{ type: "tool_result", content: JSON.parse(body) }] }];
  const { exchange, rows } = await project(memoryThreads(), { ...base, messages }, { body });
  expect(exchange.decode_status).toBe("projected");
  expect(rows).toHaveLength(1);
  expect(() => JSON.stringify(rows)).not.toThrow();
});
