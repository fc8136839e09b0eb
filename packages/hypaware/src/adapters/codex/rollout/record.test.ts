import { expect, test } from "vitest";
import type { JsonObject, RecordReading } from "../../../contract/plugin.ts";
import { readRolloutLine, rollouts } from "./record.ts";

const THREAD = "01a202ef-0b45-76b3-9d13-12818afb6f58";
const CHILD = "01a202ef-0080-7922-9c0f-e7ff45ae7c88";
const pathOf = (thread: string): string => `2026/11/22/rollout-2026-11-22T11-05-50-${thread}.jsonl`;

/** One file's lines, each `[type, payload]` or more of a line. */
function read(
  lines: readonly (readonly [string, JsonObject, JsonObject?])[],
  thread = THREAD,
): RecordReading[] {
  let memory: JsonObject = {};
  return lines.map(([type, payload, more], ordinal) => {
    const line = { timestamp: "2026-11-22T11:05:50.155Z", ordinal, type, payload, ...more };
    const reading = readRolloutLine({ text: JSON.stringify(line), path: pathOf(thread), memory });
    memory = reading?.memory ?? memory;
    return reading ?? {};
  });
}

const entriesOf = (readings: readonly RecordReading[]) => readings.flatMap(({ entries = [] }) => entries);

const META: JsonObject = {
  session_id: THREAD,
  id: THREAD,
  cwd: "/w",
  originator: "codex_exec",
  cli_version: "0.169.0",
  thread_source: "user",
  model_provider: "openai",
  base_instructions: { provenance: { model: "m-0" } },
  git: { branch: "topic", commit_hash: "abc", repository_url: "https://example.org/r.git" },
};
const said = (id: string, text: string, role = "user"): JsonObject => ({
  type: "message",
  id,
  role,
  content: [{ type: "input_text", text }],
  internal_chat_message_metadata_passthrough: { turn_id: "t-1" },
});

test("an item has its id, its place in the file, and what the lines before it say", () => {
  const [first, second] = entriesOf(
    read([
      ["session_meta", META],
      ["response_item", said("msg_1", "hello")],
      ["turn_context", { turn_id: "t-2", cwd: "/v", model: "m-1", sandbox_policy: { type: "read-only" } }],
      [
        "response_item",
        { type: "function_call", id: "fc_1", call_id: "c", name: "run", arguments: '{"a":1}' },
      ],
    ]),
  );
  expect(first).toMatchObject({
    conversation_id: THREAD,
    session_id: THREAD,
    request_class: "main",
    provider: "openai",
    is_on_wire: true,
    is_named_on_wire: true,
    place: 1,
    cwd: "/w",
    git_branch: "topic",
    model: "m-0",
    client_version: "0.169.0",
    message: {
      role: "user",
      content: [{ type: "input_text", text: "hello" }],
      message_id: "msg_1",
      previous_message_id: [],
      prompt_id: "t-1",
      entrypoint: "codex_exec",
      is_sidechain: false,
      attributes: { codex: { thread_id: THREAD, turn_id: "t-1", git_commit: "abc" } },
      raw_frame: { ordinal: 1, payload: { id: "msg_1" } },
    },
  });
  expect(second).toMatchObject({
    cwd: "/v",
    model: "m-1",
    message: {
      role: "assistant",
      content: [{ type: "function_call", call_id: "c", name: "run", arguments: { a: 1 } }],
      message_id: "fc_1",
      previous_message_id: ["msg_1"],
      prompt_id: "t-2",
      permission_mode: "read-only",
    },
  });
});

test("a subagent's thread belongs to its root's session", () => {
  const meta = { ...META, id: CHILD, parent_thread_id: THREAD, thread_source: "subagent" };
  const [entry] = entriesOf(
    read(
      [
        ["session_meta", meta],
        ["response_item", said("msg_1", "x")],
      ],
      CHILD,
    ),
  );
  expect(entry).toMatchObject({
    conversation_id: CHILD,
    session_id: THREAD,
    request_class: "subagent",
    message: { is_sidechain: true, attributes: { codex: { parent_thread_id: THREAD } } },
  });
});

