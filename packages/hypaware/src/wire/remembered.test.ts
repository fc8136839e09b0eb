import { expect, test } from "vitest";
import { remembered } from "./remembered.ts";

test("the same text gives the same object, while it is one of the last few", () => {
  const of = remembered((text) => ({ text }));
  const first = of("a");
  expect(of("a")).toBe(first);
  expect(of("b")).toEqual({ text: "b" });
  for (let i = 0; i < 8; i++) of(String(i));
  expect(of("a")).not.toBe(first);
  expect(of("a")).toEqual(first);
});

test("what cannot be made is tried again", () => {
  let fails = true;
  const of = remembered((text) => {
    if (fails) throw new Error("no");
    return { text };
  });
  expect(() => of("a")).toThrow("no");
  fails = false;
  expect(of("a")).toEqual({ text: "a" });
});
