import { cpuTimer } from "@hypaware/testkit";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { ContentBlock, ExchangeRecord, Json, Projection } from "../../contract/plugin.ts";
import { type LogLine, exchange, project } from "./fixtures.testkit.ts";
import { claudeProjector } from "./projector.ts";

const SESSION = "11111111-2222-3333-4444-555555555555";
const CLIENT = { "user-agent": "claude-cli/2.1.330 (external, cli)", "x-claude-code-session-id": SESSION };
const hello: Json = [{ role: "user", content: "hello" }];
const says = (text: string): Json => ({ id: "msg_1", role: "assistant", content: [{ type: "text", text }] });

const text = (text: string): ContentBlock => ({ type: "text", text });
const result = (id: string): ContentBlock => ({ type: "tool_result", tool_use_id: id, content: "ok" });

const matches = (path: string, rest: Partial<ExchangeRecord> = {}): boolean =>
  claudeProjector.match({ ...exchange({ path, headers: CLIENT }), ...rest });

/** As the client's request. */
const fromClient = (parts: Parameters<typeof exchange>[0]): Projection | undefined =>
  project(exchange({ headers: CLIENT, ...parts }));

const facts = (request_class: string): object => ({
  conversation_id: SESSION,
  messages: [],
  exchange: { request_class, session_id: SESSION },
});

function identityOf(headers: Record<string, Json>, user_id: Json): unknown[] {
  const projection = project(exchange({ headers, request_body: { messages: hello, metadata: { user_id } } }));
  return [projection?.exchange?.session_id, projection?.user_id, projection?.conversation_source];
}

test("it matches its client by path without query, and aside from that path only on its own upstream", () => {
  expect(matches("/v1/messages?beta=true")).toBe(true);
  expect(matches("/v1/messages", { upstream: "proxy", provider: null })).toBe(true);
  expect(matches("/v1/models?limit=1000")).toBe(true);
  expect(matches("/", { method: "HEAD" })).toBe(true);
  expect(matches("/v1/models", { upstream: "proxy", provider: "anthropic" })).toBe(true);
  expect(matches("/v1/models", { upstream: "openai", provider: "openai" })).toBe(false);
  expect(matches("/", { method: "HEAD", upstream: "openai", provider: "openai" })).toBe(false);
  expect(matches("/v1/messagesque")).toBe(false);
  expect(matches("/v1/files")).toBe(false);
  expect(matches("/v1/responses", { upstream: "openai", provider: "openai" })).toBe(false);
});

test("its client is known by its name, or by its session in header or body; who is not known is another's", () => {
  const isIts = (headers: Record<string, Json>, user_id: Json = null): boolean =>
    claudeProjector.match(exchange({ headers, request_body: { messages: hello, metadata: { user_id } } }));
  expect(isIts({ "user-agent": "claude-cli/2.1.330 (external, cli)" })).toBe(true);
  expect(isIts({ "user-agent": "claude-code/2.1.330" })).toBe(true);
  expect(isIts({ "x-claude-code-session-id": SESSION })).toBe(true);
  expect(isIts({ "user-agent": "proxy/1" }, JSON.stringify({ session_id: SESSION }))).toBe(true);
  expect(isIts({}, `user_d_account__session_${SESSION}`)).toBe(true);
  for (const other of ["user-1", "{}", "[]", "null", 5, { session_id: SESSION }])
    expect(isIts({ "user-agent": "Anthropic/JS 1.12.0" }, other)).toBe(false);
  expect(matches("/", { method: "HEAD", request_headers: "{}" })).toBe(true);
  expect(matches("/v1/models", { request_headers: "{}" })).toBe(false);
});

test("the session is the header's, else that of either form of metadata", () => {
  const json = JSON.stringify({ device_id: "d", account_uuid: "account-1", session_id: SESSION });
  expect(identityOf(CLIENT, null)).toEqual([SESSION, undefined, "claude_code"]);
  expect(identityOf({}, json)).toEqual([SESSION, "account-1", "claude_code"]);
  expect(identityOf({}, `user_d_account_account-1_session_${SESSION}`)).toEqual([
    SESSION,
    "account-1",
    "claude_code",
  ]);
  expect(identityOf({}, `user_d_account__session_${SESSION}`)).toEqual([SESSION, undefined, "claude_code"]);
  expect(identityOf({ "x-claude-code-session-id": ["s-1", "s-2"] }, json)).toContain("s-1");
});

