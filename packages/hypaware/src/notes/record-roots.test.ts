import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SessionContext } from "../contract/plugin.ts";
import type { AnyClientRecord, ClientRecord } from "../contract/record.ts";
import { toldRoots, withToldRoots } from "./record-roots.ts";

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "record-roots-")));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const record = (name: string, root: string): ClientRecord => ({
  name,
  client: "test",
  roots: [root],
  accepts: () => true,
  rootOf: (file, session) => (file.endsWith(`${session}.jsonl`) ? dirname(file) : undefined),
  read: () => undefined,
});
const context = (path: string | undefined, session = "s"): SessionContext => ({
  session_id: session,
  at: "2026-03-01T12:00:00.000Z",
  cwd: "/w",
  ...(path === undefined ? {} : { record_path: path }),
});

test("a root is told of once, and only if it is none of the record's own, under whatever name", () => {
  const [own, other] = [join(folder, "own"), join(folder, "other")];
  mkdirSync(own);
  symlinkSync(own, join(folder, "link"));
  const found = toldRoots(
    [
      context(undefined),
      context(join(own, "s.jsonl")),
      context(join(folder, "link", "s.jsonl")),
      context(join(other, "s.jsonl")),
      context(join(other, "t.jsonl"), "t"),
      context(join(folder, "third", "x.jsonl")),
    ],
    [record("one", own)],
  );
  expect(found).toEqual([{ record: "one", root: other }]);
});

test("a record that cannot say what lies where has its own roots, and a database its file", () => {
  const plain: ClientRecord = {
    name: "plain",
    client: "test",
    roots: ["/own"],
    accepts: () => true,
    read: () => undefined,
  };
  const database: AnyClientRecord = {
    name: "plain",
    client: "test",
    database: "/d",
    sessions: "",
    rows: "",
    read: () => ({}),
  };
  expect(toldRoots([context("/other/s.jsonl")], [plain, database])).toEqual([]);
  const told = new Map([["plain", ["/other"]]]);
  expect(withToldRoots(plain, told).roots).toEqual(["/own", "/other"]);
  expect(withToldRoots(record("another", "/own"), told).roots).toEqual(["/own"]);
  expect(withToldRoots(database, told)).toBe(database);
});
