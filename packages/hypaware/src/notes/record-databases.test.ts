import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import type { ClientDatabase, RecordBatch, RecordEntry } from "../contract/record.ts";
import { memoryLog } from "../projection/exchange.testkit.ts";
import { RecordDatabases } from "./record-databases.ts";
import type { RecordPlace, RecordPlaces } from "./record-reader.ts";

let folder = "";
let path = "";
let client: DatabaseSync;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hyp-database-"));
  path = join(folder, "client.db");
  client = new DatabaseSync(path, { timeout: 0 });
  client.exec(`PRAGMA journal_mode = wal;
    CREATE TABLE session (id TEXT PRIMARY KEY, changed INTEGER);
    CREATE TABLE message (id TEXT PRIMARY KEY, session TEXT, text TEXT, done INTEGER)`);
});
afterEach(() => {
  client.close();
  rmSync(folder, { recursive: true, force: true });
});

const reads: string[] = [];

const record = (): ClientDatabase => ({
  name: "test",
  client: "test",
  database: path,
  sessions: "SELECT id, changed FROM session WHERE changed >= :since ORDER BY changed, id",
  rows: "SELECT * FROM message WHERE session = :session AND id > :after ORDER BY id",
  read: ({ id, session, text, done }, memory) => {
    reads.push(String(id));
    if (done === 0) return "unfinished";
    if (text === "throw") throw new Error("cannot bear it");
    const last = memory["last"];
    const message = {
      role: "user",
      content: String(text),
      message_id: String(id),
      previous_message_id: typeof last === "string" ? [last] : [],
      message_created_at: "2026-03-01T12:00:00.000Z",
    };
    const entry: RecordEntry = {
      conversation_id: String(session),
      session_id: String(session),
      request_class: "main",
      provider: "test",
      is_on_wire: true,
      message,
    };
    return { entries: [entry], memory: { last: String(id) } };
  },
});

/** What was stored, and how far: kept when the reader begins anew. */
class Store implements RecordPlaces {
  readonly entries: RecordEntry[] = [];
  readonly places = new Map<string, RecordPlace>();
  place(id: string): RecordPlace | undefined {
    const known = this.places.get(id);
    return known && (JSON.parse(JSON.stringify(known)) as RecordPlace);
  }
  commit({ entries }: RecordBatch, id: string, place: RecordPlace): void {
    this.entries.push(...entries);
    this.places.set(id, place);
  }
  said(): readonly string[] {
    return this.entries
      .splice(0)
      .map(({ message }) => `${message.previous_message_id.join()}>${message.message_id}`);
  }
}

function say(session: string, id: string, changed: number, { text = id, done = 1 } = {}): void {
  client.prepare("INSERT OR REPLACE INTO session VALUES (?, ?)").run(session, changed);
  client.prepare("INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?)").run(id, session, text, done);
}

const logged = memoryLog();
const read = (records: RecordDatabases, store: Store, budgetMs = 10_000): Promise<boolean> =>
  records.read(store, budgetMs, true);
const reader = (): RecordDatabases => new RecordDatabases([record()], logged.log);

test("what is new is read, session by session and in order, also by a reader that begins anew", async () => {
  const store = new Store();
  const first = reader();
  say("a", "1", 10);
  say("b", "2", 11);
  say("a", "3", 12);
  expect(await read(first, store)).toBe(true);
  expect(store.said()).toEqual([">2", ">1", "1>3"]);
  expect(await read(first, store)).toBe(true);
  say("a", "4", 13);
  await read(first, store);
  expect(store.said()).toEqual(["3>4"]);
  say("b", "5", 14);
  await read(reader(), store);
  expect(store.said()).toEqual(["2>5"]);
});

test("a row that is not whole holds those behind it in its session, and is read when it is, though its session says nothing of it", async () => {
  const store = new Store();
  const records = reader();
  say("a", "1", 10);
  say("a", "2", 11, { done: 0 });
  say("a", "3", 12);
  say("b", "4", 13);
  await read(records, store);
  expect(store.said()).toEqual([">1", ">4"]);
  say("b", "5", 14);
  client.exec("UPDATE message SET done = 1 WHERE id = '2'");
  await read(reader(), store);
  expect(store.said()).toEqual(["1>2", "2>3", "4>5"]);
});

test("a session that goes on after its place was forgotten is read from its beginning", async () => {
  const store = new Store();
  const records = reader();
  say("a", "1", 10);
  await read(records, store);
  for (let n = 2; n < LIMITS.recordSessions + 10; n += 1) say(`s${n}`, String(n).padStart(4, "0"), 10 + n);
  await read(records, store);
  const [place] = store.places.values();
  expect(Object.keys(place?.memory["sessions"] ?? {})).toHaveLength(LIMITS.recordSessions);
  store.said();
  say("a", "9999", 20_000_000);
  await read(records, store);
  expect(store.said()).toEqual([">1", "1>9999"]);
  say("b", "1-1", 20_000_001 + LIMITS.recordSessionMs);
  await read(records, store);
  expect(Object.keys([...store.places.values()][0]?.memory["sessions"] ?? {})).toEqual(["b"]);
});

