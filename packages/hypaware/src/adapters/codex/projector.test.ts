import { cpuTimer } from "@hypaware/testkit";
import { expect, test } from "vitest";
import type { ExchangeRecord, Json, JsonObject, Projection } from "../../contract/plugin.ts";
import { type LogLine, exchange, project, readFixture } from "./fixtures.testkit.ts";
import { codexProjector } from "./projector.ts";

const THREAD = "11111111-0000-7000-8000-000000000001";
const ROOT = "11111111-0000-7000-8000-000000000000";
const METADATA: JsonObject = {
  session_id: ROOT,
  thread_id: THREAD,
  turn_id: "turn-1",
  root_turn_id: "turn-0",
  thread_source: "user",
  request_kind: "turn",
  window_id: `${THREAD}:0`,
  window_number: 0,
  sandbox: "seccomp",
  turn_started_at_unix_ms: 1_795_345_542_851,
  cwd: "/home/user/project/sub",
  workspaces: {
    "/home/user/project": {
      associated_remote_urls: { origin: "git@example.com:a/b.git" },
      latest_git_commit_hash: "0123abc",
      has_changes: true,
    },
    "/home/user/other": {},
  },
};
const HEADERS = {
  "user-agent": "codex_exec/0.169.0 (Debian 12.0.0; x86_64) dumb (codex_exec; 0.169.0)",
  originator: "codex_exec",
  "session-id": ROOT,
  "thread-id": THREAD,
  "x-client-request-id": THREAD,
  "x-codex-window-id": `${THREAD}:0`,
  "x-codex-beta-features": "remote_compaction_v2",
};
const says = (metadata: JsonObject): JsonObject => ({
  ...HEADERS,
  "x-codex-turn-metadata": JSON.stringify({ ...METADATA, ...metadata }),
});
const ask = (parts: Parameters<typeof exchange>[0] = {}): Projection =>
  project(exchange({ headers: HEADERS, request_body: { model: "gpt-x", input: "hi" }, ...parts }))!;
const codexOf = (projection: Projection): JsonObject | undefined =>
  projection.attributes?.["codex"] as JsonObject | undefined;

test("headers and the turn's metadata become columns, facts and attributes", () => {
  const projection = ask({
    headers: says({}) as Record<string, Json>,
    response_headers: JSON.stringify({
      "x-oai-request-id": "oai-1",
      "x-request-id": "req-1",
      "x-codex-primary-used-percent": "12",
      "x-codex-turn-state": "opaque",
    }),
  });
  expect(projection).toMatchObject({
    provider: "openai",
    conversation_id: THREAD,
    conversation_source: "codex",
    client_name: "codex",
    client_version: "0.169.0",
    entrypoint: "codex_exec",
    user_type: "user",
    permission_mode: "seccomp",
    is_sidechain: false,
    prompt_id: "turn-1",
    request_id: "oai-1",
    cwd: "/home/user/project/sub",
    exchange: {
      request_class: "main",
      session_id: ROOT,
      turn_id: "turn-1",
      request_id: "oai-1",
      attributes: { codex: { limits: { "primary-used-percent": "12" } } },
    },
  });
  expect(projection.conversation_inferred).toBeUndefined();
  expect(codexOf(projection)).toEqual({
    session_id: ROOT,
    thread_id: THREAD,
    turn_id: "turn-1",
    root_turn_id: "turn-0",
    thread_source: "user",
    request_kind: "turn",
    window_id: `${THREAD}:0`,
    window_number: 0,
    sandbox: "seccomp",
    turn_started_at_unix_ms: 1_795_345_542_851,
    cwd: "/home/user/project/sub",
    originator: "codex_exec",
    beta_features: "remote_compaction_v2",
    client_request_id: THREAD,
    workspace: "/home/user/project",
    git_origin_url: "git@example.com:a/b.git",
    git_commit: "0123abc",
    has_changes: true,
  });
});

test("over a WebSocket the call's own metadata counts, not the handshake's", () => {
  const body = {
    type: "response.create",
    input: [],
    client_metadata: {
      "x-codex-turn-metadata": JSON.stringify({ ...METADATA, turn_id: "turn-2" }),
      turn_id: "turn-2",
    },
  };
  const projection = ask({
    method: "GET",
    headers: says({ turn_id: "", request_kind: "prewarm" }) as Record<string, Json>,
    request_body: body as Json,
  });
  expect(projection.exchange).toMatchObject({ request_class: "main", turn_id: "turn-2" });
});

