import { expect, test } from "vitest";
import { directiveOf, numberArg } from "./directive.ts";

const user = (text: string) => ({ role: "user", content: text });
const result = { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "ok" }] };

test("the newest user message with a directive decides", () => {
  const messages = [user("SAY:text one"), { role: "assistant", content: "one" }, user("SAY:think two")];
  expect(directiveOf(messages)).toEqual({ verb: "think", args: "two", toolResults: 0 });
});

test("tool results since the directive are counted, older ones are not", () => {
  const messages = [user("SAY:bash a"), result, user("SAY:chain b"), result, result, user("no directive")];
  expect(directiveOf(messages)).toEqual({ verb: "chain", args: "b", toolResults: 2 });
});

test("a directive inside a line is an argument of the first one", () => {
  expect(directiveOf([user("SAY:agent SAY:bash echo hi")])).toMatchObject({
    verb: "agent",
    args: "SAY:bash echo hi",
  });
});

test("an assistant, an unknown verb and a quoted directive are not obeyed", () => {
  expect(directiveOf([{ role: "assistant", content: "SAY:text no" }])).toBeUndefined();
  expect(directiveOf([user("SAY:dance now")])).toBeUndefined();
  expect(directiveOf([user("he wrote SAY:text no")])).toBeUndefined();
});

test("a directive is found in any text block of the message", () => {
  const content = [
    { type: "text", text: "a reminder" },
    { type: "text", text: "SAY:text yes" },
  ];
  expect(directiveOf([{ role: "user", content }])).toMatchObject({ args: "yes" });
});

test("numeric arguments fall back when they are missing or no number", () => {
  expect(numberArg("529 2", 1, 1)).toBe(2);
  expect(numberArg("529", 1, 7)).toBe(7);
  expect(numberArg("many", 0, 7)).toBe(7);
});
