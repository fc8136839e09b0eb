import { cpuTimer } from "@hypaware/testkit";
import { expect, test } from "vitest";
import type { ExchangeRecord, Json, JsonObject, Projection } from "../../contract/plugin.ts";
import type { LogLine } from "../../protocols/exchange-record.testkit.ts";
import { asName } from "../../protocols/loose.ts";
import { GENERATE, exchange, project } from "./fixtures.testkit.ts";
import { generateContentProjector, geminiProjector } from "./projector.ts";

const CLI = { "user-agent": "GeminiCLI-tui/0.61.0/gemini-pro (linux; x64; terminal)" };
const user = (...texts: string[]): Json => ({ role: "user", parts: texts.map((text) => ({ text })) });
const model = (...parts: Json[]): Json => ({ role: "model", parts });
const says = (text: string, finishReason = "STOP"): Json => ({
  candidates: [{ content: { role: "model", parts: [{ text }] }, finishReason }],
  usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 1 },
  responseId: "r-1",
});
const hello = { contents: [user("hello")] };

const matches = (path: string, rest: Partial<ExchangeRecord> = {}): boolean =>
  generateContentProjector.match({ ...exchange({ path }), ...rest });
const ELSEWHERE = { upstream: "proxy", provider: null };
const fromClient = (body: Json, rest: Parameters<typeof exchange>[0] = {}): Projection | undefined =>
  project(exchange({ headers: CLI, request_body: body, ...rest }));
const classOf = (projection: Projection | undefined): unknown => [
  projection?.exchange?.request_class,
  projection?.messages.length,
];

test("it matches its verbs wherever they went, and everything else only on its own upstreams", () => {
  expect(matches(`${GENERATE}?key=REDACTED`, ELSEWHERE)).toBe(true);
  expect(matches("/v1/models/m:streamGenerateContent?alt=sse", ELSEWHERE)).toBe(true);
  expect(matches("/v1/projects/p/locations/l/publishers/google/models/m:generateContent", ELSEWHERE)).toBe(
    true,
  );
  expect(matches("/v1internal:generateContent", ELSEWHERE)).toBe(true);
  expect(matches("/v1beta/models", ELSEWHERE)).toBe(true);
  expect(matches("/v1/models")).toBe(true);
  expect(matches("/v1/models", { upstream: "mine", provider: "google" })).toBe(true);
  expect(matches("/v1/models", ELSEWHERE)).toBe(false);
  expect(matches("/v1/messages", ELSEWHERE)).toBe(false);
  expect(matches("/v1/models/m:fly", ELSEWHERE)).toBe(false);
  expect(matches(GENERATE, { request_headers: null })).toBe(true);
});

test("its client's calls are taken by one projector, every other program's by the other", () => {
  for (const path of [GENERATE, "/v1internal:loadCodeAssist", "/v1beta/models"]) {
    const [own, other] = [exchange({ path, headers: CLI }), exchange({ path })];
    expect([geminiProjector.match(own), generateContentProjector.match(own)], path).toEqual([true, false]);
    expect([geminiProjector.match(other), generateContentProjector.match(other)], path).toEqual([
      false,
      true,
    ]);
  }
});

test("who asks is read from the user agent, in each of its forms", () => {
  const asks = (agent: string): unknown => {
    const projection = project(exchange({ headers: { "user-agent": agent }, request_body: hello }));
    return [projection?.client_name, projection?.client_version, projection?.entrypoint];
  };
  expect(asks("GeminiCLI-tui/0.61.0/gemini-pro (linux; x64; terminal)")).toEqual([
    "gemini",
    "0.61.0",
    "terminal",
  ]);
  expect(asks("GeminiCLI-acp-zed/0.61.0/m (darwin; arm64; zed)")).toEqual(["gemini", "0.61.0", "zed"]);
  expect(asks("GeminiCLI/0.1.0 (linux; x64)")).toEqual(["gemini", "0.1.0", undefined]);
  expect(asks("CloudCodeVSCode/0.61.0 (aidev_client; os_type=linux; proxy_client=geminicli)")).toEqual([
    "gemini",
    "0.61.0",
    "vscode",
  ]);
  expect(asks("google-genai-sdk/1.30.0")).toEqual(["api", undefined, undefined]);
});

test("a signed-in client tells session and prompt, and its answer comes in an envelope", () => {
  const request = { ...hello, session_id: "s-1" };
  const projection = fromClient(
    { model: "gemini-pro", user_prompt_id: "s-1########2", request },
    { path: "/v1internal:streamGenerateContent?alt=sse", events: [{ response: says("hi"), traceId: "t-1" }] },
  );
  expect(projection).toMatchObject({
    provider: "google",
    model: "gemini-pro",
    prompt_id: "s-1########2",
    conversation_inferred: true,
    exchange: { session_id: "s-1", turn_id: "s-1########2", usage: { input_tokens: 3, output_tokens: 1 } },
  });
  expect(projection?.messages).toHaveLength(2);
});

test("the client's own questions have facts and no messages; the same from a program is a conversation", () => {
  const asking = (name: string): Json => ({
    ...hello,
    generationConfig: {
      responseMimeType: "application/json",
      responseJsonSchema: { type: "OBJECT", properties: { [name]: { type: "STRING" } } },
    },
  });
  const answer = { response_body: says("{}") };
  expect(classOf(fromClient(asking("complexity_score"), answer))).toEqual(["router", 0]);
  expect(classOf(fromClient(asking("model_choice"), answer))).toEqual(["router", 0]);
  expect(classOf(fromClient(asking("next_speaker"), answer))).toEqual(["other", 0]);
  expect(classOf(project(exchange({ request_body: asking("complexity_score"), ...answer })))).toEqual([
    "main",
    2,
  ]);
});

