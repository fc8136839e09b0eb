import { afterAll, beforeEach, expect, test } from "vitest";
import { CODINGS } from "./coding.ts";
import { startFakeProvider } from "./fake-provider.ts";
import { generation } from "./generation.ts";
import { exchangeRaw, postMessage } from "./raw-http.ts";
import { headerOf, requestJson, responseText } from "./recording.ts";
import type { WireMessage } from "./wire-request.ts";

const provider = await startFakeProvider();
beforeEach(() => {
  provider.reset();
  provider.setEncoding("identity");
});
afterAll(() => provider.close());

interface Json {
  readonly [key: string]: unknown;
}

async function ask(
  prompt: string | readonly WireMessage[],
  more: Json = {},
): Promise<{ status: number; json: Json }> {
  const messages = typeof prompt === "string" ? [{ role: "user", content: prompt }] : prompt;
  const response = await fetch(`${provider.url}/v1/messages?beta=true`, {
    method: "POST",
    body: JSON.stringify({ model: "m", max_tokens: 10, messages, ...more }),
  });
  return { status: response.status, json: (await response.json()) as Json };
}

/** Events of a streamed answer, as `[type, data]`. */
function eventsOf(text: string): [string, Json][] {
  return text
    .split("\n\n")
    .filter((block) => block !== "")
    .map((block) => {
      const [event = "", data = ""] = block.split("\n");
      return [event.replace("event: ", ""), JSON.parse(data.replace("data: ", "")) as Json];
    });
}

test("each generation has its own numbers and ids, the same in every run", async () => {
  const first = await ask("SAY:text a");
  const second = await ask("SAY:text a");
  expect(first.json).toMatchObject({
    id: generation("testkit", 1).messageId,
    content: [{ type: "text", text: "a" }],
    stop_reason: "end_turn",
    usage: {
      input_tokens: 11,
      cache_creation_input_tokens: 1001,
      cache_read_input_tokens: 2001,
      output_tokens: 21,
      cache_creation: { ephemeral_5m_input_tokens: 701, ephemeral_1h_input_tokens: 300 },
    },
  });
  expect(second.json).toMatchObject({ id: generation("testkit", 2).messageId, usage: { input_tokens: 12 } });
  expect(generation("other", 1).messageId).not.toBe(generation("testkit", 1).messageId);
});

test("a streamed answer has the provider's events, and the final numbers in message_delta only", async () => {
  const answer = await postMessage(provider.url, "SAY:think because");
  expect(answer).toMatchObject({ status: 200, complete: true, failure: undefined });
  expect(headerOf(answer.rawHeaders, "request-id")).toBe(generation("testkit", 1).requestId);
  expect(headerOf(answer.rawHeaders, "anthropic-ratelimit-requests-remaining")).toBe("3999");
  const events = eventsOf(answer.body.toString());
  const types = events.map(([type]) => type).filter((type, i, all) => type !== all[i - 1]);
  const block = "content_block_start,content_block_delta,content_block_stop";
  expect(types.join()).toBe(
    `message_start,${block.replace("start", "start,ping")},${block},message_delta,message_stop`,
  );
  expect(events[0]?.[1]).toMatchObject({ message: { usage: { input_tokens: 11, output_tokens: 1 } } });
  expect(events.at(-2)?.[1]).toMatchObject({
    usage: { output_tokens: 21 },
    delta: { stop_reason: "end_turn" },
  });
});

test("a tool loop goes on until its results are there", async () => {
  const prompt = { role: "user", content: "SAY:parallel echo x" };
  const call = await ask([prompt]);
  expect(call.json).toMatchObject({
    stop_reason: "tool_use",
    content: [
      { type: "text" },
      { type: "tool_use", name: "Bash", input: { command: "echo x 1" } },
      { type: "tool_use", name: "Bash", input: { command: "echo x 2" } },
    ],
  });
  const results = { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "x" }] };
  const end = await ask([prompt, { role: "assistant", content: "…" }, results]);
  expect(end.json).toMatchObject({ stop_reason: "end_turn", content: [{ text: "Both ran." }] });
});

test("a chain calls twice, one after the other", async () => {
  const prompt = { role: "user", content: "SAY:chain echo x" };
  const result = { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "x" }] };
  expect((await ask([prompt, result])).json["content"]).toMatchObject([
    {},
    { input: { command: "echo x 2" } },
  ]);
  expect((await ask([prompt, result, result])).json).toMatchObject({ stop_reason: "end_turn" });
});

test("a subagent is asked with the tool's name in that request", async () => {
  const { json } = await ask("SAY:agent SAY:text hi", { tools: [{ name: "Task" }] });
  expect(json["content"]).toMatchObject([
    {},
    { type: "tool_use", name: "Task", input: { prompt: "SAY:text hi" } },
  ]);
});

test("thinking comes when the request enables it", async () => {
  const { json } = await ask("SAY:text a", { thinking: { type: "adaptive" } });
  expect(json["content"]).toMatchObject([
    { type: "thinking", signature: expect.any(String) },
    { type: "text" },
  ]);
});

