import { expect, test } from "vitest";
import { readAnswer } from "./answer.ts";

const answer = (body: unknown) => readAnswer(JSON.stringify(body));

test("a message is read whole", () => {
  expect(
    answer({
      id: "msg_1",
      role: "assistant",
      model: "model-1",
      content: [{ type: "text", text: "hi" }, 5, null],
      stop_reason: "end_turn",
      usage: {
        input_tokens: 1,
        output_tokens: 2,
        cache_creation: null,
        server_tool_use: { web_search_requests: 1 },
      },
    }),
  ).toEqual({
    role: "assistant",
    id: "msg_1",
    model: "model-1",
    stopReason: "end_turn",
    isPartial: false,
    blocks: [{ block: { type: "text", text: "hi" } }],
    usage: { input_tokens: 1, output_tokens: 2 },
    details: { server_tool_use: { web_search_requests: 1 } },
  });
});

test("an error is read in its provider's form and in those of proxies", () => {
  const error = { type: "overloaded_error", message: "Overloaded" };
  expect(answer({ type: "error", error })?.error).toBe("overloaded_error: Overloaded");
  expect(answer({ error })?.error).toBe("overloaded_error: Overloaded");
  expect(answer({ error: "bad gateway" })?.error).toBe("bad gateway");
  expect(answer({ type: "error", message: "no" })?.error).toBe("no");
  expect(answer({ type: "error" })?.error).toBe("error");
});

test("a message with an empty error is a message", () => {
  expect(answer({ role: "assistant", content: "hi", error: null })).toMatchObject({
    blocks: [{ block: { type: "text", text: "hi" } }],
  });
});

test("anything else is no answer", () => {
  for (const body of [null, "", "<html>", "5", "[]", '{"input_tokens":321}', '{"role":"user"}']) {
    expect(readAnswer(body)).toBeUndefined();
  }
});

test("usage with wrong types says nothing", () => {
  const usage = { input_tokens: "11", output_tokens: null, cache_creation: [] };
  expect(answer({ role: "assistant", content: [], usage })?.usage).toBeUndefined();
});
