import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { PluginContext } from "../../contract/plugin.ts";
import { createAiGateway } from "../../gateway/capability.ts";
import { createNotes } from "../../notes/registry.ts";
import { readFixture } from "./fixtures.testkit.ts";
import * as codex from "./index.ts";
import { threadFacts } from "./state-database.ts";
import { settingsFor } from "../../settings/settings.testkit.ts";

let home = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hyp-codex-state-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const ROOT = "01a202ee-ff8f-77c1-96e6-123b6b6f62e0";
const CHILD = "01a202ef-0080-7922-9c0f-e7ff45ae7c88";

/** As the client makes it, with the columns that are read. */
function openState(name: string, title: string): DatabaseSync {
  const database = new DatabaseSync(join(home, name));
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE threads (id TEXT PRIMARY KEY, title TEXT NOT NULL, name TEXT, agent_nickname TEXT);
    CREATE TABLE thread_spawn_edges (parent_thread_id TEXT NOT NULL, child_thread_id TEXT NOT NULL PRIMARY KEY, status TEXT NOT NULL);
    INSERT INTO threads VALUES ('${ROOT}', '${title}', NULL, NULL), ('${CHILD}', '', 'A helper', 'Carson');
    INSERT INTO thread_spawn_edges VALUES ('${ROOT}', '${CHILD}', 'open');`);
  return database;
}

test("a thread has its title and who spawned it, while the client writes and when it has ended", () => {
  openState("state_4.sqlite", "An old one").close();
  const database = openState("state_5.sqlite", "A task");
  let now = 0;
  const facts = threadFacts({ CODEX_HOME: home }, () => now);
  expect(facts(ROOT)).toEqual({ thread_title: "A task" });
  expect(facts(CHILD)).toEqual({ thread_title: "A helper", agent_nickname: "Carson", spawned_by: ROOT });
  expect(facts("another")).toEqual({});
  database.exec(`UPDATE threads SET name = 'Renamed' WHERE id = '${ROOT}'`);
  now += 2_000;
  expect(facts(ROOT)).toEqual({ thread_title: "Renamed" });
  database.close();
  const files = readdirSync(home);
  now += 2_000;
  expect(facts(ROOT)).toEqual({ thread_title: "Renamed" });
  expect(readdirSync(home)).toEqual(files);
});

test("where there is no such database, or one that cannot be read, nothing is said", () => {
  expect(threadFacts({ CODEX_HOME: join(home, "none") })(ROOT)).toEqual({});
  expect(threadFacts({ CODEX_HOME: home })(ROOT)).toEqual({});
  writeFileSync(join(home, "state_6.sqlite"), "no database".repeat(1_000));
  expect(threadFacts({ CODEX_HOME: home })(ROOT)).toEqual({});
});

test("only who asks for it has it in the rows", async () => {
  openState("state_5.sqlite", "A task").close();
  const [record] = readFixture("subagent");
  const attributesWith = async (reads: string | undefined) => {
    const gateway = createAiGateway({ endpoint: () => undefined });
    const notes = createNotes().viewFor({ plugin: "test", onDispose: () => undefined });
    codex.activate({
      env: { CODEX_HOME: home, HYPAWARE_CODEX_SQLITE_READS: reads },
      config: {},
      plugin: { version: "2.0.0" },
      requireCapability: (name: string): unknown =>
        name === "hypaware.notes" ? notes : name === "hypaware.settings" ? settingsFor() : gateway.capability,
    } as unknown as PluginContext);
    const quiet = (): void => undefined;
    const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
    const projection = await gateway.projectors()[0]!.project(record!, { log });
    return projection?.attributes?.["codex"];
  };
  expect(await attributesWith("1")).toMatchObject({ thread_id: ROOT, thread_title: "A task" });
  expect(await attributesWith(undefined)).not.toHaveProperty("thread_title");
});
