import { expect, test } from "vitest";
import { sinceWhen } from "./since-option.ts";

const NOW = Date.parse("2026-03-08T12:00:00Z");

test.each([
  ["90s", "2026-03-08T11:58:30Z"],
  ["30m", "2026-03-08T11:30:00Z"],
  ["12h", "2026-03-08T00:00:00Z"],
  ["7d", "2026-03-01T12:00:00Z"],
  ["2w", "2026-02-22T12:00:00Z"],
  ["2026-03-01", "2026-03-01T00:00:00Z"],
  ["2026-03", "2026-03-01T00:00:00Z"],
  ["2026-03-01T10:00Z", "2026-03-01T10:00:00Z"],
  ["2026-03-01T10:00:30.5+02:00", "2026-03-01T08:00:30.500Z"],
])("%s is %s", (text, time) => {
  expect(sinceWhen(text, NOW)).toBe(Date.parse(time));
});

test.each([
  "",
  "7",
  "d",
  "-7d",
  "7 d",
  "1.5h",
  "yesterday",
  "03/01/2026",
  "2026-13-01",
  "2026-03-01 10:00",
  "0x1d",
])("%j is refused", (text) => {
  expect(() => sinceWhen(text, NOW)).toThrow("age");
});