test("what stands beside the turn's metadata is told, too, and on a WebSocket what the call cannot say in headers", () => {
  const beside: JsonObject = {
    "x-codex-installation-id": "installation-1",
    "x-codex-parent-thread-id": ROOT,
    "x-openai-subagent": "review",
    "x-codex-window-id": `${THREAD}:7`,
    "x-codex-ws-stream-request-start-ms": "1795345555210",
    ws_request_header_x_openai_internal_codex_responses_lite: "true",
    ws_request_header_authorization: "Bearer none-of-ours",
    "x-codex-turn-metadata": JSON.stringify({ thread_id: THREAD, window_id: `${THREAD}:8` }),
    mcp_attribution: '{"status":"none"}',
    parent_turn_id: "turn-0",
    empty: "",
  };
  const said = {
    "x-codex-routing-hint": "model=gpt-x",
    "x-openai-internal-codex-responses-lite": "false",
  };
  const projection = ask({
    method: "GET",
    headers: { ...HEADERS, ...said },
    request_body: { type: "response.create", input: "hi", client_metadata: beside },
  });
  expect(codexOf(projection)).toEqual({
    originator: "codex_exec",
    client_request_id: THREAD,
    beta_features: "remote_compaction_v2",
    routing_hint: "model=gpt-x",
    responses_lite: "true",
    installation_id: "installation-1",
    subagent: "review",
    window_id: `${THREAD}:8`,
    ws_request_started_at_unix_ms: "1795345555210",
    mcp_attribution: '{"status":"none"}',
    parent_turn_id: "turn-0",
    session_id: ROOT,
    thread_id: THREAD,
    parent_thread_id: ROOT,
  });
  expect(projection).toMatchObject({
    is_sidechain: true,
    exchange: { request_class: "subagent", agent_id: THREAD },
  });
});

test("where Codex says nothing of the place, what it told the model counts", () => {
  const told = (text: string): Json => ({
    type: "message",
    role: "user",
    content: [{ type: "input_text", text }],
  });
  const input = [
    told("<environment_context>\n  <cwd>/home/user/a</cwd>\n</environment_context>"),
    told("<environment_context>\n  <cwd>/home/user/b</cwd>\n</environment_context>"),
    told("<environment_context>\n  <current_date>2026-03-01</current_date>\n</environment_context>"),
    told("a <cwd>/nowhere</cwd>"),
  ];
  expect(ask({ headers: HEADERS, request_body: { input } }).cwd).toBe("/home/user/b");
  expect(ask({ headers: HEADERS, request_body: { input, cwd: "/said", git_branch: "main" } })).toMatchObject({
    cwd: "/said",
    git_branch: "main",
  });
  const user = JSON.stringify({ cwd: "/u", git_branch: "b", session_id: "s", account_uuid: "acc" });
  expect(ask({ request_body: { input: "hi", metadata: { user_id: user } } })).toMatchObject({
    cwd: "/u",
    git_branch: "b",
    conversation_id: THREAD,
    user_id: "acc",
  });
});

test.each([
  ["a turn of a person", {}, {}, "main", false],
  ["a subagent's", { thread_source: "subagent", parent_thread_id: ROOT }, {}, "subagent", true],
  ["a subagent's by its header alone", {}, { "x-openai-subagent": "collab_spawn" }, "subagent", true],
  ["a child thread's", {}, { "x-codex-parent-thread-id": ROOT }, "subagent", true],
  ["a review", { subagent_kind: "review" }, {}, "subagent", true],
  ["a compaction", { request_kind: "compaction" }, {}, "compaction", false],
  [
    "a subagent's compaction",
    { request_kind: "compaction", thread_source: "subagent" },
    {},
    "compaction",
    true,
  ],
  ["a search for a title", { thread_source: "thread_title" }, {}, "title", false],
] as const)("%s", (_what, metadata, headers, requestClass, isSidechain) => {
  const projection = ask({ headers: { ...says(metadata), ...headers } });
  expect(projection.exchange?.request_class).toBe(requestClass);
  expect(projection.is_sidechain).toBe(isSidechain);
  expect(projection.messages).toHaveLength(1);
});

