import { expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import { scrubFields, scrubText } from "./scrub.ts";

const SECRETS = [
  "sk-ant-api03-AbCdEf0123456789_xyz-AAAA",
  "sk-proj-AbCdEf0123456789",
  "AIzaSyA0123456789abcdefghijklmnopqrstu",
  "AQ.Ab8RN6AbCdEf0123456789-abcdefghijk",
  "ya29.a0AfH6SMBabcdefghijk",
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
  "ghp_0123456789abcdefghijABCDEFGHIJ",
  "gho_0123456789abcdefghijABCDEFGHIJ",
  "github_pat_11ABCDEFG0123456789_abc",
  "xoxb-123456789-abcdef",
  "AKIAIOSFODNN7EXAMPLE",
];

test.each(SECRETS)("%s never stands in a log, whatever is around it", (secret) => {
  for (const text of [
    secret,
    `key=${secret}&x`,
    `"${secret}"`,
    `Authorization: Bearer ${secret}`,
    `at ${secret}.`,
  ])
    expect(scrubText(text)).not.toContain(secret.slice(4, 16));
});

test("bearer, basic and URL credentials go, the words around them stay", () => {
  expect(scrubText("got Bearer abc.def-123456 from peer")).toBe("got [redacted] from peer");
  expect(scrubText("Basic dXNlcjpwYXNzd29yZA== sent")).toBe("[redacted] sent");
  expect(scrubText("https://me:hunter2@host/x")).toBe("https://[redacted]@host/x");
  expect(scrubText("risk-assessment and task-management are basic words")).toBe(
    "risk-assessment and task-management are basic words",
  );
});

test("a secret that the length limit would cut is redacted, not cut", () => {
  const text = scrubText(`${"x".repeat(LIMITS.logStringChars - 20)} ${SECRETS[0]}`);
  expect(text).not.toContain("sk-ant");
  expect(scrubText("y".repeat(10_000))).toHaveLength(LIMITS.logStringChars);
});

test("keys become snake_case, their number is bounded, objects become text", () => {
  expect(scrubFields({ statusCode: 200, "hyp.plugin": "x", nested: { token: SECRETS[0] } })).toEqual({
    status_code: 200,
    hyp_plugin: "x",
    nested: '{"token":"[redacted]"}',
  });
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${index}`, index]));
  expect(Object.keys(scrubFields(many))).toHaveLength(LIMITS.logFields);
});

test("the value of a key that names a secret is redacted whatever its shape", () => {
  expect(
    scrubFields({ apiKey: "plain", authorization: "plain", "set-cookie": "a=b", input_tokens: 12 }),
  ).toEqual({
    api_key: "[redacted]",
    authorization: "[redacted]",
    set_cookie: "[redacted]",
    input_tokens: 12,
  });
});

test("status keeps to its four words; another value is kept under another name", () => {
  expect(scrubFields({ status: "skipped" })).toEqual({ status: "skipped" });
  expect(scrubFields({ status: "selected" })).toEqual({ status_text: "selected" });
});
