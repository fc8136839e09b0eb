// The client's own database beside what the gateway carried of the same runs: one history, whichever comes first.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { MessageRow } from "../../contract/dataset.ts";
import type { RecordEntry } from "../../contract/plugin.ts";
import { LinkedStore, prepare } from "../../daemon/link-record.testkit.ts";
import { RecordDatabases } from "../../notes/record-databases.ts";
import { memoryLog } from "../../projection/exchange.testkit.ts";
import { asObject } from "../../protocols/loose.ts";
import { ClientsDatabase } from "./database.testkit.ts";
import { FIXTURES, readFixture, readTables } from "./fixtures.testkit.ts";
import { opencodeProjector } from "./projector.ts";
import { opencodeDatabase } from "./record.ts";

let home = "";
let stores: LinkedStore[] = [];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hyp-opencode-"));
});
afterEach(() => {
  for (const store of stores) store.close();
  stores = [];
  rmSync(home, { recursive: true, force: true });
});

function newStore(): LinkedStore {
  const store = new LinkedStore();
  stores.push(store);
  return store;
}

/** All that the client wrote down, read as the recorder reads it. */
async function entriesOf(name: string): Promise<readonly RecordEntry[]> {
  const database = new ClientsDatabase(home);
  database.putAll(readTables(name));
  database.close();
  return read();
}

async function read(): Promise<readonly RecordEntry[]> {
  const entries: RecordEntry[] = [];
  const records = new RecordDatabases([opencodeDatabase({ HOME: home })], memoryLog().log);
  const places = {
    place: () => undefined,
    commit: (read: { readonly entries: readonly RecordEntry[] }) => void entries.push(...read.entries),
  };
  expect(await records.read(places, 10_000, true)).toBe(true);
  return entries;
}

const exchangesOf = (name: string) =>
  Promise.all(readFixture(name).map((record) => prepare(record, { ...opencodeProjector, order: 0 })));

const nameOf = ({ message_id: id, previous_message_id: previous }: MessageRow): unknown => [id, previous];

test.each(FIXTURES)("%s: each message of the record is one message, under its own name", async (name) => {
  const [entries, exchanges, store] = [await entriesOf(name), await exchangesOf(name), newStore()];
  for (const each of exchanges) store.exchange(each);
  store.entries(entries);
  const rows = [...store.rows().values()];
  const byMessage = Map.groupBy(rows, (row) => row.message_id);
  expect(entries.length).toBeGreaterThan(1);
  for (const { message, conversation_id: conversation } of entries)
    expect(byMessage.get(message.message_id)?.[0], message.message_id).toMatchObject({
      conversation_id: conversation,
      role: message.role,
      previous_message_id: message.previous_message_id,
      message_created_at: message.message_created_at,
    });
  // What travelled was carried.
  const unlinked = store.known().filter(({ matchKey, link }) => matchKey !== null && link === null);
  expect(unlinked.map(({ messageId }) => byMessage.get(messageId)?.[0]?.content_text)).toEqual([]);
  // And the wire has nothing more to say than what the client keeps no message of.
  const names = new Set(entries.map(({ message }) => message.message_id));
  const more = [...byMessage.values()]
    .flatMap(([row]) => (row === undefined || names.has(row.message_id) ? [] : [row]))
    .filter((row) => !row.conversation_id.endsWith("/title") && !["system", "developer"].includes(row.role))
    .map((row) => row.content_text?.slice(0, 30));
  const expected: Record<string, readonly string[]> = {
    compact: ["Here is the conversation so fa"],
    "stream-cut-once": ["The cut answ"],
  };
  expect(more).toEqual(expected[name] ?? []);
});

test.each(FIXTURES)("%s: whichever comes first, the rows are the same", async (name) => {
  const [entries, exchanges] = [await entriesOf(name), await exchangesOf(name)];
  const [wireFirst, recordFirst] = [newStore(), newStore()];
  for (const each of exchanges) wireFirst.exchange(each);
  wireFirst.entries(entries);
  recordFirst.entries(entries);
  for (const each of exchanges) recordFirst.exchange(each);
  const shown = (store: LinkedStore): unknown[] =>
    [...store.rows().values()]
      .map((row) => [
        ...(nameOf(row) as unknown[]),
        row.part_id,
        row.content_text,
        row.tool_call_id,
        row.message_index,
      ])
      .toSorted((a, b) => (String(a[2]) < String(b[2]) ? -1 : 1));
  expect(shown(recordFirst)).toEqual(shown(wireFirst));
});

test("a fork names the session that it left: a fork of a fork the one in which it was said, or that has it", async () => {
  const database = new ClientsDatabase(home);
  let said = 0;
  const session = (id: string, at: number, parent: string | null = null): void =>
    database.put("session", {
      id,
      parent_id: parent,
      directory: "/w",
      version: "1",
      time_created: at,
      time_updated: at,
    });
  const message = (of: string, at: number): void => {
    const id = `msg_${(said += 1)}`;
    const row = { session_id: of, time_created: at, time_updated: at };
    database.put("message", { ...row, id, data: '{"role":"user"}' });
    database.put("part", { ...row, id: `prt_${said}`, message_id: id, data: '{"type":"text","text":"x"}' });
  };
  session("a", 1);
  for (const at of [2, 3]) message("a", at);
  session("b", 10);
  for (const at of [2, 3, 11]) message("b", at);
  session("c", 20);
  for (const at of [2, 3, 11, 21]) message("c", at);
  session("d", 30);
  for (const at of [2, 31]) message("d", at);
  session("d/agent", 32, "d");
  message("d/agent", 33);
  database.close();
  const store = newStore();
  store.entries(await read());
  const origins = [...store.rows().values()].map(({ conversation_id: id, attributes }) =>
    JSON.stringify([id, asObject(attributes?.["gateway"])?.["forked_from"] ?? null]),
  );
  expect([...new Set(origins)].toSorted()).toEqual([
    '["a",null]',
    '["b","a"]',
    '["c","b"]',
    '["d","a"]',
    '["d/agent","a"]',
  ]);
});

test.each(FIXTURES)("%s: a session that never passed the gateway is in the history, too", async (name) => {
  const [entries, store] = [await entriesOf(name), newStore()];
  store.entries(entries);
  store.entries(entries);
  const rows = [...store.rows().values()];
  expect(new Set(rows.map((row) => row.message_id))).toEqual(
    new Set(entries.map(({ message }) => message.message_id)),
  );
  const calls = rows.filter((row) => row.part_type === "tool_call").length;
  expect(calls).toBe(
    readTables(name).part.filter(({ data }) => (data as string).includes('"type":"tool"')).length,
  );
});