test("an agent is the main thread's or that of the agent that it names", () => {
  const factsOf = (headers: Record<string, string>): unknown =>
    project(exchange({ headers: { ...CLIENT, ...headers }, request_body: { messages: hello } }))?.exchange;
  const agent = { "x-claude-code-agent-id": "a2" };
  expect(factsOf(agent)).not.toHaveProperty("parent_agent_id");
  const facts = factsOf({ ...agent, "x-claude-code-parent-agent-id": "a1" });
  expect(facts).toMatchObject({ agent_id: "a2", parent_agent_id: "a1" });
  expect(facts).not.toHaveProperty("attributes.claude");
});

test("without a session the conversation is inferred from its first message", () => {
  const nameless = { "user-agent": "claude-cli/2.1.330 (external, cli)" };
  const projection = project(exchange({ headers: nameless, request_body: { messages: hello } }));
  expect(projection).toMatchObject({
    conversation_inferred: true,
    conversation_id: expect.stringMatching(/^[0-9a-f]{16}$/),
  });
  expect(projection?.exchange?.session_id).toBeUndefined();
  const empty = fromClient({ request_body: { messages: [] }, response_body: says("hi") });
  expect(empty?.messages).toHaveLength(1);
});

test("the entry point is what the client bills, else what its user agent says", () => {
  const system = [
    { type: "text", text: "x-anthropic-billing-header: cc_version=2; cc_entrypoint=sdk-ts; cch=1;" },
  ];
  expect(fromClient({ request_body: { messages: hello, system } })?.entrypoint).toBe("sdk-ts");
  expect(fromClient({ request_body: { messages: hello } })?.entrypoint).toBe("cli");
});

test("a title is searched for in a conversation of its own", () => {
  const schema = { type: "object", properties: { title: { type: "string" } } };
  const body = {
    messages: [{ role: "user", content: "<session>\nhello\n</session>" }],
    output_config: { format: { type: "json_schema", schema } },
  };
  const title = {
    conversation_id: `${SESSION}/title`,
    exchange: { request_class: "title", session_id: SESSION },
  };
  expect(fromClient({ request_body: body })).toMatchObject(title);
  const hinted = { ...CLIENT, "x-claude-code-request-class": "main" };
  expect(project(exchange({ headers: hinted, request_body: { ...body, tools: [] } }))).toMatchObject(title);
  const withTools = { ...body, tools: [{ name: "Bash" }] };
  expect(project(exchange({ headers: CLIENT, request_body: withTools }))?.exchange?.request_class).toBe(
    "main",
  );
});

test("compaction stays in its conversation; the client's own word for a request counts", () => {
  const messages = [
    ...(hello as Json[]),
    { role: "user", content: "CRITICAL: Respond with TEXT ONLY. Do not…" },
  ];
  const compaction = { conversation_id: SESSION, exchange: { request_class: "compaction" } };
  expect(fromClient({ request_body: { messages } })).toMatchObject(compaction);
  const hinted = { ...CLIENT, "x-claude-code-request-class": "compaction" };
  expect(project(exchange({ headers: hinted, request_body: { messages: hello } }))).toMatchObject(compaction);
  const main = { ...CLIENT, "x-claude-code-request-class": "main", "x-claude-code-prompt-id": "prompt-1" };
  expect(project(exchange({ headers: main, request_body: { messages } }))).toMatchObject({
    prompt_id: "prompt-1",
    exchange: { request_class: "main", turn_id: "prompt-1" },
  });
  const unknown = { ...CLIENT, "x-claude-code-request-class": "dreaming" };
  expect(project(exchange({ headers: unknown, request_body: { messages } }))).toMatchObject(compaction);
});

test("what has no message by nature tells facts only", () => {
  const count = { path: "/v1/messages/count_tokens?beta=true", request_body: { messages: hello } };
  expect(fromClient({ ...count, response_body: { input_tokens: 5 } })).toMatchObject(facts("count_tokens"));
  expect(fromClient({ method: "GET", path: "/v1/models?limit=1000" })).toMatchObject(facts("models"));
  expect(fromClient({ method: "HEAD", path: "/api/hello" })).toMatchObject(facts("probe"));
  expect(project(exchange({ method: "HEAD", path: "/" }))?.client_name).toBeUndefined();
});

test("each block is a message of its own for the client, but what is attached to a text stays with it", () => {
  const call: ContentBlock = { type: "tool_use", id: "t1", name: "Bash", input: {} };
  const image: ContentBlock = { type: "image", source: { type: "base64", data: "" } };
  const body = {
    messages: [
      { role: "assistant", content: [text("a"), call] },
      { role: "user", content: [text("b"), text("c"), image, image, result("t1"), image, text("d")] },
      { role: "system", content: [] },
      { role: "system", content: [text("e"), text("f")] },
    ],
  };
  const messages = fromClient({ request_body: body })?.messages ?? [];
  expect(messages.map(({ role, content }) => [role, content.length])).toEqual([
    ["assistant", 1],
    ["assistant", 1],
    ["user", 1],
    ["user", 3],
    ["user", 1],
    ["user", 1],
    ["user", 1],
    ["system", 1],
    ["system", 1],
  ]);
});

