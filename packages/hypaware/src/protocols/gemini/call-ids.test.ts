import { expect, test } from "vitest";
import { CallIds } from "./call-ids.ts";

test("a call is named by what it calls, whatever the wire calls it; equal calls are counted", () => {
  const calls = new CallIds();
  const first = calls.call("ls", { path: "a", depth: 1 }, undefined);
  expect(first).toMatch(/^call_[0-9a-f]{16}$/);
  expect(calls.call("ls", { path: "a", depth: 1 }, "w2")).toBe(`${first}_2`);
  expect(new CallIds().call("ls", { depth: 1, path: "a" }, "w1")).toBe(first);
  expect(calls.call("cat", { path: "a", depth: 1 }, undefined)).not.toContain(first);
});

test("a result belongs to the call with its id, else to the oldest open one of its name", () => {
  const calls = new CallIds();
  const [a, b, c] = ["a", "b", "c"].map((path) => calls.call("ls", path, path));
  expect(calls.result("ls", "b")).toBe(b);
  expect(calls.result("ls", "b")).toBe(b);
  expect(calls.result("ls", undefined)).toBe(a);
  expect(calls.result("ls", "unheard-of")).toBe(c);
  expect(calls.result("ls", "unheard-of")).toBeUndefined();
  expect(calls.result("cat", undefined)).toBeUndefined();
});
