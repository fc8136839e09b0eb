import { expect, test } from "vitest";
import type { Json } from "../../contract/projection.ts";
import { asText } from "../loose.ts";
import { type GenerateRequest, readRequest } from "./request.ts";

const read = (body: Json): GenerateRequest | undefined => readRequest({ request_body: JSON.stringify(body) });
const contentsOf = (...contents: Json[]): unknown =>
  read({ contents })?.contents.map(({ role, blocks }) => [role, blocks]);
const blocksOf = (...parts: Json[]): unknown =>
  read({ contents: [{ role: "user", parts }] })?.contents[0]?.blocks;

test("system text, tools and settings are read in the spelling of libraries and in that of the manual", () => {
  const tools = [{ functionDeclarations: [{ name: "ls" }] }];
  const config = { temperature: 1, responseMimeType: "application/json", responseSchema: { type: "OBJECT" } };
  const snake = {
    temperature: 1,
    response_mime_type: "application/json",
    response_schema: { type: "OBJECT" },
  };
  const system = { parts: [{ text: "a" }, { text: "b" }] };
  const expected = {
    systemText: "a\n\nb",
    tools,
    answerType: "application/json",
    answerSchema: { type: "OBJECT" },
  };
  expect(read({ systemInstruction: system, tools, generationConfig: config })).toMatchObject({
    ...expected,
    settings: { generationConfig: config },
  });
  expect(read({ system_instruction: system, tools, generation_config: snake })).toMatchObject({
    ...expected,
    settings: { generation_config: snake },
  });
  expect(read({ systemInstruction: "alone" })?.systemText).toBe("alone");
  expect(read({ systemInstruction: { text: "a part" } })?.systemText).toBe("a part");
  expect(read({ systemInstruction: { parts: [] } })?.systemText).toBeUndefined();
});

test("a signed-in client's envelope tells model, prompt and session", () => {
  const request = { contents: [{ role: "user", parts: [{ text: "hi" }] }], session_id: "s-1" };
  expect(read({ model: "m", project: "p", user_prompt_id: "s-1########0", request })).toMatchObject({
    model: "m",
    promptId: "s-1########0",
    sessionId: "s-1",
    firstContent: [{ text: "hi" }],
    contents: [{ role: "user", blocks: [{ type: "text", text: "hi" }] }],
  });
  expect(read({ generateContentRequest: request })?.contents).toHaveLength(1);
});

test("each part has its block", () => {
  expect(
    blocksOf(
      { text: "t" },
      { inlineData: { mimeType: "image/png", data: "AA==" } },
      { inline_data: { mime_type: "audio/wav", data: "AA==" } },
      { fileData: { mimeType: "application/pdf", fileUri: "https://f.example/1" } },
      { videoMetadata: { fps: 1 }, thought: false },
      { thoughtSignature: "s" },
    ),
  ).toEqual([
    { type: "text", text: "t" },
    { type: "image", source: { type: "base64", media_type: "image/png", data: "AA==" } },
    { type: "file", source: { type: "base64", media_type: "audio/wav", data: "AA==" } },
    { type: "file", source: { type: "url", media_type: "application/pdf", url: "https://f.example/1" } },
    { type: "videoMetadata", videoMetadata: { fps: 1 } },
  ]);
});

test("calls and results are paired by id, else by name and order", () => {
  const call = (args: Json, id?: string): Json => ({
    functionCall: { name: "ls", args, ...(id ? { id } : {}) },
  });
  const result = (response: Json, id?: string): Json => ({
    functionResponse: { name: "ls", response, ...(id ? { id } : {}) },
  });
  const request = read({
    contents: [
      { role: "model", parts: [call({ p: 1 }), call({ p: 2 }, "w2"), call({ p: 1 }, "w3")] },
      {
        role: "function",
        parts: [result({ output: "3" }, "w3"), result({ error: "no" }), result({ a: 1, b: 2 })],
      },
    ],
  });
  const [made, given] = request?.contents ?? [];
  const [one, two, three] = (made?.blocks ?? []).map((block) => asText(block["id"]) ?? "");
  expect(three).toBe(`${one}_2`);
  expect(given?.role).toBe("function");
  expect(given?.blocks).toEqual([
    { type: "tool_result", tool_use_id: three, content: "3" },
    { type: "tool_result", tool_use_id: one, content: "no", is_error: true },
    { type: "tool_result", tool_use_id: two, content: '{"a":1,"b":2}' },
  ]);
  expect(made?.wireIds).toEqual({ [two!]: "w2", [three!]: "w3" });
  expect(given?.wireIds).toEqual({ [three!]: "w3" });
});

test("a result with pictures keeps them, and one without its call its own id", () => {
  const parts = [{ inlineData: { mimeType: "image/png", data: "AA==" } }, { functionResponse: {} }];
  expect(
    blocksOf({ functionResponse: { id: "w9", name: "shot", response: { output: "done" }, parts } }),
  ).toEqual([
    {
      type: "tool_result",
      tool_use_id: "w9",
      content: [
        { type: "text", text: "done" },
        { type: "image", source: { type: "base64", media_type: "image/png", data: "AA==" } },
      ],
    },
  ]);
});

test("code that the provider ran is a call and its result", () => {
  const [, code, result] = read({
    contents: [
      {
        role: "model",
        parts: [
          { text: "so" },
          { executableCode: { language: "PYTHON", code: "1/0" } },
          { codeExecutionResult: { outcome: "OUTCOME_FAILED", output: "division" } },
        ],
      },
    ],
  })!.contents[0]!.blocks;
  expect(code).toMatchObject({
    type: "server_tool_use",
    name: "code_execution",
    input: { language: "PYTHON", code: "1/0" },
  });
  expect(result).toEqual({
    type: "tool_result",
    tool_use_id: code?.["id"],
    content: "division",
    is_error: true,
  });
});

test("an answer that is repeated in pieces is one content; what a person sends stays as it was cut", () => {
  const model = (...parts: Json[]): Json => ({ role: "model", parts });
  const user = (...parts: Json[]): Json => ({ role: "user", parts });
  expect(
    contentsOf(
      user({ text: "a" }, { text: "b" }),
      user({ text: "c" }),
      model({ text: "x", thought: true }),
      model({ text: "y" }),
      model({ text: "z" }, { text: "", thoughtSignature: "sig" }),
      { parts: [{ text: "" }] },
    ),
  ).toEqual([
    [
      "user",
      [
        { type: "text", text: "a" },
        { type: "text", text: "b" },
      ],
    ],
    ["user", [{ type: "text", text: "c" }]],
    [
      "model",
      [
        { type: "thinking", thinking: "x", signature: "sig" },
        { type: "text", text: "yz" },
      ],
    ],
    ["user", []],
  ]);
});

test("what is no request is none", () => {
  expect(readRequest({ request_body: null })).toBeUndefined();
  expect(readRequest({ request_body: "[1]" })).toBeUndefined();
  expect(readRequest({ request_body: '{"contents": [' })).toBeUndefined();
  expect(read({ contents: "hi" })?.contents).toEqual([]);
});
