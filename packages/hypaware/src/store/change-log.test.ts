import { afterEach, expect, test } from "vitest";
import { ChangeLog } from "./change-log.ts";
import { Database } from "./database.ts";

const open: Database[] = [];

afterEach(() => {
  for (const database of open.splice(0)) database.close();
});

function fresh(): { database: Database; log: ChangeLog; last: () => number; gone: () => unknown[] } {
  const database = Database.open(":memory:");
  open.push(database);
  return {
    database,
    log: ChangeLog.of(database),
    last: () => database.get<{ value: number }>("SELECT value FROM sequence")!.value,
    gone: () => database.all("SELECT dataset, key, seq FROM deletions ORDER BY seq"),
  };
}

const MESSAGES = "ai_gateway_messages";
const EXCHANGES = "ai_gateway_exchanges";

test("a number is given once, over all datasets and transactions, and kept when the transaction ends", () => {
  const { database, log, last } = fresh();
  expect(ChangeLog.of(database)).toBe(log);
  const given: number[] = [];
  const change = (dataset: typeof MESSAGES | typeof EXCHANGES, key: string): void => {
    given.push(log.next);
    log.noteUpsert(dataset, key);
  };
  database.transaction(() => {
    change(MESSAGES, "a");
    change(EXCHANGES, "b");
    expect(last()).toBe(0);
  });
  expect(last()).toBe(2);
  database.transaction(() => {
    // Nothing came of it.
    expect(log.next).toBe(3);
    given.push(log.next);
    log.noteDeletion(MESSAGES, "a");
    log.noteChange();
    change(MESSAGES, "c");
  });
  expect(given).toEqual([1, 2, 3, 5]);
  expect(last()).toBe(5);
});

test("a transaction that is rolled back gave no number", () => {
  const { database, log, last, gone } = fresh();
  const failing = (): never => {
    log.noteDeletion(MESSAGES, "a");
    throw new Error("no");
  };
  expect(() => database.transaction(failing)).toThrow("no");
  expect(last()).toBe(0);
  expect(gone()).toEqual([]);
  database.transaction(() => {
    expect(log.next).toBe(1);
    log.noteUpsert(MESSAGES, "b");
  });
  expect(last()).toBe(1);
});

test("so it is over asynchronous work", async () => {
  const { database, log, last } = fresh();
  await database.longTransaction(async () => {
    log.noteChange();
    await Promise.resolve();
    log.noteChange();
  });
  expect(last()).toBe(2);
});

test("a key that comes back is not gone, in the same transaction or later", () => {
  const { database, log, gone } = fresh();
  database.transaction(() => {
    log.noteUpsert(MESSAGES, "a");
    log.noteDeletion(MESSAGES, "a");
    log.noteDeletion(MESSAGES, "b");
    log.noteDeletion(EXCHANGES, "b");
    log.noteUpsert(MESSAGES, "a");
  });
  expect(gone()).toEqual([
    { dataset: MESSAGES, key: "b", seq: 3 },
    { dataset: EXCHANGES, key: "b", seq: 4 },
  ]);
  database.transaction(() => log.noteUpsert(MESSAGES, "b"));
  expect(gone()).toEqual([{ dataset: EXCHANGES, key: "b", seq: 4 }]);
});

test("nothing changes outside of a transaction", () => {
  const { log } = fresh();
  expect(() => log.next).toThrow("outside of a transaction");
});