test("compaction is told by its prompt, and its summary is marked where it stands for the history", () => {
  const snapshot = "<state_snapshot>…</state_snapshot>";
  const compaction = fromClient({
    contents: [user("a"), model({ text: "b" }), user("Generate a new <state_snapshot>.")],
    systemInstruction: { text: "Distil the history into a <state_snapshot>." },
  });
  expect(classOf(compaction)).toEqual(["compaction", 3]);
  expect(compaction?.messages.some((message) => message.is_compact_summary === true)).toBe(false);
  const after = fromClient({
    contents: [user("context", snapshot), model({ text: "Got it." }), user("go on")],
  });
  expect(classOf(after)).toEqual(["main", 3]);
  expect(after?.messages.map((message) => message.is_compact_summary)).toEqual([true, undefined, undefined]);
});

test("what has no conversation by nature tells facts only", () => {
  const count = {
    path: "/v1beta/models/m:countTokens",
    request_body: hello,
    response_body: { totalTokens: 5 },
  };
  expect(classOf(project(exchange(count)))).toEqual(["count_tokens", 0]);
  expect(classOf(project(exchange({ method: "GET", path: "/v1beta/models?pageSize=5" })))).toEqual([
    "models",
    0,
  ]);
  expect(classOf(project(exchange({ path: "/v1beta/models/m:embedContent" })))).toEqual(["other", 0]);
  expect(classOf(project(exchange({ path: "/v1internal:loadCodeAssist" })))).toEqual(["other", 0]);
});

test("who answers is the assistant, and the wire's word for it is kept", () => {
  const projection = project(
    exchange({
      request_body: { contents: [user("a"), model({ text: "b" }), { parts: [{ text: "c" }] }, model()] },
      response_body: says("d", "MAX_TOKENS"),
    }),
  );
  expect(projection?.messages.map((each) => [each.role, each.provider_type, each.stop_reason])).toEqual([
    ["user", undefined, undefined],
    ["assistant", "model", undefined],
    ["user", undefined, undefined],
    ["assistant", "model", "max_tokens"],
  ]);
  expect(projection?.exchange?.stop_reason).toBe("MAX_TOKENS");
});

test("an answer that is refused, cut or blocked says so", () => {
  const stops = (rest: Parameters<typeof exchange>[0]): unknown => {
    const projection = project(exchange({ request_body: hello, ...rest }));
    return [
      projection?.messages.at(-1)?.stop_reason,
      projection?.exchange?.stop_reason,
      projection?.exchange?.error,
    ];
  };
  expect(stops({ response_body: says("x", "SAFETY") })).toEqual(["refusal", "SAFETY", undefined]);
  const cut = { candidates: [{ content: { parts: [{ text: "x" }] } }] };
  expect(stops({ events: [cut], outcome: "upstream_aborted" })).toEqual(["error", undefined, undefined]);
  expect(stops({ response_body: { promptFeedback: { blockReason: "OTHER" } } })).toEqual([
    undefined,
    "OTHER",
    "prompt blocked: OTHER",
  ]);
});

test("a call without an id is the same call when the client sends it back under one that it made", () => {
  const call = { name: "ls", args: { p: 1 } };
  const asked = project(
    exchange({
      request_body: hello,
      response_body: { candidates: [{ content: model({ functionCall: call }) }] },
    }),
  );
  const functionResponse = { id: "ls_1795345951882_0", name: "ls", response: { output: "a" } };
  const sentBack = project(
    exchange({
      request_body: {
        contents: [
          user("hello"),
          model({ functionCall: { ...call, id: functionResponse.id } }),
          { role: "user", parts: [{ functionResponse }] },
        ],
      },
    }),
  );
  const [, echo, result] = sentBack?.messages ?? [];
  expect(echo?.content).toEqual(asked?.messages[1]?.content);
  const id = asName((result?.content as readonly JsonObject[] | undefined)?.[0]?.["tool_use_id"]);
  expect(result?.attributes).toEqual({
    gemini: { wire_call_ids: { [id!]: functionResponse.id } },
  });
});

test("a request that cannot be read is said so, and what the response cost is kept", () => {
  const lines: LogLine[] = [];
  const projection = project(exchange({ request_body: '{"contents": [', response_body: says("hi") }), lines);
  expect(projection).toMatchObject({
    messages: [],
    exchange: { usage: { input_tokens: 3, output_tokens: 1 } },
  });
  expect(lines).toEqual([
    {
      level: "warn",
      event: "plugin.gemini.projector_skip",
      reason: "unparseable_request_body",
      exchange_id: expect.any(String),
      path: GENERATE,
    },
  ]);
});

test("an answer of 100,000 pieces and a body nested 100,000 deep are read in time", () => {
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const call = `{"functionCall":{"name":"f","args":${deep}}},{"functionResponse":{"name":"f","response":${deep}}}`;
  const many = Array.from({ length: 5_000 }, (_, n) => `{"functionCall":{"name":"g","args":{"n":${n % 9}}}}`);
  const results = many.map(() => '{"functionResponse":{"name":"g","response":{}}}');
  const parts = [call, ...many, ...results].join(",");
  const body = `{"contents":[{"role":"user","parts":[${parts}]}],"tools":${deep}}`;
  const pieces = Array.from({ length: 100_000 }, () => ({
    candidates: [{ content: model({ text: "word " }) }],
  }));
  const cpuMs = cpuTimer();
  const projection = fromClient(body, { events: pieces });
  expect(projection?.messages[0]?.content).toHaveLength(10_002);
  expect(projection?.messages[1]?.content).toHaveLength(1);
  expect(cpuMs()).toBeLessThan(3_000);
});
