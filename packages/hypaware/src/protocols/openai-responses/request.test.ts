import { expect, test } from "vitest";
import { readRequest } from "./request.ts";

test("an input that is text is what the user says", () => {
  const { items, firstContent } = readRequest({ model: "m", input: "hello" });
  expect(items).toMatchObject([{ role: "user", blocks: [{ type: "text", text: "hello" }] }]);
  expect(firstContent).toBe("hello");
});

test("instructions, tools, settings and the response that it goes on from", () => {
  const tools = [{ type: "function", name: "f" }];
  const request = readRequest({
    type: "response.create",
    model: "m",
    instructions: "be brief",
    tools,
    input: [],
    previous_response_id: "resp_1",
    reasoning: { effort: "low" },
    store: false,
    prompt_cache_key: "k",
  });
  expect(request).toMatchObject({
    model: "m",
    instructions: "be brief",
    tools,
    previousResponseId: "resp_1",
    settings: { reasoning: { effort: "low" }, store: false },
    items: [],
  });
  expect(request.firstContent).toBeUndefined();
});

test("without instructions, what a body has as system is the system text", () => {
  const system = [
    { type: "text", text: "be" },
    { type: "text", text: "brief" },
  ];
  expect(readRequest({ system: "be brief" }).instructions).toBe("be brief");
  expect(readRequest({ system }).instructions).toBe("be\nbrief");
  expect(readRequest({ instructions: "be kind", system: "be brief" }).instructions).toBe("be kind");
});

test("tools of the body and of the input are one list", () => {
  const more = { type: "additional_tools", tools: [{ type: "custom", name: "exec" }] };
  const own = [{ type: "web_search" }];
  expect(readRequest({ tools: own, input: [more] }).tools).toEqual([
    { type: "web_search" },
    { type: "custom", name: "exec" },
  ]);
  expect(readRequest({ input: [more] }).tools).toEqual(more.tools);
  expect(readRequest({ input: [] }).tools).toBeUndefined();
});

test("a body of the wrong types is empty, not too much", () => {
  for (const wrong of [null, 5, true, "", [null, 7, "x", []], {}]) {
    const request = readRequest({ model: wrong, input: wrong, instructions: wrong, tools: wrong });
    expect(request.items).toEqual([]);
  }
});
