// The client's own rollouts beside what the gateway carried of the same runs: one history, whichever comes first.
import { afterEach, expect, test } from "vitest";
import type { MessageRow } from "../../contract/dataset.ts";
import type { ExchangeRecord, JsonObject, RecordEntry, RecordReading } from "../../contract/plugin.ts";
import { LinkedStore, prepare } from "../../daemon/link-record.testkit.ts";
import type { PreparedExchange } from "../../daemon/record-exchange.ts";
import { asObject } from "../../protocols/loose.ts";
import {
  FIXTURES,
  READ_FIXTURES,
  readFile,
  readFixture,
  readLines,
  readRollouts,
} from "./fixtures.testkit.ts";
import { codexProjector } from "./projector.ts";

let open: LinkedStore[] = [];
afterEach(() => {
  for (const store of open) store.close();
  open = [];
});

function newStore(): LinkedStore {
  const store = new LinkedStore();
  open.push(store);
  return store;
}

const readEntries = (name: string): readonly RecordEntry[] =>
  readLines(name).flatMap(({ entries = [] }) => entries);

const exchangesOf = (name: string): Promise<PreparedExchange[]> =>
  Promise.all(readFixture(name).map((record) => prepare(record, { ...codexProjector, order: 0 })));

const byMessage = (rows: Iterable<MessageRow>): ReadonlyMap<string, readonly MessageRow[]> =>
  Map.groupBy(rows, (row) => row.message_id);

/** On the wire and in no record: the prompt of a compaction, an older model's fixed prompt, what broke off. */
function isLineless({ role, content_text: text, status, message_id: id }: MessageRow): boolean {
  if (role === "user") return text === "You are performing a CONTEXT CHECKPOINT COMPACTION. (cut)";
  if (role === "developer") return /^msg_[0-9a-f]{8}-[0-9a-f]{4}-5/.test(id);
  return asObject(status ?? undefined)?.["finish_reason"] === "error";
}

test.each(READ_FIXTURES)(
  "%s: each item is one message under its own name, and closes the chain",
  async (name) => {
    const [store, entries, exchanges] = [newStore(), readEntries(name), await exchangesOf(name)];
    store.entries(entries);
    for (const each of exchanges) store.exchange(each);
    const rows = [...store.rows().values()];
    const messages = byMessage(rows);

    const told = new Map<string, RecordEntry>();
    for (const entry of entries)
      if (!told.has(entry.message.message_id)) told.set(entry.message.message_id, entry);
    for (const [id, { message, conversation_id }] of told) {
      const parts = messages.get(id) ?? [];
      expect(parts.length, id).toBe(message.content.length);
      expect(parts[0]).toMatchObject({
        conversation_id,
        role: message.role,
        provider_uuid: id,
        provider_type: message.provider_type,
        message_created_at: message.message_created_at,
      });
    }
    const predecessors = rows.flatMap(({ previous_message_id: previous }) => previous ?? []);
    expect(predecessors.filter((id) => !messages.has(id))).toEqual([]);
    const roots = [...messages.values()].filter(([row]) => row?.previous_message_id?.length === 0);
    const threads = new Set(entries.map((entry) => entry.conversation_id));
    const [forks, restarts] = [
      entries.filter(({ goes_on_from: base }) => base !== undefined).length,
      entries.filter(({ message }) => message.logical_parent_uuid !== undefined).length,
    ];
    expect(roots.filter(([row]) => !isLineless(row!)).length).toBe(threads.size - forks + restarts);

    // Every item travelled; what has no line is what the client writes none of.
    const untold = rows.filter((row) => !told.has(row.message_id));
    expect(untold.filter((row) => !isLineless(row)).map(({ message_id: id }) => id)).toEqual([]);
    const unsent = store.known().filter(({ link }) => link === null);
    expect(unsent.filter((node) => told.get(node.messageId)?.is_on_wire === true)).toEqual([]);

    // Usage stands once, and is what the record says that each response cost.
    const output = (usage: unknown): number => Number((usage as { output_tokens?: number }).output_tokens);
    const kept = rows.flatMap(({ attributes }) => asObject(attributes?.["usage"]) ?? []).map(output);
    const costs = readLines(name).flatMap(({ responses = [] }) =>
      responses.map(({ usage }) => output(usage)),
    );
    const ascending = (a: number, b: number): number => a - b;
    expect(kept.toSorted(ascending)).toEqual(costs.toSorted(ascending));
  },
);

