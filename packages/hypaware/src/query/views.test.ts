import { afterAll, beforeAll, expect, test } from "vitest";
import { exampleExchange, exampleRow, exampleSpan } from "../store/example-rows.testkit.ts";
import type { QueryResult } from "./cell.ts";
import { describeDataset } from "./describe.ts";
import { queryHome } from "./query-home.testkit.ts";
import type { QueryHome } from "./query-home.testkit.ts";

let home: QueryHome;
const objects = ({ columns, rows }: QueryResult) =>
  rows.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, row[i]])));
const select = async (sql: string) => objects(await home.query(sql));

beforeAll(() => {
  home = queryHome();
  const session = { session_id: "s1", client_name: "one", conversation_id: "s1" };
  const exchanges = [
    exampleExchange(1, {
      ...session,
      model: "big",
      input_tokens: 10,
      total_input_tokens: 110,
      cache_read_tokens: 100,
      output_tokens: 5,
      cost_microusd: 1_500_000,
      cwd: "/w",
    }),
    exampleExchange(2, {
      ...session,
      model: "big",
      output_tokens: 7,
      total_input_tokens: 3,
      input_tokens: 3,
    }),
    exampleExchange(3, { ...session, status_code: 529, error: "overloaded" }),
    exampleExchange(4, {
      ...session,
      conversation_id: "s1/a1",
      agent_id: "a1",
      request_class: "subagent",
      model: "small",
      output_tokens: 1,
      cost_microusd: 500_000,
    }),
    exampleExchange(5, { ...session, conversation_id: "s1/title", request_class: "title", model: "small" }),
    exampleExchange(6, {
      session_id: null,
      conversation_id: "h",
      client_name: null,
      model: "big",
      output_tokens: 2,
    }),
    exampleExchange(7, { session_id: "s2", conversation_id: "s2", turn_id: "t1" }),
    exampleExchange(8, { session_id: "s2", conversation_id: "s2", turn_id: "t1" }),
    exampleExchange(9, { session_id: "s2", conversation_id: "s2", turn_id: "t2" }),
  ];
  exchanges.forEach((row, n) => home.catalog.putExchange(row, exampleSpan(n)));
  const gateway = (n: number) => ({ gateway: { exchange_id: exchanges[n]!.exchange_id } });
  home.catalog.putRows([
    exampleRow(0, { conversation_id: "s1", content_text: "<context>machine</context>", part_id: "p0" }),
    exampleRow(0, { conversation_id: "s1", content_text: "Mend the test", part_index: 1, part_id: "p1" }),
    exampleRow(1, {
      conversation_id: "s1",
      part_type: "tool_call",
      tool_name: "Bash",
      tool_call_id: "c1",
      tool_args: { command: "ls" },
      attributes: gateway(0),
    }),
    exampleRow(2, {
      conversation_id: "s1",
      part_type: "tool_result",
      tool_result_for: "c1",
      content_text: "a.txt",
      is_error: false,
    }),
    exampleRow(4, { conversation_id: "s1", content_text: "And now?", attributes: gateway(1) }),
    exampleRow(5, {
      conversation_id: "s1",
      part_type: "tool_call",
      tool_call_id: "c2",
      attributes: gateway(1),
    }),
    exampleRow(6, { conversation_id: "s1/a1", content_text: "Look around" }),
    exampleRow(7, { conversation_id: "other", part_type: "tool_result", tool_result_for: "c2" }),
  ]);
});
afterAll(() => home.close());

test("a session sums its subagents and side calls, and tells what it was about", async () => {
  const [session, second] = await select("SELECT * FROM sessions ORDER BY session_id");
  expect(session).toMatchObject({
    session_id: "s1",
    client_name: "one",
    started_at: "2026-11-24T10:00:01.000Z",
    last_at: "2026-11-24T10:00:05.500Z",
    cwd: "/w",
    models: ["big", "small"],
    turns: 2n,
    exchanges: 5n,
    errors: 1n,
    input_tokens: 13n,
    cache_read_tokens: 100n,
    cache_write_5m_tokens: null,
    total_input_tokens: 113n,
    output_tokens: 13n,
    cost_usd: 2,
    unpriced_exchanges: 1n,
    subagents: 1n,
    first_prompt: "Mend the test",
  });
  expect(second).toMatchObject({ session_id: "s2", turns: 2n, first_prompt: null, cost_usd: null });
});

test("a conversation has its own figures, with a session or without", async () => {
  const conversations = await select(
    "SELECT conversation_id, session_id, turns, exchanges, output_tokens, first_prompt FROM conversations ORDER BY 1",
  );
  expect(conversations).toEqual([
    {
      conversation_id: "h",
      session_id: null,
      turns: 0n,
      exchanges: 1n,
      output_tokens: 2n,
      first_prompt: null,
    },
    {
      conversation_id: "s1",
      session_id: "s1",
      turns: 2n,
      exchanges: 3n,
      output_tokens: 12n,
      first_prompt: "Mend the test",
    },
    {
      conversation_id: "s1/a1",
      session_id: "s1",
      turns: 1n,
      exchanges: 1n,
      output_tokens: 1n,
      first_prompt: "Look around",
    },
    {
      conversation_id: "s1/title",
      session_id: "s1",
      turns: 0n,
      exchanges: 1n,
      output_tokens: null,
      first_prompt: null,
    },
    {
      conversation_id: "s2",
      session_id: "s2",
      turns: 2n,
      exchanges: 3n,
      output_tokens: null,
      first_prompt: null,
    },
  ]);
});

test("daily usage counts every token once", async () => {
  const [sum] = await select(
    "SELECT sum(output_tokens) AS daily, sum(exchanges) AS exchanges FROM usage_daily",
  );
  const [truth] = await select(
    "SELECT sum(output_tokens) AS daily, count(*) AS exchanges FROM ai_gateway_exchanges",
  );
  expect(sum).toEqual(truth);
  expect(
    await select("SELECT date, cost_usd FROM usage_daily WHERE model = 'small' AND cost_usd IS NOT NULL"),
  ).toEqual([{ date: "2026-11-24", cost_usd: 0.5 }]);
});

test("a tool call stands beside its own result", async () => {
  const calls = await select("SELECT * FROM tool_calls ORDER BY called_at");
  expect(calls).toHaveLength(2);
  expect(calls[0]).toMatchObject({
    exchange_id: exampleExchange(1).exchange_id,
    message_id: "m1",
    tool_call_id: "c1",
    tool_name: "Bash",
    args: { text: '{"command":"ls"}' },
    result: "a.txt",
    is_error: false,
    duration_ms: 1000n,
  });
  expect(calls[1]).toMatchObject({ tool_call_id: "c2", result: null, is_error: null, duration_ms: null });
});

test("a table is described by name, and a wrong name gets the near one", () => {
  expect(describeDataset("sessions").columns[0]).toEqual({
    name: "session_id",
    type: "STRING",
    nullable: false,
  });
  expect(() => describeDataset("session")).toThrow('There is no table "session". Did you mean "sessions"?');
});
