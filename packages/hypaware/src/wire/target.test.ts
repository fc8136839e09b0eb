import { expect, test } from "vitest";
import { parseTarget, pathOf, queryOf } from "./target.ts";

test.each([
  ["/", "/"],
  ["//", "//"],
  ["/a/../b/%2e%2e/c?x=/?y", "/a/../b/%2e%2e/c?x=/?y"],
  ["//evil.test/x", "//evil.test/x"],
])("origin form %s is left as it is", (target, expected) => {
  expect(parseTarget(target)).toEqual({ form: "origin", target: expected });
});

test.each([
  ["http://127.0.0.1:1/a//b?c", "127.0.0.1:1", "/a//b?c"],
  ["HTTP://localhost:1", "localhost:1", "/"],
  ["http://[::1]:1?q", "[::1]:1", "/?q"],
])("absolute form %s becomes origin form", (target, authority, expected) => {
  expect(parseTarget(target)).toEqual({ form: "absolute", authority, target: expected });
});

test.each(["https://a/b", "http://user@a/b", "http:///b", "a.test:443", "", "x", "http://a\\b/"])(
  "%s is no target of ours",
  (target) => {
    expect(parseTarget(target)).toEqual({ form: "invalid" });
  },
);

test("an asterisk is its own form", () => {
  expect(parseTarget("*")).toEqual({ form: "asterisk" });
});

test("a path ends at its query or fragment", () => {
  expect(pathOf("/v1/messages?beta=true")).toBe("/v1/messages");
  expect(pathOf("/v1/messages#x?y")).toBe("/v1/messages");
  expect(pathOf("//a/../b")).toBe("//a/../b");
});

test("a query stands between the first question mark and the fragment", () => {
  expect(queryOf("/v1/models?key=a?b&c#d?e")).toBe("key=a?b&c");
  expect(queryOf("/v1/models#x?y")).toBe("");
  expect(queryOf("/v1/models?")).toBe("");
});