test("the answer's last message alone has the reason to stop, and a blank block is no message", () => {
  const content = [
    { type: "text", text: "" },
    { type: "thinking", thinking: "", signature: "s" },
    { type: "text", text: "x" },
  ];
  const response_body = { role: "assistant", content, stop_reason: "max_tokens" };
  const projection = project(exchange({ headers: CLIENT, request_body: { messages: hello }, response_body }));
  expect(projection?.messages.slice(1).map((message) => [message.content, message.stop_reason])).toEqual([
    [[content[1]], undefined],
    [[content[2]], "max_tokens"],
  ]);
  expect(projection?.messages[1]?.message_created_at).toBe("2026-03-01T12:00:00.050Z");
});

test("a request that cannot be read is said so, and what the response cost is kept", () => {
  const lines: LogLine[] = [];
  const response_body = { ...(says("hi") as object), usage: { output_tokens: 3 } };
  const projection = project(
    exchange({ headers: CLIENT, request_body: '{"messages": [', response_body }),
    lines,
  );
  expect(projection).toMatchObject({
    messages: [],
    exchange: { session_id: SESSION, usage: { output_tokens: 3 } },
  });
  expect(lines).toEqual([
    {
      level: "warn",
      event: "plugin.claude.projector_skip",
      reason: "unparseable_request_body",
      exchange_id: expect.any(String),
      path: "/v1/messages",
    },
  ]);
});

test("an exchange without any message and a path that is not known are said so", () => {
  const lines: LogLine[] = [];
  expect(project(exchange({ headers: CLIENT, request_body: {} }), lines)?.messages).toEqual([]);
  const batches = { headers: CLIENT, path: "/v1/messages/batches", request_body: { requests: [] } };
  expect(project(exchange(batches), lines)).toBeUndefined();
  expect(lines.map(({ level, event, reason, path }) => [level, event, reason, path])).toEqual([
    ["debug", "plugin.claude.projector_skip", "no_messages_in_exchange", "/v1/messages"],
    ["warn", "plugin.claude.projector_unmatched_path", undefined, "/v1/messages/batches"],
  ]);
});

test("what is known of earlier requests changes nothing", () => {
  const said = fc.constantFrom("a", "b", "This session is being continued from a previous conversation: a");
  const block = fc.oneof(said.map(text), fc.constantFrom("t1", "t2").map(result));
  const content = fc.oneof(said, fc.array(block, { maxLength: 3 }));
  const message = fc.record({ role: fc.constantFrom("user", "assistant"), content });
  const turn = fc.record({
    drop: fc.nat(2),
    add: fc.array(message, { maxLength: 4 }),
    system: said,
    tools: fc.constantFrom([{ name: "a" }], [{ name: "a" }, { name: "b" }], []),
  });
  let serial = 0;
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 8 }), (turns) => {
      let messages: Json[] = [];
      for (const { drop, add, system, tools } of turns) {
        messages = [...messages.slice(0, messages.length - drop), ...add];
        const body = JSON.stringify({ model: "m", messages, system, tools });
        // Behind a margin of its own a text has no beginning in common with others that would be worth anything.
        const margin = (serial++).toString(2).padStart(12, "0").replaceAll("0", " ").replaceAll("1", "\t");
        const apart = margin + body;
        const [known, fresh] = [body, apart].map((request_body) =>
          project(exchange({ headers: CLIENT, request_body })),
        );
        expect(known).toEqual(fresh);
      }
    }),
    { numRuns: 200 },
  );
});

test("an answer of 100,000 pieces and a body nested 100,000 deep are read in time", () => {
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const body = `{"messages":[{"role":"user","content":${deep}},{"role":"user","content":"hi"}],"tools":${deep}}`;
  const pieces = Array.from({ length: 100_000 }, (_, i) => ({
    type: "content_block_delta",
    index: i % 50,
    delta: { type: "text_delta", text: "word " },
  }));
  const cpuMs = cpuTimer();
  const projection = project(exchange({ headers: CLIENT, request_body: body, events: pieces }));
  expect(projection?.messages).toHaveLength(51);
  expect(cpuMs()).toBeLessThan(3_000);
});
