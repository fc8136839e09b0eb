// Codex's own database of threads, `state_<n>.sqlite`: what a thread is called, and which thread spawned it. It is opened for each look
// and never written. What it says changes while a session runs, and projecting again reads it anew; so it is asked only when the
// person wants it (`HYPAWARE_CODEX_SQLITE_READS=1`).
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import type { JsonObject, PluginContext } from "../../contract/plugin.ts";
import { asName, known } from "../../protocols/loose.ts";
import { codexHome } from "./codex-home.ts";

/** Attributes of a thread, by its id. */
export type ThreadFacts = (thread: string) => JsonObject;

const STATE = /^state_(\d+)\.sqlite$/;
/** Calls of one turn come one behind the other. */
const KNOWN_MS = 1_000;
const BUSY_MS = 200;

export function threadFacts(env: PluginContext["env"], now: () => number = Date.now): ThreadFacts {
  const home = codexHome(env);
  let last: { readonly thread: string; readonly at: number; readonly facts: JsonObject } | undefined;
  return (thread) => {
    if (last?.thread === thread && now() - last.at < KNOWN_MS) return last.facts;
    last = { thread, at: now(), facts: readFacts(home, thread) };
    return last.facts;
  };
}

/** Nothing where there is no such file, or one of another version's. */
function readFacts(home: string, thread: string): JsonObject {
  try {
    const path = newestState(home);
    return path === undefined ? {} : factsIn(path, thread);
  } catch {
    return {};
  }
}

function newestState(home: string): string | undefined {
  const versions = readdirSync(home).flatMap((name) => STATE.exec(name)?.[1] ?? []);
  const newest = versions.map(Number).sort((a, b) => b - a)[0];
  return newest === undefined ? undefined : join(home, `state_${newest}.sqlite`);
}

function factsIn(path: string, thread: string): JsonObject {
  const file = pathToFileURL(path);
  // Without a log nobody writes: then not even its index is made.
  if (!existsSync(`${path}-wal`)) file.searchParams.set("immutable", "1");
  const database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_MS });
  try {
    const row = (sql: string): JsonObject | undefined =>
      database.prepare(sql).get(thread) as JsonObject | undefined;
    const told = row("SELECT * FROM threads WHERE id = ?");
    const edge = row("SELECT parent_thread_id FROM thread_spawn_edges WHERE child_thread_id = ?");
    return known({
      thread_title: asName(told?.["name"]) ?? asName(told?.["title"]),
      agent_nickname: asName(told?.["agent_nickname"]),
      spawned_by: asName(edge?.["parent_thread_id"]),
    });
  } finally {
    database.close();
  }
}