test("its time may end anywhere; the next call goes on there, and nothing is read twice", async () => {
  const store = new Store();
  for (let n = 0; n < 500; n += 1) say(`s${n % 7}`, String(n).padStart(4, "0"), n);
  const records = reader();
  let calls = 0;
  while (!(await read(records, store, 0))) expect((calls += 1)).toBeLessThan(2_000);
  expect(calls).toBeGreaterThan(5);
  const said = store.entries.map(({ message }) => message.message_id);
  expect(said).toHaveLength(500);
  expect(new Set(said).size).toBe(500);
});

test("its writer never waits, and writes while it is read", async () => {
  const store = new Store();
  say("a", "1", 10);
  client.exec("BEGIN IMMEDIATE");
  say("a", "2", 11);
  // The client holds the write lock and has not committed.
  expect(await read(reader(), store)).toBe(true);
  expect(store.said()).toEqual([">1"]);
  client.exec("COMMIT");
  const during: ClientDatabase = {
    ...record(),
    read: (row, memory) => {
      if (row["id"] === "1") say("a", "3", 12);
      return record().read(row, memory);
    },
  };
  await read(new RecordDatabases([during], logged.log), new Store());
  await read(reader(), store);
  expect(store.said()).toEqual(["1>2", "2>3"]);
});

test("nothing is left in the client's folder, and nothing changed", async () => {
  say("a", "1", 10);
  client.close();
  const before = readdirSync(folder);
  const store = new Store();
  await read(reader(), store);
  expect(store.said()).toEqual([">1"]);
  expect(readdirSync(folder)).toEqual(before);
  client = new DatabaseSync(path);
});

test("where nobody had it open and a writer comes, what was read does not count, and is read again", async () => {
  say("a", "1", 10);
  say("a", "2", 11);
  client.close();
  const store = new Store();
  const during: ClientDatabase = {
    ...record(),
    read: (row, memory) => {
      if (row["id"] === "1") {
        client = new DatabaseSync(path);
        say("a", "3", 12);
      }
      return record().read(row, memory);
    },
  };
  await read(new RecordDatabases([during], logged.log), store);
  expect([store.said(), store.places.size, logged.events]).toEqual([[], 0, []]);
  await read(reader(), store);
  expect(store.said()).toEqual([">1", "1>2", "2>3"]);
  writeFileSync(join(folder, "plain.db-journal"), "");
  const plain = new DatabaseSync(join(folder, "plain.db"));
  plain.close();
  writeFileSync(join(folder, "plain.db-journal"), "half a transaction");
  await read(new RecordDatabases([{ ...record(), database: join(folder, "plain.db") }], logged.log), store);
  expect(logged.events).toEqual([]);
});

test("one that is not there, no database, damaged or locked is a warning at most, and is read when it can be", async () => {
  const store = new Store();
  const missing = new RecordDatabases([{ ...record(), database: join(folder, "none", "x.db") }], logged.log);
  expect(await read(missing, store)).toBe(true);
  expect(logged.events.splice(0)).toEqual([]);

  const garbage = join(folder, "garbage.db");
  writeFileSync(garbage, "no database at all, but some bytes of text".repeat(100));
  const broken = new RecordDatabases([{ ...record(), database: garbage }, record()], logged.log);
  say("a", "1", 10);
  await read(broken, store);
  expect(store.said()).toEqual([">1"]);
  expect(logged.events.splice(0).map(({ level, event }) => [level, event])).toEqual([
    ["warn", "notes.read_failed"],
  ]);

  client.exec("DROP TABLE message");
  await read(reader(), store);
  expect(logged.events.splice(0)).toHaveLength(1);
});

test("a row that its adapter cannot bear, or a huge one, says nothing, and those behind it do", async () => {
  const store = new Store();
  say("a", "1", 10, { text: "throw" });
  say("a", "2", 11, { text: "x".repeat(LIMITS.noteLineBytes) });
  say("a", "3", 12);
  await read(reader(), store);
  expect(store.said()).toEqual([">3"]);
  expect(logged.events.splice(0)).toMatchObject([{ event: "notes.row_failed", fields: { row: "1" } }]);
});

test("a database that did not change is not opened again, unless a row has to wait", async () => {
  const store = new Store();
  const records = reader();
  say("a", "1", 10);
  await read(records, store);
  reads.length = 0;
  await read(records, store);
  expect(reads).toEqual([]);
  say("a", "2", 11, { done: 0 });
  await read(records, store);
  await read(records, store);
  expect(reads).toEqual(["2", "2"]);
});
