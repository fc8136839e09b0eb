import { once } from "node:events";
import { zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FakeOpenAi, startFakeOpenAi } from "./fake-openai.ts";

let fake: FakeOpenAi;
beforeEach(async () => {
  fake = await startFakeOpenAi();
});
afterEach(() => fake.close());

const post = async (path: string, body: object, packed = false): Promise<string> => {
  const bytes = Buffer.from(JSON.stringify(body));
  const answer = await fetch(`${fake.url}${path}`, {
    method: "POST",
    body: packed ? zstdCompressSync(bytes) : bytes,
    headers: packed ? { "content-encoding": "zstd" } : {},
  });
  return answer.text();
};
const asked = (text: string): object => ({
  type: "message",
  role: "user",
  content: [{ type: "input_text", text }],
});
const dataOf = (stream: string): object[] =>
  stream
    .split("\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice("data: ".length)) as object);

test("a response says the same in one piece and as a stream, and uses the tools that it is given", async () => {
  const tools = [{ type: "namespace", name: "functions", tools: [{ type: "custom", name: "exec" }] }];
  const body = { model: "m", input: [{ type: "additional_tools", tools }, asked("SAY:bash echo hi")] };
  const whole = JSON.parse(await post("/v1/responses", body)) as {
    output: { type: string; call_id?: string }[];
  };
  expect(whole.output.map(({ type }) => type)).toEqual(["message", "custom_tool_call"]);
  const events = dataOf(
    await post("/v1/responses", { ...body, stream: true, reasoning: { effort: "low" } }, true),
  );
  const items = events.filter((event) => (event as { type: string }).type === "response.output_item.done");
  expect(items).toMatchObject([
    { item: { type: "reasoning" } },
    { item: { type: "message", content: [{ text: "I will run it." }] } },
    { item: { type: "custom_tool_call", name: "exec" } },
  ]);
  expect(events.at(-1)).toMatchObject({
    type: "response.completed",
    response: { usage: { input_tokens: 2_014, input_tokens_details: { cached_tokens: 2_002 } } },
  });
  const result = { type: "custom_tool_call_output", call_id: whole.output[1]?.call_id, output: "hi" };
  expect(await post("/v1/responses", { ...body, input: [...body.input, result] })).toContain("It ran.");
  expect(fake.calls().map(({ status, input }) => [status, input.length])).toEqual([
    [200, 2],
    [200, 2],
    [200, 3],
  ]);
});

test("a chat's chunks add up to its message, and a failure fails as often as it was asked to", async () => {
  const body = { model: "m", messages: [{ role: "user", content: "SAY:text several words" }] };
  expect(JSON.parse(await post("/v1/chat/completions", body))).toMatchObject({
    choices: [{ message: { content: "several words" }, finish_reason: "stop" }],
  });
  const options = { stream: true, stream_options: { include_usage: true } };
  const chunks = dataOf(await post("/v1/chat/completions", { ...body, ...options })) as {
    choices: { delta: { content?: string } }[];
    usage?: object;
  }[];
  expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("")).toBe("several words");
  expect(chunks.at(-1)?.usage).toMatchObject({ completion_tokens: 22 });
  const failing = { ...body, messages: [{ role: "user", content: "SAY:status 503 1" }] };
  expect(await post("/v1/chat/completions", failing)).toContain("server_error");
  expect(await post("/v1/chat/completions", failing)).toContain("It works again.");
});

test("a WebSocket knows what it was told, and opening the way is no call", async () => {
  const socket = new WebSocket(`${fake.url.replace("http", "ws")}/v1/responses`);
  await once(socket, "open");
  const call = async (body: object): Promise<string> => {
    const completed = new Promise<{ response: { id: string } }>((resolve) => {
      socket.addEventListener("message", ({ data }) => {
        const event = JSON.parse(String(data)) as { type: string; response: { id: string } };
        if (event.type === "response.completed") resolve(event);
      });
    });
    socket.send(JSON.stringify({ type: "response.create", model: "m", ...body }));
    return (await completed).response.id;
  };
  const warm = await call({ generate: false, input: [] });
  const filler = "x".repeat(70_000);
  const first = await call({ previous_response_id: warm, input: [asked(`${filler}\nSAY:bash echo hi`)] });
  await call({ previous_response_id: first, input: [{ type: "function_call_output", output: "hi" }] });
  expect(fake.calls().map(({ input, response }) => [input.length, response?.output.length])).toEqual([
    [1, 2],
    [4, 1],
  ]);
  const closed = once(socket, "close");
  socket.close();
  await closed;
});