test("a fork goes on from a place in another thread, and its first line counts, not one that it copied", () => {
  const base = { thread_id: THREAD, end_ordinal_exclusive: 57 };
  const meta = { ...META, id: CHILD, session_id: CHILD, forked_from_id: THREAD, history_base: base };
  const [first, second] = entriesOf(
    read(
      [
        ["session_meta", meta],
        ["session_meta", META],
        ["response_item", said("msg_1", "x")],
        ["response_item", said("msg_2", "y")],
      ],
      CHILD,
    ),
  );
  expect(first).toMatchObject({
    conversation_id: CHILD,
    session_id: CHILD,
    goes_on_from: { conversation_id: THREAD, before: 57 },
    forked_from: THREAD,
    message: { attributes: { codex: { forked_from: THREAD } } },
  });
  expect(second?.goes_on_from).toBeUndefined();
  expect(second?.message.previous_message_id).toEqual(["msg_1"]);
});

test("a compaction is a boundary, and what it left begins anew behind it; what it retained keeps its place", () => {
  const entries = entriesOf(
    read([
      ["session_meta", META],
      ["response_item", said("msg_1", "first")],
      [
        "compacted",
        {
          message: "summary",
          window_number: 1,
          compaction_response_id: "resp_1",
          replacement_history: [
            said("msg_2", "prompt", "developer"),
            said("msg_1", "first"),
            said("msg_3", "summary"),
          ],
          replacement_history_metadata: [{}, { retained_source: { revision: "r" } }, {}],
        },
      ],
      ["response_item", said("msg_4", "next")],
    ]),
  );
  const chain = entries.map(({ message: each, is_on_wire: travels }) => [
    each.message_id,
    each.previous_message_id,
    each.logical_parent_uuid,
    travels,
  ]);
  const boundary = `${THREAD}:2`;
  expect(chain).toEqual([
    ["msg_1", [], undefined, true],
    [boundary, ["msg_1"], undefined, false],
    ["msg_2", [], boundary, true],
    ["msg_1", ["msg_2"], undefined, true],
    ["msg_3", ["msg_2"], undefined, true],
    ["msg_4", ["msg_3"], undefined, true],
  ]);
  expect(entries[1]?.message).toMatchObject({
    role: "system",
    content: [{ type: "compacted" }],
    compact_metadata: { window_number: 1, response_id: "resp_1", message: "summary" },
  });
});

test("of the client's own remarks only what no item says is a message", () => {
  const event = (payload: JsonObject): readonly [string, JsonObject] => ["event_msg", payload];
  const item = (type: string): readonly [string, JsonObject] =>
    event({ type: "item_completed", item: { type, id: "x", aggregated_output: "o".repeat(10_000) } });
  const entries = entriesOf(
    read([
      ["session_meta", META],
      ...[
        "task_started",
        "token_count",
        "user_message",
        "agent_message",
        "task_complete",
        "turn_aborted",
      ].map((type) => event({ type })),
      ...["UserMessage", "AgentMessage", "Reasoning", "CommandExecution", "ContextCompaction"].map(item),
      ["world_state", { full: true }],
      ["inter_agent_communication_metadata", { trigger_turn: true }],
    ]),
  );
  expect(entries.map(({ message }) => [message.role, message.content])).toEqual([
    ["system", [{ type: "turn_aborted" }]],
    ["system", [{ type: "CommandExecution" }]],
  ]);
  expect(entries.map(({ is_on_wire: travels }) => travels)).toEqual([false, false]);
  expect(JSON.stringify(entries[1]?.message.raw_frame).length).toBeLessThan(5_000);
});

