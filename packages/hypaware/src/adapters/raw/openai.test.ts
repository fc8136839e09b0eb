import { expect, test } from "vitest";
import type { Json, JsonObject, Projection } from "../../contract/plugin.ts";
import { type LogLine, openaiExchange as exchange, project } from "./fixtures.testkit.ts";
import { openaiProjector } from "./openai.ts";

const ask = (parts: Parameters<typeof exchange>[0] = {}): Projection =>
  project(exchange({ request_body: { model: "gpt-x", input: "hi" }, ...parts }))!;
const elsewhere = { upstream: "other", provider: null } as const;
const matches = (path: string, parts: Parameters<typeof exchange>[0] = {}): boolean =>
  openaiProjector.match(exchange({ path, ...parts }));

test.each([
  "/v1/chat/completions",
  "/chat/completions",
  "/openai/deployments/m/chat/completions?api-version=1",
  "/v1/chat/completions/chatcmpl-1",
  "/v1/responses",
  "/v1/responses?x=1",
  "/responses",
  "/proxy/v1/responses",
  "/v1/responses/resp_1/cancel",
  "/v1/responses/compact",
  "/backend-api/codex/responses",
  "/backend-api/codex/models?client_version=0.169.0",
  "/backend-api/codex",
  "/backend-api/wham/accounts/check",
])("%s is OpenAI's, whatever the upstream is called", (path) => {
  expect(matches(path, elsewhere)).toBe(true);
});

test("a list of models is taken only where it is OpenAI's", () => {
  expect(matches("/v1/models")).toBe(true);
  expect(matches("/v1/models/gpt-5?x=1")).toBe(true);
  expect(matches("/v1/models", { upstream: "mine", provider: "openai" })).toBe(true);
  expect(matches("/v1/models", { upstream: "anthropic", provider: "anthropic" })).toBe(false);
});

test("what is not to be answered has facts and no messages", () => {
  const { exchange: facts, messages } = ask({ request_body: { input: "hi", generate: false } });
  expect([facts?.request_class, messages]).toEqual(["other", []]);
});

test("who asks is a program; what it says of itself in the body counts, what it says in another client's headers does not", () => {
  const headers = {
    originator: "mine",
    "session-id": "ses_1",
    "thread-id": "ses_1",
    "x-client-request-id": "c",
  };
  const projection = ask({ headers });
  expect(projection).toMatchObject({
    client_name: "api",
    conversation_source: "api",
    conversation_inferred: true,
    exchange: { request_class: "main" },
  });
  for (const name of ["client_version", "entrypoint", "is_sidechain", "prompt_id"] as const)
    expect(projection[name]).toBeUndefined();
  expect(projection.exchange?.session_id).toBeUndefined();
  const user = JSON.stringify({ cwd: "/u", git_branch: "b", session_id: "s", account_uuid: "acc" });
  const told = ask({ request_body: { input: "hi", metadata: { user_id: user } } });
  expect(told).toMatchObject({ cwd: "/u", git_branch: "b", conversation_id: "s", user_id: "acc" });
  expect(told.conversation_inferred).toBeUndefined();
  expect(ask({ request_body: { input: "hi", user: "u-1" } }).user_id).toBe("u-1");
});

test("a response is kept unless the request says otherwise, and on a WebSocket anyway", () => {
  const isKept = (body: JsonObject, status_code = 200): boolean | undefined =>
    ask({ request_body: { input: "hi", ...body }, status_code }).response_is_kept;
  expect([isKept({}), isKept({ store: false }), isKept({ store: false }, 101)]).toEqual([true, false, true]);
  const messages = [{ role: "user", content: "hi" }];
  expect(ask({ path: "/v1/chat/completions", request_body: { messages } }).response_is_kept).toBeUndefined();
});

test("a conversation that nobody named has the hash of its first message, always the same", () => {
  const id = (content: Json): string => ask({ request_body: { input: content } }).conversation_id;
  expect(id("hi")).toMatch(/^[0-9a-f]{16}$/);
  expect(id("hi")).toBe(id("hi"));
  expect(
    id([
      { role: "user", content: "hi" },
      { role: "user", content: "ho" },
    ]),
  ).toBe(id("hi"));
  expect(id("ho")).not.toBe(id("hi"));
  const chat = ask({
    path: "/v1/chat/completions",
    request_body: { messages: [{ role: "user", content: "hi" }] },
  });
  expect(chat.conversation_id).toBe(id("hi"));
  const empty = ask({ request_body: { input: [] } });
  expect(empty.conversation_id).toMatch(/^[0-9a-f]{16}$/);
});

