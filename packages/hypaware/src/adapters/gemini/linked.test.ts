// The client's own chats beside what the gateway carried of the same runs: one history, whichever comes first, although the wire names no session.
import { afterEach, expect, test } from "vitest";
import type { ExchangeRow, MessageRow } from "../../contract/dataset.ts";
import type { ExchangeRecord, RecordEntry, RecordReading } from "../../contract/plugin.ts";
import { LinkedStore, prepare } from "../../daemon/link-record.testkit.ts";
import { readChatLine } from "./chat/record.ts";
import { FIXTURES, readChats, readFixture } from "./fixtures.testkit.ts";
import { geminiProjector } from "./projector.ts";

let stores: LinkedStore[] = [];
afterEach(() => {
  for (const store of stores) store.close();
  stores = [];
});

function newStore(): LinkedStore {
  const store = new LinkedStore();
  stores.push(store);
  return store;
}

/** What each line says, in order. */
function readings(name: string): readonly RecordReading[] {
  return Object.entries(readChats(name)).flatMap(([path, lines]) => {
    let memory = {};
    return lines.flatMap((line) => {
      const reading = readChatLine({ text: JSON.stringify(line), path, memory });
      memory = reading?.memory ?? memory;
      return reading?.entries === undefined ? [] : [reading];
    });
  });
}

/** Of each message the last that is told, as far as a list that is taken up again says nothing new. */
function told(lines: readonly RecordReading[]): readonly RecordEntry[] {
  const entries = new Map<string, RecordEntry>();
  for (const entry of lines.flatMap((line) => line.entries ?? [])) {
    const { message_id: id } = entry.message;
    if (!entries.has(id) || entry.may_grow === true) entries.set(id, entry);
  }
  return [...entries.values()];
}

type Step = (store: LinkedStore) => void;
const tells =
  ({ entries = [], responses = [] }: RecordReading): Step =>
  (store) =>
    store.entries(entries, responses);
const carries = async (records: readonly ExchangeRecord[]): Promise<readonly Step[]> => {
  const all = await Promise.all(records.map((record) => prepare(record, { ...geminiProjector, order: 0 })));
  return all.map((each) => (store) => store.exchange(each));
};

const shown = (store: LinkedStore): unknown =>
  [...store.rows().values()].map((row) => [
    row.part_id,
    row.conversation_id,
    row.previous_message_id,
    row.message_index,
    row.content_text ?? row.tool_call_id,
    row.message_created_at,
    sessionOf(row),
    row.attributes?.["usage"],
  ]);
const sessionOf = ({ attributes }: MessageRow): unknown =>
  (attributes?.["gateway"] as Record<string, unknown> | undefined)?.["session_id"];
const carried = (store: LinkedStore): readonly (readonly unknown[])[] =>
  store.catalog
    .exchangesSince(0, 100)
    .map(({ row }: { readonly row: ExchangeRow }) => [row.exchange_id, row.conversation_id, row.session_id])
    .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));

/** In both orders of their own, and otherwise as it falls. */
function interleaved(seed: number, ...lists: readonly (readonly Step[])[]): readonly Step[] {
  const left = lists.map((list) => [...list]);
  const steps: Step[] = [];
  let state = seed;
  for (;;) {
    const open = left.filter((list) => list.length > 0);
    if (open.length === 0) return steps;
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    steps.push(open[(state >> 8) % open.length]!.shift()!);
    if (state % 7 === 0) steps.push((store) => store.restart());
  }
}

const TOLD = FIXTURES.filter((name) => name !== "stream-cut-once");

test.each(TOLD)("%s: each message of the chat is one message, under its own name", async (name) => {
  const [lines, steps, store] = [readings(name), await carries(readFixture(name)), newStore()];
  for (const step of steps) step(store);
  for (const line of lines) tells(line)(store);
  const byMessage = Map.groupBy(store.rows().values(), (row) => row.message_id);
  const entries = told(lines);
  expect(entries.length).toBeGreaterThan(1);
  for (const { message, conversation_id: conversation } of entries)
    expect(byMessage.get(message.message_id)?.[0], message.message_id).toMatchObject({
      conversation_id: conversation,
      role: message.role,
      previous_message_id: message.previous_message_id,
      message_created_at: message.message_created_at,
    });
  const unlinked = store.known().filter(({ link }) => link === null);
  expect(unlinked.map(({ messageId }) => messageId)).toEqual([]);
  // Beyond that only what failed.
  const names = new Set(entries.map(({ message }) => message.message_id));
  const more = [...byMessage.keys()].filter((id) => !names.has(id));
  expect(more.flatMap((id) => byMessage.get(id)!.map((row) => row.content_text))).toEqual(
    name === "cut-resume" ? ["FAKE:abort 1", "**Fake thinking 4** fake.", "The cut answ"] : [],
  );
});

test.each(TOLD)(
  "%s: whichever comes first, the rows are the same, and belong to the session",
  async (name) => {
    const lines = readings(name).map(tells);
    const steps = await carries(readFixture(name));
    const outcomes = [
      [...steps, ...lines],
      [...lines, ...steps],
      ...Array.from({ length: 6 }, (_, seed) => interleaved(seed + 1, steps, lines)),
    ].map((order) => {
      const store = newStore();
      for (const step of order) step(store);
      return { rows: shown(store), exchanges: carried(store) };
    });
    const [session] = told(readings(name)).map(({ session_id: id }) => id);
    for (const row of outcomes[0]!.rows as unknown[][]) expect([row[1], row[6]]).toEqual([session, session]);
    for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
  },
);