test("what a response cost is told by its id, with the items that it brought", () => {
  const usage = {
    input_tokens: 2012,
    cached_input_tokens: 2001,
    cache_write_input_tokens: 1,
    output_tokens: 21,
    reasoning_output_tokens: 6,
  };
  const readings = read([
    ["session_meta", META],
    ["response_item", said("msg_0", "q")],
    ["response_item", { type: "reasoning", id: "rs_1", summary: [] }],
    ["event_msg", { type: "token_count" }],
    [
      "response_item",
      { type: "reasoning", id: "rs_2", summary: [] },
      { metadata: { compaction_output: true } },
    ],
    ["response_item", said("msg_2", "a", "assistant")],
    ["token_usage_record", { response_id: "resp_1", usage }],
    ["token_usage_record", { response_id: "resp_2", usage: {} }],
  ]);
  expect(readings.flatMap(({ responses = [] }) => responses)).toEqual([
    {
      conversation_id: THREAD,
      session_id: THREAD,
      request_class: "compaction",
      provider: "openai",
      response_id: "resp_1",
      message_ids: ["rs_2", "msg_2"],
      model: "m-0",
      responded_at: "2026-11-22T11:05:50.155Z",
      usage: {
        input_tokens: 10,
        cache_read_tokens: 2001,
        cache_write_tokens: 1,
        output_tokens: 21,
        reasoning_tokens: 6,
      },
    },
  ]);
});

test("lines of older versions are named by their number, and linked by their calls", () => {
  const { id: _, ...message } = said("", "hello");
  const call = { type: "function_call", call_id: "c", name: "run", arguments: "{}" };
  const output = { type: "function_call_output", call_id: "c", output: "ok" };
  const older = { ordinal: undefined };
  const entries = entriesOf(
    read([
      ["session_meta", META],
      ["response_item", message, older],
      ["response_item", call, older],
      ["response_item", output, older],
    ]),
  );
  expect(
    entries.map(({ message: each, is_named_on_wire: isNamed }) => [each.message_id, each.links, isNamed]),
  ).toEqual([
    [`${THREAD}:#2`, [], false],
    [`${THREAD}:#3`, ["call:c"], false],
    [`${THREAD}:#4`, ["result:c"], false],
  ]);
});

test("what is no line of a rollout says nothing", () => {
  const line = (text: string, path = pathOf(THREAD)) => readRolloutLine({ text, path, memory: {} });
  for (const text of ["", "{", "[]", "null", '{"type":"response_item","payload":{}}'])
    expect(line(text)?.entries).toBeUndefined();
  expect(line("{}", "2026/11/22/notes.jsonl")).toBeUndefined();
  const empty = read([
    ["session_meta", META],
    ["response_item", { type: "message", role: "user", content: [] }],
  ]);
  expect(entriesOf(empty)).toEqual([]);
});

test("rollouts lie where the client's settings say, and only they are read", () => {
  const record = rollouts({ HOME: "/home/p" });
  expect(record.roots).toEqual(["/home/p/.codex/sessions", "/home/p/.codex/archived_sessions"]);
  expect(rollouts({ HOME: "/home/p", CODEX_HOME: "/c" }).roots).toEqual([
    "/c/sessions",
    "/c/archived_sessions",
  ]);
  expect(record.accepts(pathOf(THREAD))).toBe(true);
  expect(record.accepts(`${pathOf(THREAD)}.zst`)).toBe(true);
  // The client compresses what is long over.
  expect(new Date(record.bornAt!(`${pathOf(THREAD)}.zst`)!).toISOString()).toBe("2026-11-22T11:05:50.149Z");
  expect(record.bornAt!(pathOf("0195cf3a-7b6c-4d8e-9f00-112233445566"))).toBeUndefined();
  expect(record.accepts(`rollout-2026-11-22T11-05-50-${THREAD}.jsonl`)).toBe(true);
  for (const other of ["2026/11/22/rollout-x.jsonl", "history.jsonl", `${pathOf(THREAD)}.tmp`])
    expect(record.accepts(other)).toBe(false);
});