test.each(FIXTURES)("%s: lines before, between, after and line by line give the same rows", async (name) => {
  const [exchanges, entries] = [await exchangesOf(name), readEntries(name)];
  const first = newStore();
  first.entries(entries);
  for (const each of exchanges) first.exchange(each);
  const expected = first.rows();

  const after = newStore();
  for (const each of exchanges) after.exchange(each);
  for (const entry of entries) after.entries([entry]);
  expect(after.rows()).toEqual(expected);

  const between = newStore();
  const share = Math.ceil(entries.length / exchanges.length);
  for (const [index, each] of exchanges.entries()) {
    between.exchange(each);
    between.restart();
    between.entries(entries.slice(index * share, (index + 1) * share));
  }
  expect(between.rows()).toEqual(expected);

  // Read twice: a file that the client put aside, compressed or wrote anew.
  between.entries(entries);
  expect(between.rows()).toEqual(expected);
});

test.each(FIXTURES)("%s: without rollouts the names, the order and the text are the same", async (name) => {
  const [silent, told, exchanges] = [newStore(), newStore(), await exchangesOf(name)];
  for (const store of [silent, told]) for (const each of exchanges) store.exchange(each);
  told.entries(readEntries(name));
  const rows = told.rows();
  for (const [partId, row] of silent.rows()) {
    const { role, content_text, tool_args, provider_type } = row;
    expect(rows.get(partId)).toMatchObject({ role, content_text, tool_args, provider_type });
  }
});

test("rows that are sealed when their lines come are linked with the next maintenance, neither lost nor twice", async () => {
  const [exchanges, entries] = [await exchangesOf("subagent"), readEntries("subagent")];
  const expected = newStore();
  for (const each of exchanges) expected.exchange(each);
  expected.entries(entries);

  const store = newStore();
  for (const each of exchanges) store.exchange(each);
  await store.maintain(true);
  store.entries(entries);
  await store.maintain(false);
  expect(store.catalog.counts().rows).toBe(expected.rows().size);
  expect(store.rows()).toEqual(expected.rows());

  // Sealed again, and read again: nothing changes.
  await store.maintain(true);
  store.entries(entries);
  await store.maintain(false);
  expect(store.rows().size).toBe(0);
  expect(store.catalog.counts().rows).toBe(expected.rows().size);
}, 30_000);

test("a session that was imported, sealed and then resumed through the gateway has each message once", async () => {
  const [exchanges, entries] = [await exchangesOf("multi-turn"), readEntries("multi-turn")];
  const store = newStore();
  store.entries(entries);
  const imported = store.rows();
  await store.maintain(true);
  const fork = exchanges.at(-1)!;
  store.exchange(fork);
  await store.maintain(false);
  expect(store.catalog.counts().rows).toBe(imported.size);

  // The fork repeats what was said where it left: it is said there.
  const other = newStore();
  other.exchange(fork);
  other.entries(entries);
  const rows = [...other.rows().values()];
  expect(rows.length).toBe(imported.size);
  const [base, own] = new Set(entries.map((entry) => entry.conversation_id));
  expect(new Set(rows.map((row) => row.conversation_id))).toEqual(new Set([base, own]));
  for (const { part_id: id, conversation_id, content_text } of rows)
    expect([conversation_id, content_text]).toEqual([
      imported.get(id)?.conversation_id,
      imported.get(id)?.content_text,
    ]);
});