test.each(TOLD)("%s: a session that never passed the gateway is in the history, too", (name) => {
  const [lines, store] = [readings(name), newStore()];
  for (const line of [...lines, ...lines]) tells(line)(store);
  const rows = [...store.rows().values()];
  const entries = told(lines);
  expect(new Set(rows.map((row) => row.message_id))).toEqual(
    new Set(entries.map(({ message }) => message.message_id)),
  );
  expect(rows).toHaveLength(entries.reduce((sum, { message }) => sum + message.content.length, 0));
  const usages = rows.flatMap(({ attributes }) => attributes?.["usage"] ?? []);
  expect(usages).toHaveLength(lines.flatMap((line) => line.responses ?? []).length - grown(lines));
});

/** Answers whose tokens are told again with their calls. */
const grown = (lines: readonly RecordReading[]): number => {
  const ids = lines.flatMap(({ responses = [] }) => responses.flatMap((each) => each.message_ids ?? []));
  return ids.length - new Set(ids).size;
};

test("without a chat messages keep the names made of their content", async () => {
  const store = newStore();
  for (const step of await carries(readFixture("bash"))) step(store);
  for (const row of store.rows().values()) expect(row.message_id).toMatch(/^[0-9a-f]{16}$/);
});

test.each([true, false])(
  "what was sealed before its chat was read takes its names (restart: %s)",
  async (restarts) => {
    const [lines, steps, store, expected] = [
      readings("bash"),
      await carries(readFixture("bash")),
      newStore(),
      newStore(),
    ];
    for (const step of steps) step(store);
    await store.maintain(true);
    expect(store.rows().size).toBe(0);
    for (const line of lines) tells(line)(store);
    if (restarts) store.restart();
    expect(store.catalog.records.unsealing()).toBe(4 + 2);
    await store.maintain(false);
    expect(store.catalog.records.unsealing()).toBe(0);
    for (const step of steps) step(expected);
    for (const line of lines) tells(line)(expected);
    expect(shown(store)).toEqual(shown(expected));
    // The choice of a model is nobody's conversation, and stays sealed.
    expect(carried(store)).toEqual(carried(expected).filter(([, conversation]) => conversation !== null));
  },
);

test("of a session that was taken up through the gateway, what was said before is told by its chat", async () => {
  const [lines, store, after] = [readings("resume"), newStore(), newStore()];
  const steps = await carries(readFixture("resume").slice(3));
  for (const step of [...lines.map(tells), ...steps]) step(store);
  for (const step of [...steps, ...lines.map(tells)]) step(after);
  expect(shown(after)).toEqual(shown(store));
  const rows = [...store.rows().values()];
  expect(new Set(rows.map((row) => row.message_id))).toEqual(
    new Set(told(lines).map(({ message }) => message.message_id)),
  );
  const thoughts = rows.filter((row) => row.part_type === "reasoning").map((row) => row.content_text);
  expect(new Set(thoughts)).toEqual(new Set([2, 3, 5, 6].map((n) => `**Fake thinking ${n}** fake.`)));
  expect(thoughts).toHaveLength(4);
  expect(rows.flatMap(({ attributes }) => attributes?.["usage"] ?? [])).toHaveLength(4);
});

test("a prompt that was taken back and asked again is told twice, and carried once", async () => {
  const [path, chat] = Object.entries(readChats("plain"))[0]!;
  const again = JSON.parse(
    JSON.stringify(chat.slice(2))
      .replaceAll(/("id":"[0-9a-f-]{35})./g, "$1e")
      .replaceAll('"output":22', '"output":99'),
  ) as typeof chat;
  const lines = [...chat, { $rewindTo: chat[2]!["id"] ?? "" }, ...again];
  const record = readFixture("plain")[1]!;
  const other: ExchangeRecord = {
    ...record,
    exchange_id: "f".repeat(32),
    ts_start: "2026-03-01T12:30:00.000Z",
    stream_events: record.stream_events.map((event) => ({
      ...event,
      data: event.data
        .replace('"candidatesTokenCount":22', '"candidatesTokenCount":99')
        .replace(/"responseId":"./, '"responseId":"_'),
    })),
  };
  let memory = {};
  const read = lines.flatMap((line) => {
    const reading = readChatLine({ text: JSON.stringify(line), path, memory });
    memory = reading?.memory ?? memory;
    return reading?.entries === undefined ? [] : [reading];
  });
  const steps = await carries([record, other]);
  const [wireFirst, recordFirst] = [newStore(), newStore()];
  for (const step of [...steps, ...read.map(tells)]) step(wireFirst);
  for (const step of [...read.map(tells), ...steps]) step(recordFirst);
  expect(shown(recordFirst)).toEqual(shown(wireFirst));
  expect(carried(recordFirst)).toEqual(carried(wireFirst));
  const ids = new Set([...wireFirst.rows().values()].map((row) => row.message_id));
  expect(ids).toEqual(new Set(told(read).map(({ message }) => message.message_id)));
  expect(ids.size).toBe(4);
});
