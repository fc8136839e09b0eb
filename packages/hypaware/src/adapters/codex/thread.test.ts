import { expect, test } from "vitest";
import type { MessageRow } from "../../contract/dataset.ts";
import type { ExchangeRecord, JsonObject } from "../../contract/plugin.ts";
import { applyProjection } from "../../projection/apply.ts";
import { exchange as captured, memoryLog } from "../../projection/exchange.testkit.ts";
import { selectProjection } from "../../projection/select.ts";
import { memoryThreads } from "../../projection/thread-memory.ts";
import { FIXTURES, readFixture } from "./fixtures.testkit.ts";
import { codexProjector } from "./projector.ts";

/** Rows by name, of exchanges stored in the order in which they began. */
async function stored(records: readonly ExchangeRecord[]): Promise<ReadonlyMap<string, MessageRow>> {
  const threads = memoryThreads();
  const rows = new Map<string, MessageRow>();
  for (const record of records) {
    const { exchange_id: id, outcome, status_code: status } = record;
    const selection = await selectProjection(record, [codexProjector], memoryLog().log);
    const { rows: fresh } = applyProjection({
      record,
      captured: captured({ id, outcome, status }).captured,
      selection,
      threads,
      decodeError: null,
    });
    for (const row of fresh) {
      expect(rows.has(row.part_id), `${row.part_id} is stored once`).toBe(false);
      rows.set(row.message_id, row);
    }
  }
  return rows;
}

/** From the first message down to this one, along what each says of its predecessor. */
function pathTo(rows: ReadonlyMap<string, MessageRow>, name: string): string[] {
  const path: string[] = [];
  for (let at = rows.get(name); at !== undefined;) {
    path.unshift(at.message_id);
    const [before] = at.previous_message_id ?? [];
    at = before === undefined ? undefined : rows.get(before);
  }
  return path;
}

interface Item extends JsonObject {
  readonly id: string;
}

const inputOf = (record: ExchangeRecord): readonly Item[] =>
  (JSON.parse(record.request_body ?? "{}") as { input?: readonly Item[] }).input ?? [];

/** The items of a whole answer; undefined when it has none. */
function outputOf(record: ExchangeRecord): readonly Item[] | undefined {
  const end = record.stream_events.find(({ event }) => event === "response.completed");
  return end && (JSON.parse(end.data) as { response: { output: readonly Item[] } }).response.output;
}

/** The items of each thread's last whole exchange: its request's, then its answer's. */
function wholeThreads(records: readonly ExchangeRecord[]): readonly (readonly string[])[] {
  const threads = new Map<string, readonly string[]>();
  for (const record of records) {
    const output = outputOf(record);
    const { "thread-id": thread } = JSON.parse(record.request_headers ?? "{}") as Record<string, string>;
    if (output === undefined || thread === undefined) continue;
    threads.set(
      thread,
      [...inputOf(record), ...output].map(({ id }) => id),
    );
  }
  return [...threads.values()];
}

const HISTORIES = FIXTURES.filter((name) => !["sdk", "socket", "compact"].includes(name));

test.each(HISTORIES)("%s: each thread's rows are the items of its last request and answer", async (name) => {
  const records = readFixture(name);
  const rows = await stored(records);
  for (const whole of wholeThreads(records)) expect(pathTo(rows, whole.at(-1) ?? "")).toEqual(whole);
});

test("a fork goes on below what it copied, and copies no row", async () => {
  const rows = [...(await stored(readFixture("multi-turn"))).values()];
  const [origin, fork] = [...new Set(rows.map((row) => row.conversation_id))];
  expect(rows.filter((row) => row.conversation_id === fork).map((row) => row.content_text)).toEqual([
    "FAKE:text four",
    "**Fake thinking 5**",
    "four",
  ]);
  const [first] = rows.filter((row) => row.conversation_id === fork);
  const [before] = first?.previous_message_id ?? [];
  expect(rows.find((row) => row.message_id === before)?.conversation_id).toBe(origin);
});