test("Chat: calls, their results, and the answer of a stream", () => {
  const projection = ask({
    path: "/v1/chat/completions",
    request_body: {
      model: "gpt-x",
      messages: [
        { role: "system", content: "rules" },
        { role: "user", content: "list" },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "call_1", type: "function", function: { name: "ls", arguments: '{"p":1}' } }],
        },
        { role: "tool", tool_call_id: "call_1", content: "a b" },
      ],
    },
    events: [
      {
        id: "chatcmpl-1",
        model: "gpt-x-1",
        choices: [{ index: 0, delta: { role: "assistant", content: "two" } }],
      },
      { id: "chatcmpl-1", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
    ],
  });
  expect(projection.messages.map(({ role, content }) => [role, content])).toEqual([
    ["system", [{ type: "text", text: "rules" }]],
    ["user", [{ type: "text", text: "list" }]],
    ["assistant", [{ type: "tool_use", id: "call_1", name: "ls", input: { p: 1 } }]],
    ["tool", [{ type: "tool_result", tool_use_id: "call_1", content: "a b" }]],
    ["assistant", [{ type: "text", text: "two" }]],
  ]);
  expect(projection.messages.at(-1)).toMatchObject({ is_answer: true, raw_frame: { finish_reason: "stop" } });
  expect(projection.exchange).toMatchObject({
    response_id: "chatcmpl-1",
    model: "gpt-x-1",
    requested_model: "gpt-x",
    stop_reason: "stop",
  });
});

test("instructions are the system text, tools of both places the tools", () => {
  const tools = [{ type: "custom", name: "exec" }];
  const projection = ask({
    request_body: {
      instructions: "be brief",
      input: [{ type: "additional_tools", role: "developer", tools }],
    },
  });
  expect(projection).toMatchObject({ system_text: "be brief", tools });
});

test("a compaction of its own endpoint brings what stands for the history, and repeats nothing", () => {
  const kept = { type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] };
  const summary = { type: "compaction", id: "cmp_1", encrypted_content: "gAAA" };
  const projection = ask({
    path: "/v1/responses/compact",
    request_body: { input: [kept] },
    response_body: { id: "resp_1", object: "response.compaction", output: [kept, summary] },
  });
  expect(projection.exchange?.request_class).toBe("compaction");
  expect(projection.messages.map(({ provider_type, is_answer }) => [provider_type, is_answer])).toEqual([
    ["message", false],
    ["compaction", true],
  ]);
  expect(projection.messages[1]).toMatchObject({ is_compact_summary: true, raw_frame: summary });
});

test("a failed attempt has its error and what was asked, and no answer", () => {
  const error = { error: { message: "Rate limit reached", type: "rate_limit_exceeded", code: null } };
  const projection = ask({ status_code: 429, response_body: error });
  expect(projection.exchange?.error).toBe("rate_limit_exceeded: Rate limit reached");
  expect(projection.messages.map(({ is_answer }) => is_answer)).toEqual([false]);
});

test("the provider is who was routed to, else who the path belongs to", () => {
  const provider = (upstream: string, named: string | null, path = "/v1/responses"): string =>
    ask({ upstream, provider: named, path }).provider;
  expect(provider("mine", "azure")).toBe("azure");
  expect(provider("chatgpt", null)).toBe("chatgpt");
  expect(provider("mine", null)).toBe("openai");
  expect(provider("mine", null, "/backend-api/codex/responses")).toBe("chatgpt");
});

test("a request that cannot be read has facts and no messages, and is told of", () => {
  const lines: LogLine[] = [];
  const answer = { id: "resp_1", output: [], usage: { input_tokens: 5, output_tokens: 1 } };
  const projection = project(exchange({ request_body: "{", response_body: answer }), lines);
  expect(projection).toMatchObject({
    messages: [],
    exchange: { request_class: "main", response_id: "resp_1", usage: { input_tokens: 5, output_tokens: 1 } },
  });
  expect(lines).toMatchObject([
    { level: "warn", event: "plugin.raw.projector_skip", reason: "unparseable_request_body" },
  ]);
});
