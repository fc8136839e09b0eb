import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Json, Projection } from "../../contract/plugin.ts";
import { FIXTURES, type LogLine, exchange, project, readFixture } from "./fixtures.testkit.ts";
import { opencodeProjector } from "./projector.ts";

const matches = (path: string, parts: Parameters<typeof exchange>[0] = {}): boolean =>
  opencodeProjector.match(exchange({ path, ...parts }));
const hello: Json = { model: "m", messages: [{ role: "user", content: "hello" }], tools: [{ name: "bash" }] };
const ask = (parts: Parameters<typeof exchange>[0] = {}): Projection =>
  project(exchange({ request_body: hello, ...parts }))!;

test("it takes its client's model calls in every provider's shape, under any base URL, and nothing else", () => {
  for (const path of [
    "/v1/messages",
    "/zen/v1/messages?beta=true",
    "/v1/chat/completions",
    "/openrouter/api/v1/chat/completions",
    "/v1/responses",
    "/backend-api/codex/responses",
    "/v1beta/models/m:streamGenerateContent?alt=sse",
  ]) {
    expect(matches(path, { upstream: "mine", provider: null }), path).toBe(true);
    expect(matches(path, { headers: { "user-agent": "OpenAI/JS 7.57.0" } }), path).toBe(false);
  }
  for (const path of ["/v1/models", "/v1/messages/count_tokens", "/v1beta/models/m:countTokens", "/v1/files"])
    expect(matches(path), path).toBe(false);
  expect(matches("/v1/messages", { method: "GET" })).toBe(false);
});

test("the session is the client's, a subagent's has its parent; its own provider hears of them by other names", () => {
  expect(ask()).toMatchObject({
    conversation_id: "ses_1",
    conversation_source: "opencode",
    client_name: "opencode",
    client_version: "1.18.33",
    is_sidechain: false,
    exchange: { request_class: "main", session_id: "ses_1" },
  });
  expect(ask({ headers: { "x-parent-session-id": "ses_0" } })).toMatchObject({
    conversation_id: "ses_1",
    is_sidechain: true,
    exchange: { request_class: "subagent", session_id: "ses_0", agent_id: "ses_1" },
  });
  const zen = {
    "x-session-id": "",
    "x-session-affinity": "",
    "x-opencode-session": "ses_2",
    "x-opencode-request": "msg_1",
    "x-opencode-client": "cli",
  };
  expect(ask({ headers: zen })).toMatchObject({
    conversation_id: "ses_2",
    entrypoint: "cli",
    prompt_id: "msg_1",
    exchange: { session_id: "ses_2", turn_id: "msg_1" },
  });
  const nameless = ask({ headers: { "x-session-id": "", "x-session-affinity": "" } });
  expect(nameless).toMatchObject({
    conversation_inferred: true,
    conversation_id: expect.stringMatching(/^[0-9a-f]{16}$/),
  });
});

test("a search for a title and a compaction are known by what they ask, and have no tools", () => {
  const asked = (text: string, tools: Json = []): unknown[] => {
    const answer = { role: "assistant", content: [{ type: "text", text: "t" }] };
    const request_body = { messages: [{ role: "user", content: text }], tools };
    const projection = ask({ request_body, response_body: answer });
    const summaries = projection.messages.filter((message) => message.is_compact_summary === true);
    return [
      projection.exchange?.request_class,
      projection.conversation_id,
      summaries.map(({ role }) => role),
    ];
  };
  const title = "Generate a title for this conversation:\n";
  expect(asked(title)).toEqual(["title", "ses_1/title", []]);
  expect(asked(title, [{ name: "bash" }])).toEqual(["main", "ses_1", []]);
  const history = "Here is the conversation so far:\n\n<conversation>\n[User]: a\n</conversation>";
  expect(asked(history)).toEqual(["compaction", "ses_1", ["assistant"]]);
  expect(asked("What is a title?")).toEqual(["main", "ses_1", []]);
});

test("the provider is who was routed to, else whose shape the call has", () => {
  const provider = (path: string, named: string | null): string =>
    ask({ path, upstream: "mine", provider: named }).provider;
  expect(provider("/v1/messages", "bedrock")).toBe("bedrock");
  expect(provider("/v1/messages", null)).toBe("anthropic");
  expect(provider("/v1/chat/completions", null)).toBe("openai");
  expect(provider("/v1beta/models/m:generateContent", "")).toBe("google");
});

test("a request that cannot be read is said so, and what the response cost is kept", () => {
  const lines: LogLine[] = [];
  const response_body = { role: "assistant", content: [], usage: { output_tokens: 3 } };
  const projection = project(exchange({ request_body: "{", response_body }), lines);
  expect(projection).toMatchObject({
    conversation_id: "ses_1",
    messages: [],
    exchange: { request_class: "main", usage: { output_tokens: 3 } },
  });
  project(exchange({ request_body: {} }), lines);
  expect(lines.map(({ level, event, reason }) => [level, event, reason])).toEqual([
    ["warn", "plugin.opencode.projector_skip", "unparseable_request_body"],
    ["debug", "plugin.opencode.projector_skip", "no_messages_in_exchange"],
  ]);
});

test("no change of an exchange makes it throw, and twice gives the same", () => {
  const records = FIXTURES.flatMap((name) => readFixture(name));
  const junk = fc.oneof(fc.constantFrom(null, "", "{}", "[]", '"x"', "[[[["), fc.json());
  const field = fc.constantFrom("request_body", "response_body", "response_headers", "path", "method");
  const change = fc.record({ field, value: junk, kept: fc.nat(8) });
  fc.assert(
    fc.property(fc.constantFrom(...records), change, (record, { field: name, value, kept }) => {
      const input = { ...record, [name]: value, stream_events: record.stream_events.slice(0, kept) };
      expect(project(input)).toEqual(project(input));
    }),
    { numRuns: 300 },
  );
});
