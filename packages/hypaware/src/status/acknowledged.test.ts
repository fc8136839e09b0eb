import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { homePaths } from "../contract/home.ts";
import { acknowledge, newsSince } from "./acknowledged.ts";

test("news is of the last day, and only what came after the person looked", () => {
  const folder = mkdtempSync(join(tmpdir(), "hyp-seen-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const paths = homePaths(folder);
  const now = Date.parse("2026-03-02T12:00:00Z");
  expect(newsSince(paths, now)).toBe(Date.parse("2026-03-01T12:00:00Z"));
  acknowledge(paths, new Date("2026-03-02T11:00:00Z"));
  expect(newsSince(paths, now)).toBe(Date.parse("2026-03-02T11:00:00Z"));
  expect(newsSince(paths, now + 86_400_000)).toBe(Date.parse("2026-03-02T12:00:00Z"));
});