test("a fork whose base is read after it, at once or bit by bit, ends as one that was read behind it", async () => {
  const files = Object.entries(readRollouts("multi-turn")).map(([path, lines]) => readFile(path, lines));
  const [base, fork] = files as [readonly RecordReading[], readonly RecordReading[]];
  expect(fork.some(({ entries = [] }) => entries.some((entry) => entry.goes_on_from !== undefined))).toBe(
    true,
  );
  for (const exchanges of [[], await exchangesOf("multi-turn")]) {
    const store = (
      readings: readonly (readonly RecordReading[])[],
      before: readonly PreparedExchange[],
    ): LinkedStore => {
      const made = newStore();
      for (const each of before) made.exchange(each);
      for (const each of readings) read(made, each);
      return made;
    };
    const expected = store([base, fork], exchanges).rows();
    expect(store([fork, base], exchanges).rows()).toEqual(expected);
    const lines = base.map((reading) => [reading]);
    expect(store([fork, ...lines], exchanges).rows()).toEqual(expected);
    expect(store([...lines.slice(0, 5), fork, ...lines.slice(5)], exchanges).rows()).toEqual(expected);
    const after = store([fork, base], []);
    for (const each of exchanges) after.exchange(each);
    const usual = store([base, fork], []);
    for (const each of exchanges) usual.exchange(each);
    expect(after.rows()).toEqual(usual.rows());

    const sealed = store([fork], exchanges);
    await sealed.maintain(true);
    read(sealed, base);
    await sealed.maintain(false);
    expect(sealed.catalog.counts().rows).toBe(expected.size);
    for (const row of sealed.rows().values()) expect(row).toEqual(expected.get(row.part_id));
    const [thread] = fork.flatMap(({ entries = [] }) => entries.map((entry) => entry.conversation_id));
    const ofFork = (row: MessageRow): boolean => row.conversation_id === thread;
    expect([...sealed.rows().values()].filter(ofFork)).toEqual([...expected.values()].filter(ofFork));
  }
}, 30_000);

function read(store: LinkedStore, readings: readonly RecordReading[]): void {
  store.entries(
    readings.flatMap(({ entries = [] }) => entries),
    readings.flatMap(({ responses = [] }) => responses),
  );
}

/** As older versions wrote and sent them: items without ids, lines without numbers. */
function asOlder(name: string): { records: readonly ExchangeRecord[]; entries: readonly RecordEntry[] } {
  const withoutId = ({ id: _id, ...item }: JsonObject): JsonObject => item;
  const records = readFixture(name).map((record) => {
    const body = JSON.parse(record.request_body ?? "{}") as { input: readonly JsonObject[] };
    return { ...record, request_body: JSON.stringify({ ...body, input: body.input.map(withoutId) }) };
  });
  const entries = Object.entries(readRollouts(name)).flatMap(([path, lines]) =>
    readFile(
      path,
      lines.map(({ ordinal: _ordinal, ...line }) => ({
        ...line,
        payload:
          line["type"] === "response_item" ? withoutId(line["payload"] as JsonObject) : line["payload"],
      })),
    ),
  );
  return { records, entries: entries.flatMap((read) => read.entries ?? []) };
}

test.each(["older-model", "shell"])(
  "%s: items that have no id in the record are found by their calls, their answers and their place",
  async (name) => {
    const { records, entries } = asOlder(name);
    const exchanges = await Promise.all(
      records.map((record) => prepare(record, { ...codexProjector, order: 0 })),
    );
    const [first, after] = [newStore(), newStore()];
    first.entries(entries);
    for (const each of exchanges) first.exchange(each);
    for (const each of exchanges) after.exchange(each);
    for (const entry of entries) after.entries([entry]);
    expect(after.rows()).toEqual(first.rows());
    const told = new Set(entries.map(({ message }) => message.message_id));
    const untold = [...first.rows().values()].filter((row) => !told.has(row.message_id));
    const texts = new Set(untold.map(({ content_text: text }) => text));
    texts.delete("You are an agent. (cut)"); // an older model's fixed prompt is in no record
    expect([...texts]).toEqual([]);
  },
);
