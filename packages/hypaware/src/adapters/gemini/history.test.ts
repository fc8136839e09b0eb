import { expect, test } from "vitest";
import type { ExchangeRecord, Json } from "../../contract/plugin.ts";
import * as store from "../../projection/exchange.testkit.ts";
import { memoryThreads } from "../../projection/thread-memory.ts";
import { exchange, project, readFixture } from "./fixtures.testkit.ts";

/** Rows of exchanges that came one after the other, as `role text`. */
async function rowsOf(records: readonly ExchangeRecord[]): Promise<readonly (readonly string[])[]> {
  const threads = memoryThreads();
  const rows: (readonly string[])[] = [];
  for (const record of records) {
    const { exchange_id: id, outcome, status_code: status, request_body: body } = record;
    const stored = await store.project(threads, project(record), { id, outcome, status, body });
    rows.push(
      stored.rows.map((row) => `${row.conversation_id} ${row.role} ${row.content_text ?? row.tool_call_id}`),
    );
  }
  return rows;
}

const conversations = (rows: readonly (readonly string[])[]): number =>
  new Set(rows.flat().map((row) => row.split(" ")[0])).size;

test("each message of a real run is stored once: an answer is recognised in the next request", async () => {
  const rows = await rowsOf(readFixture("bash"));
  expect(rows.map((each) => each.length)).toEqual([0, 5, 3]);
  expect(conversations(rows)).toBe(1);
});

test("a failed attempt and its repeat are one conversation", async () => {
  const rows = await rowsOf(readFixture("error-503"));
  expect(rows.map((each) => each.length)).toEqual([0, 2, 2]);
  expect(conversations(rows)).toBe(1);
});

test("a session that goes on in another run, rewritten by the client, is the same conversation", async () => {
  const rows = await rowsOf(readFixture("resume"));
  expect(rows.map((each) => each.length)).toEqual([0, 5, 3, 0, 4, 3]);
  expect(conversations(rows)).toBe(1);
});

test("a streamed answer that a program repeats chunk by chunk is the one that was stored", async () => {
  const user = (text: string): Json => ({ role: "user", parts: [{ text }] });
  const chunks = ["He", "llo ", "there"].map((text): Json => ({ role: "model", parts: [{ text }] }));
  const rows = await rowsOf([
    exchange({
      exchange_id: "1".repeat(32),
      request_body: { contents: [user("hi")] },
      events: chunks.map((content) => ({ candidates: [{ content, finishReason: "STOP" }] })),
    }),
    exchange({
      exchange_id: "2".repeat(32),
      request_body: { contents: [user("hi"), ...chunks, user("go on")] },
      response_body: { candidates: [{ content: { parts: [{ text: "on" }] } }] },
    }),
  ]);
  expect(rows.map((each) => each.length)).toEqual([2, 2]);
  expect(conversations(rows)).toBe(1);
});
