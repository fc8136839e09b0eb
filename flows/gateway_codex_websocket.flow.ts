import assert from "node:assert/strict";
import { once } from "node:events";
import { withAdapters } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { jsonColumn } from "./lib/message-rows.ts";
import { type WebSocketUpstream, startWebSocketUpstream } from "./lib/websocket-upstream.ts";

export const title =
  "calls on a client's WebSocket are exchanges of their own, and their items messages once each";

const THREAD = "0b0c5a52-0000-7000-8000-000000000001";
const TURN = "0b0c5a52-0000-7000-8000-000000000002";
const ASKED = {
  type: "message",
  id: "msg_asked",
  role: "user",
  content: [{ type: "input_text", text: "list" }],
};
const THOUGHT = { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "I look." }] };
const CALLED = {
  type: "function_call",
  id: "fc_1",
  call_id: "call_1",
  name: "shell",
  arguments: '{"cmd":"ls"}',
};
const RETURNED = { type: "function_call_output", id: "fco_1", call_id: "call_1", output: "a.txt" };
const SAID = {
  type: "message",
  id: "msg_said",
  role: "assistant",
  content: [{ type: "output_text", text: "one file" }],
};

/** What the client sends that its connection is not told already, and what comes back, in the order of the calls. */
const CALLS = [
  { sent: { generate: false, input: [] }, output: [], usage: null },
  { sent: { previous_response_id: "resp_1", input: [ASKED] }, output: [THOUGHT, CALLED], usage: usage(1) },
  { sent: { previous_response_id: "resp_2", input: [RETURNED] }, output: [SAID], usage: usage(2) },
] as const;

export default async function gatewayCodexWebsocket(ctx: FlowContext): Promise<void> {
  let asked = 0;
  const upstream = await startWebSocketUpstream((text) => {
    assert.equal((JSON.parse(text) as { type: string }).type, "response.create");
    asked += 1;
    return eventsOf(asked);
  });
  try {
    ctx.writeConfig(
      withAdapters(await ctx.fakeProvider(), "127.0.0.1:0", { upstreams: upstreamsOf(upstream) }),
    );
    const daemon = await ctx.startDaemon();
    const client = new WebSocket(`ws://127.0.0.1:${daemon.port}/v1/responses`, { headers: HEADERS });
    await once(client, "open");
    for (const { sent } of CALLS) await call(client, sent);
    // The connection still lives.
    await checkExchanges(ctx);
    await checkMessages(ctx);
    client.close();
    await once(client, "close");
    await checkExchanges(ctx);
    await checkMessages(ctx);
    const again = await ctx.hyp(["reproject", "--dry-run"]);
    assert.match(again.stdout, /^3 exchanges in 1 conversation compared\nno difference\n$/);
    assert.equal((await daemon.stop()).code, 0);
  } finally {
    await upstream.close();
  }
}

const HEADERS = {
  authorization: "Bearer sk-flow-0123456789abcdefghij",
  "user-agent": "codex_exec/0.169.0 (Debian 12.0.0; x86_64) dumb (codex_exec; 0.169.0)",
  originator: "codex_exec",
  "session-id": THREAD,
  "thread-id": THREAD,
  "x-codex-turn-metadata": JSON.stringify({
    thread_id: THREAD,
    request_kind: "prewarm",
    thread_source: "user",
  }),
};

const upstreamsOf = ({ url }: WebSocketUpstream): readonly object[] => [{ name: "openai", base_url: url }];

/** Sends a call and reads its answer to the end. */
async function call(client: WebSocket, sent: object): Promise<void> {
  const metadata = { session_id: THREAD, thread_id: THREAD, turn_id: TURN, thread_source: "user" };
  const body = { model: "m-large", store: false, stream: true, ...sent };
  const ended = new Promise<void>((resolve) => {
    client.addEventListener("message", function read({ data }) {
      if ((JSON.parse(String(data)) as { type: string }).type !== "response.completed") return;
      client.removeEventListener("message", read);
      resolve();
    });
  });
  const told = { client_metadata: { "x-codex-turn-metadata": JSON.stringify(metadata) } };
  client.send(JSON.stringify({ type: "response.create", ...body, ...told }));
  await ended;
}

function eventsOf(number: number): readonly string[] {
  const { output, usage } = CALLS[number - 1] ?? assert.fail("another call");
  const response = { id: `resp_${number}`, model: "m-large-1" };
  const items = output.flatMap((item, index) => [
    { type: "response.output_item.added", output_index: index, item: { ...item, status: "in_progress" } },
    { type: "response.output_item.done", output_index: index, item },
  ]);
  return [
    { type: "response.created", response },
    ...items,
    { type: "response.completed", response: { ...response, status: "completed", output, usage } },
  ].map((event) => JSON.stringify(event));
}

function usage(call: number): object {
  return {
    input_tokens: 2_010 + call,
    input_tokens_details: { cached_tokens: 2_000 },
    output_tokens: 20 + call,
    output_tokens_details: { reasoning_tokens: 5 },
    total_tokens: 2_030 + 2 * call,
  };
}

async function checkExchanges(ctx: FlowContext): Promise<void> {
  const rows = await ctx.sql(
    `SELECT split_part(exchange_id, '#', 2) AS call, decode_status AS status, request_class AS class, client_name AS client,
            conversation_id AS thread, session_id AS session, response_id AS response, turn_id AS turn, outcome,
            input_tokens::INT AS input, cache_read_tokens::INT AS cached, output_tokens::INT AS output, rows_written AS rows
     FROM ai_gateway_exchanges ORDER BY call`,
  );
  const all = { client: "codex", session: THREAD, turn: TURN, outcome: "complete" };
  const answered = { ...all, status: "projected", class: "main", thread: THREAD, cached: 2_000 };
  const prewarm = { ...all, status: "no_messages", class: "other", thread: null, rows: 0 };
  assert.deepEqual(rows, [
    { ...prewarm, call: "1", response: "resp_1", input: null, cached: null, output: null },
    { ...answered, call: "2", response: "resp_2", input: 11, output: 21, rows: 3 },
    { ...answered, call: "3", response: "resp_3", input: 12, output: 22, rows: 2 },
  ]);
}

async function checkMessages(ctx: FlowContext): Promise<void> {
  const rows = await ctx.sql(
    `SELECT message_id AS id, previous_message_id AS before, role, part_type AS type, content_text AS text, tool_name AS tool,
            conversation_id AS thread, attributes FROM ai_gateway_messages ORDER BY message_index`,
  );
  assert.deepEqual(
    rows.map(({ attributes, before, ...row }) => ({
      ...row,
      before: jsonColumn(before),
      usage: (jsonColumn(attributes) as { usage?: { output_tokens: number } }).usage?.output_tokens,
    })),
    [
      { id: "msg_asked", role: "user", type: "text", text: "list" },
      { id: "rs_1", role: "assistant", type: "reasoning", text: "I look." },
      { id: "fc_1", role: "assistant", type: "tool_call", text: null, tool: "shell", usage: 21 },
      { id: "fco_1", role: "tool", type: "tool_result", text: "a.txt", tool: "shell" },
      { id: "msg_said", role: "assistant", type: "text", text: "one file", usage: 22 },
    ].map((row, index, all) => ({
      thread: THREAD,
      tool: null,
      usage: undefined,
      before: all
        .slice(0, index)
        .slice(-1)
        .map(({ id }) => id),
      ...row,
    })),
  );
}