test("structured output follows the schema", async () => {
  const schema = { type: "object", properties: { title: { type: "string" }, tags: { type: "array" } } };
  const { json } = await ask("SAY:text a", { output_config: { format: { type: "json_schema", schema } } });
  const [block] = json["content"] as { text: string }[];
  expect(JSON.parse(block?.text ?? "")).toEqual({ title: "A title", tags: [] });
});

test("a status is served as often as asked, then an answer", async () => {
  expect(await ask("SAY:status 529 2")).toMatchObject({
    status: 529,
    json: { error: { type: "overloaded_error" } },
  });
  expect((await ask("SAY:status 529 2")).status).toBe(529);
  expect(await ask("SAY:status 529 2")).toMatchObject({
    status: 200,
    json: { content: [{ text: "It works again." }] },
  });
});

test("a cut breaks the connection in the middle of the stream, once", async () => {
  const cut = await postMessage(provider.url, "SAY:cut");
  expect(cut).toMatchObject({ status: 200, complete: false, failure: expect.any(String) });
  expect(eventsOf(cut.body.toString()).at(-1)?.[0]).toBe("content_block_delta");
  expect(provider.requests()[0]?.response.ending).toBe("cut");
  expect((await postMessage(provider.url, "SAY:cut")).complete).toBe(true);
});

test("a stream may end in an error event", async () => {
  const broken = await postMessage(provider.url, "SAY:sseerror");
  expect(broken.complete).toBe(true);
  expect(eventsOf(broken.body.toString()).at(-1)).toMatchObject([
    "error",
    { error: { type: "overloaded_error" } },
  ]);
});

test("a slow answer takes its time and a long one has its deltas", async () => {
  const began = Date.now();
  await postMessage(provider.url, "SAY:slow 300 3");
  expect(Date.now() - began).toBeGreaterThanOrEqual(290);
  const long = await postMessage(provider.url, "SAY:long 2000 100");
  const deltas = eventsOf(long.body.toString()).filter(([type]) => type === "content_block_delta");
  expect(deltas).toHaveLength(2000);
  expect(deltas[7]?.[1]).toMatchObject({ delta: { text: "7 ".padEnd(100, "x") } });
});

test("max_tokens is a stop reason", async () => {
  expect((await ask("SAY:maxtokens")).json).toMatchObject({ stop_reason: "max_tokens" });
});

test.each(CODINGS)("answers in %s decode to what was meant, streamed or not", async (coding) => {
  provider.setEncoding(coding);
  const streamed = await postMessage(provider.url, "SAY:text a word or two");
  const whole = await postMessage(provider.url, "SAY:text a word or two", { stream: false });
  expect(headerOf(streamed.rawHeaders, "content-encoding")).toBe(coding === "identity" ? undefined : coding);
  const [first, second] = provider.requests();
  if (first === undefined || second === undefined) throw new Error("not recorded");
  expect(Buffer.concat(first.response.chunks)).toEqual(streamed.body);
  expect(Buffer.concat(second.response.chunks)).toEqual(whole.body);
  expect(eventsOf(responseText(first)).at(-1)?.[0]).toBe("message_stop");
  expect(JSON.parse(responseText(second))).toMatchObject({ content: [{ text: "a word or two" }] });
});

test("requests are recorded as they came", async () => {
  const body = '{"messages" : [],  "model":"m"}';
  const head = `POST /v1/messages?a=1&a=2 HTTP/1.1\r\nHost: x\r\nX-Odd: 1\r\nx-odd: 2\r\nContent-Length: ${body.length}`;
  await exchangeRaw(
    { host: "127.0.0.1", port: provider.port },
    "POST",
    Buffer.from(`${head}\r\nConnection: close\r\n\r\n${body}`),
  );
  const [exchange] = provider.requests();
  expect(exchange).toMatchObject({ seq: 1, method: "POST", target: "/v1/messages?a=1&a=2" });
  expect(exchange?.rawHeaders.slice(2, 6)).toEqual(["X-Odd", "1", "x-odd", "2"]);
  expect(exchange?.body.toString()).toBe(body);
  expect(exchange === undefined ? undefined : requestJson(exchange)).toEqual({ messages: [], model: "m" });
});

test("a peer that goes away first is recorded as such", async () => {
  const late = await postMessage(provider.url, "SAY:slow 5000", { timeoutMs: 150 });
  expect(late.failure).toBe("no answer in 150 ms");
  await expect.poll(() => provider.requests()[0]?.response.ending).toBe("aborted");
});

test("other calls are answered and generate nothing", async () => {
  const count = await fetch(`${provider.url}/v1/messages/count_tokens?beta=true`, {
    method: "POST",
    body: "{}",
  });
  expect(await count.json()).toEqual({ input_tokens: 1 });
  expect(await (await fetch(`${provider.url}/v1/models?limit=1000`)).json()).toMatchObject({
    has_more: false,
  });
  for (const path of ["/", "/api/hello"]) {
    expect((await fetch(provider.url + path, { method: "HEAD" })).status).toBe(200);
  }
  expect((await fetch(`${provider.url}/nothing`)).status).toBe(404);
  expect((await fetch(`${provider.url}/v1/messages`, { method: "POST", body: "{" })).status).toBe(400);
  expect(provider.requests().every((exchange) => exchange.generation === undefined)).toBe(true);
});
