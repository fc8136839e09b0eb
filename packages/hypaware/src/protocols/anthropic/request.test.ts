import { expect, test } from "vitest";
import { readRequest } from "./request.ts";

const request = (body: unknown) => readRequest({ request_body: JSON.stringify(body) });

test("messages are read with their roles, a string as one text block", () => {
  const image = { type: "image", source: { type: "base64", data: "aGk=" } };
  const document = { type: "document", source: { type: "url", url: "https://example.com/a.pdf" } };
  expect(
    request({
      messages: [
        { role: "user", content: "hi" },
        { role: "system", content: [] },
        { role: "assistant", content: "" },
        { role: "user", content: [image, document, "stray", null] },
        { content: [{ type: "text", text: "no role" }] },
        { role: "user", content: 5 },
        "stray",
      ],
    })?.messages,
  ).toEqual([
    { role: "user", blocks: [{ type: "text", text: "hi" }] },
    { role: "system", blocks: [] },
    { role: "assistant", blocks: [] },
    { role: "user", blocks: [image, document] },
    { role: "user", blocks: [{ type: "text", text: "no role" }] },
    { role: "user", blocks: [] },
  ]);
});

test("the system text is a string, or blocks joined by a blank line", () => {
  expect(request({ system: "be brief" })?.systemText).toBe("be brief");
  const blocks = [{ type: "text", text: "a" }, { type: "image" }, { type: "text", text: "b" }];
  expect(request({ system: blocks })?.systemText).toBe("a\n\nb");
  expect(request({ system: [] })?.systemText).toBeUndefined();
  expect(request({ system: 5 })?.systemText).toBeUndefined();
});

test("settings are those that are there and not null", () => {
  const body = { max_tokens: 5, thinking: null, stream: false, temperature: 1, model: "" };
  expect(request(body)).toMatchObject({ settings: { max_tokens: 5, stream: false }, model: undefined });
});

test("what is no JSON object is no request", () => {
  for (const body of [null, "", "{", "[]", "null", "5"])
    expect(readRequest({ request_body: body })).toBeUndefined();
});