test("what is not to be answered has facts and no messages", () => {
  const headers = says({ request_kind: "prewarm" }) as Record<string, Json>;
  const { exchange: facts, messages } = ask({ headers, request_body: { input: "hi", generate: false } });
  expect([facts?.request_class, messages]).toEqual(["other", []]);
});

test("an agent is its thread; its parent is one unless it is the session", () => {
  const agent = ask({
    headers: says({ thread_source: "subagent", parent_thread_id: ROOT }) as Record<string, Json>,
  });
  expect(agent.exchange).toMatchObject({ session_id: ROOT, agent_id: THREAD });
  expect(agent.exchange?.parent_agent_id).toBeUndefined();
  const grandchild = ask({
    headers: says({ thread_source: "subagent", parent_thread_id: "other" }) as Record<string, Json>,
  });
  expect(grandchild.exchange?.parent_agent_id).toBe("other");
});

test("headers of another program are not Codex's, even on Codex's own backend", () => {
  for (const path of ["/v1/responses", "/backend-api/codex/responses"]) {
    const other = exchange({
      path,
      ...(path.startsWith("/backend") ? { upstream: "chatgpt", provider: "chatgpt" } : {}),
      headers: {
        "user-agent": "opencode/1.18.33 ai-sdk/provider-utils/4.0.46",
        originator: "opencode",
        "session-id": "ses_1",
        "thread-id": "ses_1",
        "x-client-request-id": "c",
        "x-openai-subagent": "review",
      },
    });
    expect(codexProjector.match(other)).toBe(false);
  }
});

test("one that calls Codex's backend without saying who it is counts as Codex", () => {
  const backend = { path: "/backend-api/codex/responses", upstream: "chatgpt", provider: "chatgpt" };
  const projection = ask({ ...backend, headers: {} });
  expect(projection).toMatchObject({
    provider: "chatgpt",
    client_name: "codex",
    conversation_source: "codex",
  });
  expect(codexOf(projection)).toEqual({});
});

test("items are named by their ids; what has none is marked", () => {
  const input = [
    { type: "message", id: "msg_1", role: "user", content: "hi" },
    { type: "message", role: "user", content: "summarise" },
  ];
  const marks = ({ messages }: Projection) =>
    messages.map(({ message_id, attributes }) => [message_id, attributes?.["codex"]]);
  expect(marks(ask({ headers: HEADERS, request_body: { input } }))).toEqual([
    ["msg_1", undefined],
    [undefined, { identity_source: "gateway_fallback" }],
  ]);
});

test("a request that cannot be read has facts and no messages, and is told of", () => {
  const lines: LogLine[] = [];
  const record: ExchangeRecord = { ...exchange({ headers: HEADERS }), request_body: "{" };
  const answer = JSON.stringify({ id: "resp_1", output: [], usage: { input_tokens: 5, output_tokens: 1 } });
  const projection = project({ ...record, response_body: answer }, lines);
  expect(projection).toMatchObject({
    messages: [],
    exchange: {
      request_class: "main",
      response_id: "resp_1",
      usage: { input_tokens: 5, output_tokens: 1 },
    },
  });
  expect(lines).toMatchObject([
    { level: "warn", event: "plugin.codex.projector_skip", reason: "unparseable_request_body" },
  ]);
});

test("every call of every recorded run says where it was made", () => {
  for (const name of ["plain", "subagent", "multi-turn", "compact", "signed-in"]) {
    const calls = readFixture(name).flatMap((record) => project(record) ?? []);
    const places = calls.filter(({ messages }) => messages.length > 0).map(({ cwd }) => cwd);
    expect(new Set(places)).toEqual(new Set(["/home/user/project"]));
  }
});

test("bodies of many items and deep ones are read in time", () => {
  const cpuMs = cpuTimer();
  const input = Array.from({ length: 5_000 }, (_, index) => ({
    type: "message",
    id: `msg_${index}`,
    role: "user",
    content: [{ type: "input_text", text: "word ".repeat(20) }],
  }));
  const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
  const call = { type: "function_call", id: "fc", call_id: "c", name: "f", arguments: deep };
  const delta = { type: "response.output_text.delta", item_id: "m", output_index: 0, delta: "x" };
  const events = Array.from({ length: 50_000 }, () => delta);
  const projection = ask({ request_body: { input: [...input, call] }, events });
  expect(projection.messages).toHaveLength(5_002);
  expect(cpuMs()).toBeLessThan(5_000);
});
