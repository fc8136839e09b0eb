import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RecordEntry } from "../contract/record.ts";
import { type Catalog, openCatalog } from "./catalog.ts";

let folder = "";
let catalog: Catalog;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hyp-records-"));
  catalog = openCatalog(join(folder, "catalog.sqlite"));
});
afterEach(() => {
  catalog.close();
  rmSync(folder, { recursive: true, force: true });
});

type Base = NonNullable<RecordEntry["goes_on_from"]>;

function say(
  conversation: string,
  place: number,
  previous: string | Base | undefined,
  name = `${conversation}${place}`,
  more: Partial<RecordEntry> = {},
): void {
  const entry: RecordEntry = {
    conversation_id: conversation,
    session_id: conversation,
    request_class: "main",
    provider: "p",
    is_on_wire: true,
    place,
    ...(typeof previous === "object" ? { goes_on_from: previous } : {}),
    message: {
      role: "user",
      content: "x",
      message_id: name,
      previous_message_id: typeof previous === "string" ? [previous] : [],
      message_created_at: "2026-03-01T12:00:00.000Z",
    },
    ...more,
  };
  catalog.records.addAll([{ entry, matchKey: null }], 0);
}

/** Its predecessor as its rows would name it, and its depth. */
function chained(name: string): readonly unknown[] {
  const node = catalog.records.home(name)!;
  return [catalog.records.payload(node.id).message.previous_message_id, node.depth];
}

test("a fork goes on from the last entry before its place, through forks of forks", () => {
  say("a", 2, undefined);
  say("a", 5, "a2");
  say("a", 9, "a5");
  say("b", 9, { conversation_id: "a", before: 7 });
  say("b", 12, "b9");
  say("c", 11, { conversation_id: "b", before: 11 });
  // Of what the fork itself goes on from.
  say("d", 4, { conversation_id: "b", before: 4 });
  expect(chained("b9")).toEqual([["a5"], 2]);
  expect(chained("b12")).toEqual([["b9"], 3]);
  expect(chained("c11")).toEqual([["b9"], 3]);
  expect(chained("d4")).toEqual([["a2"], 1]);
});

test("where the record has nothing to go on from it begins", () => {
  say("b", 9, { conversation_id: "a", before: 7 });
  expect(chained("b9")).toEqual([[], 0]);
});

test("a fork that copies what a compaction kept goes on as deep as that lies where it was said", () => {
  say("a", 1, undefined);
  say("a", 2, "a1");
  say("a", 3, "a2");
  say("b", 3, undefined, "a3");
  say("b", 4, "a3");
  expect(chained("b4")).toEqual([["a3"], 3]);
});

const originOf = (name: string): string | undefined => {
  const node = catalog.records.home(name)!;
  return catalog.records.payload(node.id).forked_from;
};

test("a session that repeats what was said elsewhere was forked off there: of several sessions off the last", () => {
  say("a", 1, undefined);
  say("b", 1, undefined, "a1");
  say("b", 2, "a1");
  say("c", 1, undefined, "a1");
  say("c", 2, "a1", "b2");
  say("c", 3, "b2");
  say("c/agent", 1, undefined, undefined, { session_id: "c" });
  say("d", 1, undefined, "a1");
  say("d", 2, "a1");
  say("a", 3, "a1");
  expect(["a1", "a3", "b2", "c3", "c/agent1", "d2"].map(originOf)).toEqual([
    undefined,
    undefined,
    "a",
    "b",
    "b",
    "a",
  ]);
});

test("what the record itself says of a fork goes before, and holds when the session that it left is read later", () => {
  say("b", 1, undefined, "a1", { said_in: "a" });
  say("b", 2, "a1");
  say("a", 1, undefined, "a1", { said_in: "a" });
  say("a", 2, "a1", undefined, { said_in: "a" });
  say("c", 1, undefined, "a1", { forked_from: "x" });
  say("c", 2, "a1", undefined, { forked_from: "x" });
  expect(["a1", "b2", "a2", "c2"].map(originOf)).toEqual(["a", "a", undefined, "x"]);
});
