import { expect, test } from "vitest";
import { isUnreadable } from "./unreadable.ts";

test("an encoding that was offered is read, whatever else was", () => {
  expect(isUnreadable("gzip", "gzip, deflate")).toBe(false);
  expect(isUnreadable("BR", "gzip;q=0.5, br;q=1.0")).toBe(false);
  expect(isUnreadable("zstd", "*")).toBe(false);
  expect(isUnreadable("gzip, br", "br, gzip")).toBe(false);
  expect(isUnreadable("gzip", '["br","gzip"]')).toBe(false);
});

test("one that was not, or only to be refused, is not", () => {
  expect(isUnreadable("gzip", null)).toBe(true);
  expect(isUnreadable("gzip", "br")).toBe(true);
  expect(isUnreadable("zstd", "gzip, zstd;q=0")).toBe(true);
  expect(isUnreadable("zstd", "*;q=0.0, gzip")).toBe(true);
  expect(isUnreadable("gzip, br", "gzip")).toBe(true);
});

test("without an encoding there is nothing to be read", () => {
  expect(isUnreadable(null, null)).toBe(false);
  expect(isUnreadable("identity", null)).toBe(false);
  expect(isUnreadable("", "gzip")).toBe(false);
});
