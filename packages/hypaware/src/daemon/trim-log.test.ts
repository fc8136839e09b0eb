import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { trimLog } from "./trim-log.ts";

const folder = mkdtempSync(join(tmpdir(), "hyp-trim-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a log that somebody appends to is cut off, and what is appended later begins it anew", () => {
  const path = join(folder, "daemon.err.log");
  const holder = openSync(path, "a", 0o600);
  writeSync(holder, "old\n".repeat(10));
  trimLog(path, 100);
  expect(statSync(path).size, "within the bound nothing happens").toBe(40);
  trimLog(path, 39);
  expect(statSync(path).size).toBe(0);
  writeSync(holder, "new\n");
  expect(readFileSync(path, "utf8")).toBe("new\n");
  expect(readFileSync(`${path}.1`, "utf8")).toBe("old\n".repeat(10));
  closeSync(holder);
  appendFileSync(path, "x".repeat(100));
  trimLog(path, 39);
  expect(statSync(`${path}.1`).size, "one old file is kept").toBe(104);
  expect(statSync(`${path}.1`).mode & 0o777).toBe(0o600);
});

test("a log that is not there is nobody's problem", () => {
  expect(() => trimLog(join(folder, "none.log"), 1)).not.toThrow();
});