test("a compaction's prompt and answer end the old history; the new one begins with new prompts and its summary", async () => {
  const records = readFixture("compact");
  const rows = await stored(records);
  const asked = [...rows.values()].find((row) => row.content_text?.includes("CHECKPOINT COMPACTION"));
  expect(asked?.message_id).toMatch(/^[0-9a-f]{16}$/);
  expect(asked?.attributes).toMatchObject({
    gateway: { identity_source: "gateway_fallback", request_class: "compaction" },
    codex: { identity_source: "gateway_fallback" },
  });
  const [begun = [], compacted = []] = [records[0], records[1]].map((record) =>
    record === undefined ? [] : [...inputOf(record), ...(outputOf(record) ?? [])].map(({ id }) => id),
  );
  const summaryOfOld = compacted.at(-1) ?? "";
  expect(pathTo(rows, summaryOfOld)).toEqual(compacted.map((id) => id ?? asked?.message_id));
  expect(compacted.slice(0, begun.length)).toEqual(begun);

  const items = records[2] === undefined ? [] : inputOf(records[2]);
  const kept = items.findIndex(({ id }) => begun.includes(id));
  // What the person had said keeps its place and its name; the prompts before it are new ones, a root of their own.
  expect(pathTo(rows, items[kept - 1]?.id ?? "")).toEqual(items.slice(0, kept).map(({ id }) => id));
  const answer = outputOf(records[2]!)?.at(-1)?.id ?? "";
  const end = pathTo(rows, answer);
  expect(end.slice(end.indexOf(items[kept]!.id))).toEqual([
    ...items.slice(kept).map(({ id }) => id),
    ...(outputOf(records[2]!) ?? []).map(({ id }) => id),
  ]);
  expect([...rows.values()].filter((row) => row.is_compact_summary).map((row) => row.message_id)).toEqual([
    items[kept + 1]?.id,
  ]);
});

test("calls on a WebSocket that send only what is new stand behind the answers that they go on from", async () => {
  const records = readFixture("socket");
  const all = records
    .flatMap((record) => [...inputOf(record), ...(outputOf(record) ?? [])])
    .map(({ id }) => id);
  const rows = await stored(records);
  expect([...rows.keys()]).toEqual(all);
  expect(pathTo(rows, all.at(-1) ?? "")).toEqual(all);

  const answers = new Map<string, readonly Item[]>();
  const joined = records.map((record) => {
    const body = JSON.parse(record.request_body ?? "{}") as JsonObject;
    const before = answers.get(body["previous_response_id"] as string) ?? [];
    const input = [...before, ...inputOf(record)];
    const [created] = record.stream_events;
    const { response } = JSON.parse(created?.data ?? "{}") as { response: { id: string } };
    answers.set(response.id, [...input, ...(outputOf(record) ?? [])]);
    return { ...record, request_body: JSON.stringify({ ...body, input }) };
  });
  const whole = await stored(joined);
  expect([...whole.keys()]).toEqual(all);
  expect(pathTo(whole, all.at(-1) ?? "")).toEqual(all);
});

test("the prewarm of a WebSocket has a row of its own and no messages", async () => {
  const [prewarm] = readFixture("socket");
  const { status, facts } = await selectProjection(prewarm!, [codexProjector], memoryLog().log);
  expect(status).toBe("no_messages");
  expect(facts).toMatchObject({ request_class: "other" });
  expect(facts?.usage).toBeUndefined();
});

test("programs that use the library: each run a conversation, a failed attempt and its repeat one", async () => {
  const records = readFixture("sdk");
  const rows = await stored(records);
  const conversations = Map.groupBy(rows.values(), (row) => row.conversation_id);
  const asked = (text: string): string[] =>
    [...conversations.values()]
      .filter((own) => own[0]?.content_text === text)
      .map((own) => own.map(({ role }) => role).join(" "));
  expect(asked("FAKE:status 500 1")).toEqual(["user assistant"]);
  expect(asked("FAKE:text streamed")).toEqual(["user assistant", "user assistant", "user assistant"]);
  expect(asked("FAKE:status 400 9")).toEqual(["user"]);
});
