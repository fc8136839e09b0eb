import { expect, test } from "vitest";
import type { ContentBlock, Json, Projection } from "../../contract/plugin.ts";
import { type LogLine, anthropicExchange as exchange, project } from "./fixtures.testkit.ts";
import { anthropicProjector } from "./anthropic.ts";

const hello: Json = [{ role: "user", content: "hello" }];
const text = (said: string): ContentBlock => ({ type: "text", text: said });
const matches = (path: string, parts: Parameters<typeof exchange>[0] = {}): boolean =>
  anthropicProjector.match(exchange({ path, ...parts }));

test("it matches by path without query, whatever the headers, and aside from that path only on its own upstream", () => {
  expect(matches("/v1/messages?beta=true", { request_headers: null })).toBe(true);
  expect(matches("/v1/messages", { upstream: "proxy", provider: null })).toBe(true);
  expect(matches("/v1/models?limit=1000")).toBe(true);
  expect(matches("/v1/models", { upstream: "proxy", provider: "anthropic" })).toBe(true);
  expect(matches("/v1/models", { upstream: "openai", provider: "openai" })).toBe(false);
  expect(matches("/v1/messagesque")).toBe(false);
  expect(matches("/v1/files")).toBe(false);
});

test("who asks is a program, whose conversation is inferred from its first message", () => {
  for (const user_id of ["user-1", "{}", "[]", "null", 5, { session_id: "s" }]) {
    const projection = project(exchange({ request_body: { messages: hello, metadata: { user_id } } }));
    expect(projection).toMatchObject({
      provider: "anthropic",
      client_name: "api",
      conversation_source: "api",
      conversation_id: expect.stringMatching(/^[0-9a-f]{16}$/),
      conversation_inferred: true,
      exchange: { request_class: "main" },
    });
    expect(projection?.exchange?.session_id).toBeUndefined();
  }
  const known = { user_id: JSON.stringify({ account_uuid: "account-1" }) };
  const body = { messages: hello, metadata: known };
  expect(project(exchange({ request_body: body }))?.user_id).toBe("account-1");
});

test("one message of the wire is one message, with all its blocks; one without content is none", () => {
  const call: ContentBlock = { type: "tool_use", id: "t1", name: "Bash", input: {} };
  const result: ContentBlock = { type: "tool_result", tool_use_id: "t1", content: "ok" };
  const messages = [
    { role: "assistant", content: [text("a"), call] },
    { role: "user", content: [text("b"), result, text("c")] },
    { role: "system", content: [] },
    { role: "user", content: "d" },
  ];
  const answer = { role: "assistant", content: [text("e"), call], stop_reason: "tool_use" };
  const projection = project(exchange({ request_body: { messages }, response_body: answer }));
  expect(projection?.messages.map(({ role, content, stop_reason: stop }) => [role, content, stop])).toEqual([
    ["assistant", [text("a"), call], undefined],
    ["user", [text("b"), result, text("c")], undefined],
    ["user", [text("d")], undefined],
    ["assistant", [text("e"), call], "tool_use"],
  ]);
  expect(projection?.messages.at(-1)?.message_created_at).toBe("2026-03-01T12:00:00.050Z");
});

test("what has no message by nature tells facts only", () => {
  const asked = (parts: Parameters<typeof exchange>[0]): unknown[] => {
    const projection = project(exchange(parts)) as Projection;
    return [projection.exchange?.request_class, projection.messages.length, projection.client_name];
  };
  const count = { path: "/v1/messages/count_tokens", request_body: { messages: hello } };
  expect(asked({ ...count, response_body: { input_tokens: 5 } })).toEqual(["count_tokens", 0, "api"]);
  expect(asked({ method: "GET", path: "/v1/models/claude" })).toEqual(["models", 0, "api"]);
  expect(asked({ method: "GET" })).toEqual(["probe", 0, undefined]);
});

test("what cannot be read is said so, and what the response cost is kept", () => {
  const lines: LogLine[] = [];
  const usage = { role: "assistant", content: [text("hi")], usage: { output_tokens: 3 } };
  const unread = project(exchange({ request_body: '{"messages": [', response_body: usage }), lines);
  expect(unread).toMatchObject({ messages: [], exchange: { usage: { output_tokens: 3 } } });
  expect(project(exchange({ request_body: {} }), lines)?.messages).toEqual([]);
  expect(project(exchange({ path: "/v1/messages/batches", request_body: {} }), lines)).toBeUndefined();
  expect(lines.map(({ level, event, reason, path }) => [level, event, reason, path])).toEqual([
    ["warn", "plugin.raw.projector_skip", "unparseable_request_body", "/v1/messages"],
    ["debug", "plugin.raw.projector_skip", "no_messages_in_exchange", "/v1/messages"],
    ["warn", "plugin.raw.projector_unmatched_path", undefined, "/v1/messages/batches"],
  ]);
});
