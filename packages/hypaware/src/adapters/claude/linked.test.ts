// The client's own transcripts beside what the gateway carried of the same runs: one history, whichever comes first.
import { afterEach, expect, test } from "vitest";
import type { MessageRow } from "../../contract/dataset.ts";
import type { JsonObject, RecordEntry } from "../../contract/plugin.ts";
import { LinkedStore, prepare } from "../../daemon/link-record.testkit.ts";
import type { PreparedExchange } from "../../daemon/record-exchange.ts";
import { asName, asObject } from "../../protocols/loose.ts";
import {
  FIXTURES,
  readEntries,
  readFile,
  readFixture,
  readResponses,
  readTranscripts,
} from "./fixtures.testkit.ts";
import { claudeProjector } from "./projector.ts";

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

const exchangesOf = (name: string): Promise<PreparedExchange[]> =>
  Promise.all(readFixture(name).map((record) => prepare(record, { ...claudeProjector, order: 0 })));

const isFallback = ({ attributes }: MessageRow): boolean =>
  asObject(attributes?.["gateway"])?.["identity_source"] === "gateway_fallback";

const outputTokens = (usage: JsonObject | undefined): number => Number(usage?.["output_tokens"]);

/** Lines that never travel: the last ones before the client ended. */
const UNSENT = /^(\[Request interrupted|This session is being continued|<local-command|<command-name)/;
/** What the client sends and writes no line of. */
const LINELESS = /^(<system-reminder>|CRITICAL: Respond with TEXT ONLY|The cut answ|The broken a$)/;

test.each(FIXTURES)("%s: each line is one message under its own name, and closes the chain", async (name) => {
  const [store, entries] = [newStore(), readEntries(name)];
  store.entries(entries);
  const exchanges = await exchangesOf(name);
  for (const each of exchanges) store.exchange(each);
  const rows = [...store.rows().values()];
  const byMessage = Map.groupBy(rows, (row) => row.message_id);

  const lines = new Map<string, RecordEntry>();
  for (const entry of entries)
    if (!lines.has(entry.message.message_id)) lines.set(entry.message.message_id, entry);
  for (const [uuid, { message, conversation_id }] of lines) {
    expect(byMessage.get(uuid)?.[0], uuid).toMatchObject({
      conversation_id,
      role: message.role,
      provider_uuid: uuid,
      previous_message_id: message.parent_uuid === undefined ? [] : [message.parent_uuid],
      message_created_at: message.message_created_at,
    });
    expect(byMessage.get(uuid)?.some(isFallback)).toBe(false);
  }
  for (const row of rows)
    for (const previous of row.previous_message_id ?? [])
      expect(byMessage.has(previous), previous).toBe(true);

  const said = (row: MessageRow | undefined): string => row?.content_text ?? "";
  const unsent = store
    .known()
    .filter(({ isHome, matchKey, link }) => isHome && matchKey !== null && link === null)
    .map(({ messageId }) => said(byMessage.get(messageId)?.[0]))
    .filter((text) => !UNSENT.test(text));
  expect(unsent).toEqual([]);
  const lineless = [...byMessage.values()]
    .filter(([row]) => row !== undefined && isFallback(row) && row.role !== "system")
    .filter(([row]) => asObject(row?.attributes?.["gateway"])?.["request_class"] !== "compaction")
    .filter(([row]) => asObject(row?.attributes?.["gateway"])?.["request_class"] !== "title")
    .map(([row]) => said(row))
    .filter((text) => !LINELESS.test(text));
  expect(lineless).toEqual([]);

  // Usage stands once, and is what the provider told each exchange.
  const told = exchanges.map(({ selection }) => selection.projection?.exchange?.usage?.output_tokens ?? 0);
  const kept = rows.flatMap(({ attributes }) => outputTokens(asObject(attributes?.["usage"])) || []);
  const ascending = (a: number, b: number): number => a - b;
  expect(kept.toSorted(ascending)).toEqual(told.filter((tokens) => tokens > 0).toSorted(ascending));
});

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

  // Read twice: a file that was written anew.
  between.entries(entries);
  expect(between.rows()).toEqual(expected);
});

test("rows that are sealed when their lines come are linked with the next maintenance, neither lost nor twice", async () => {
  const [exchanges, entries] = [await exchangesOf("subagent"), readEntries("subagent")];
  const expected = newStore();
  for (const each of exchanges) expected.exchange(each);
  expected.entries(entries);

  const store = newStore();
  for (const each of exchanges) store.exchange(each);
  await store.maintain(true);
  expect(store.rows().size).toBe(0);
  store.entries(entries);
  const { rows: between } = store.catalog.counts();
  expect(between).toBe(expected.rows().size);
  await store.maintain(false);
  expect(store.catalog.counts().rows).toBe(expected.rows().size);
  const hot = store.rows();
  for (const [partId, row] of hot) expect(row).toEqual(expected.rows().get(partId));
  const cold = [...expected.rows().values()].filter(({ part_id: partId }) => !hot.has(partId));
  // Only what begins a conversation is told before any of its lines.
  expect(cold.map(({ message_index: index, role }) => [index, role])).toEqual([
    [0, "user"],
    [0, "user"],
  ]);

  // Sealed again, and read again: nothing changes.
  await store.maintain(true);
  store.entries(entries);
  await store.maintain(false);
  expect(store.rows().size).toBe(0);
  expect(store.catalog.counts().rows).toBe(expected.rows().size);
}, 30_000);

test("where a line says that it was written is not changed by what a hook says later", async () => {
  const [store, entries] = [newStore(), readEntries("plain")];
  for (const each of await exchangesOf("plain")) store.exchange(each);
  store.entries(entries);
  const session = String(entries[0]?.session_id);
  store.catalog.contexts.put([{ session_id: session, at: "2026-03-01T11:00:00Z", cwd: "/hook" }]);
  const places = [...store.rows().values()].map((row) => [row.provider_uuid === null, row.cwd]);
  expect(places).toContainEqual([true, "/hook"]);
  expect(places.filter(([isUntold, cwd]) => isUntold !== (cwd === "/hook"))).toEqual([]);
});

test("of sessions that ran elsewhere each response's cost stands on one row, and gives way to what the wire tells", async () => {
  for (const name of ["subagent", "multi-turn", "older-subagent"]) {
    const [store, entries, responses] = [newStore(), readEntries(name), readResponses(name)];
    const costs = (): number[] =>
      [...store.rows().values()].flatMap(
        ({ attributes }) => outputTokens(asObject(attributes?.["usage"])) || [],
      );
    const told = new Map(responses.map((each) => [each.response_id, Number(each.usage.output_tokens)]));
    const ascending = (a: number, b: number): number => a - b;
    const expected = [...told.values()].toSorted(ascending);
    // Line by line: the cost moves on with each block of an answer.
    for (const entry of entries)
      store.entries(
        [entry],
        responses.filter(({ message_ids: ids }) => ids?.[0] === entry.message.message_id),
      );
    expect(costs().toSorted(ascending)).toEqual(expected);
    const last = [...store.rows().values()].filter(({ attributes }) => attributes?.["usage"] !== undefined);
    expect(last).toHaveLength(told.size);
    for (const each of await exchangesOf(name)) store.exchange(each);
    expect(costs().toSorted(ascending)).toEqual(expected);
    store.entries(entries, responses);
    expect(costs().toSorted(ascending)).toEqual(expected);
  }
});

test.each(["multi-turn", "older-multi-turn"])(
  "%s: a fork's own messages name the session that it left, whichever comes first, and no others do",
  async (name) => {
    const [exchanges, entries] = [await exchangesOf(name), readEntries(name)];
    const [origin, fork] = new Set(entries.map(({ session_id: session }) => session));
    const before = newStore();
    before.entries(entries);
    for (const each of exchanges) before.exchange(each);
    const after = newStore();
    for (const each of exchanges) after.exchange(each);
    for (const entry of entries) after.entries([entry]);
    for (const store of [before, after]) {
      const told = [...store.rows().values()].filter((row) => row.provider_uuid !== null);
      const origins = Map.groupBy(
        told,
        ({ attributes }) => asObject(attributes?.["gateway"])?.["forked_from"],
      );
      const sessions = new Map(
        [...origins].map(([from, rows]) => [from, new Set(rows.map((row) => row.conversation_id))]),
      );
      expect(sessions).toEqual(
        new Map([
          [undefined, new Set([origin])],
          [origin, new Set([fork])],
        ]),
      );
    }
  },
);

test("summaries are messages beside the others: none changes, none is told twice, and what only they share is no fork", async () => {
  const [exchanges, files] = [
    await exchangesOf("older-multi-turn"),
    Object.values(readTranscripts("older-multi-turn")),
  ];
  const plain = newStore();
  plain.entries(readEntries("older-multi-turn"));
  for (const each of exchanges) plain.exchange(each);
  const summary = (text: string, leafUuid: string): JsonObject => ({
    type: "summary",
    summary: text,
    leafUuid,
  });
  const last = asName(files[0]?.findLast(({ uuid }) => uuid !== undefined)?.["uuid"]) ?? "";
  const told = files.map((lines) => [
    summary("another session", "no-uuid-of-these"),
    ...lines,
    summary("what was said", last),
  ]);
  const other = "12345678-0000-4000-8000-000000000000";
  const line = { type: "user", sessionId: other, timestamp: "2026-12-01T00:00:00Z" };
  told.push([
    summary("another session", "no-uuid-of-these"),
    { ...line, uuid: "alone", parentUuid: null, message: { role: "user", content: "hi" } },
  ]);
  const entries = told.flatMap(readFile).flatMap(({ entries: read = [] }) => read);
  for (const isWireFirst of [true, false]) {
    const store = newStore();
    if (!isWireFirst) store.entries(entries);
    for (const each of exchanges) store.exchange(each);
    if (isWireFirst) for (const entry of entries) store.entries([entry]);
    const rows = [...store.rows()];
    const isSummary = (row: MessageRow): boolean => row.provider_type === "summary";
    const summaries = rows.flatMap(([, row]) => (isSummary(row) ? [row] : []));
    expect(summaries).toHaveLength(2);
    expect(new Map(summaries.map((row) => [row.content_text, [row.role, row.previous_message_id]]))).toEqual(
      new Map([
        ["another session", ["system", []]],
        ["what was said", ["system", [last]]],
      ]),
    );
    const others = rows.filter(([, row]) => !isSummary(row) && row.message_id !== "alone");
    expect(new Map(others)).toEqual(plain.rows());
    const alone = rows.find(([, row]) => row.message_id === "alone")?.[1];
    expect(asObject(alone?.attributes?.["gateway"])).not.toHaveProperty("forked_from");
  }
});

test("without transcripts nothing changes its name", async () => {
  const store = newStore();
  for (const each of await exchangesOf("multi-turn")) store.exchange(each);
  const rows = [...store.rows().values()];
  expect(rows.every(isFallback)).toBe(true);
  expect(rows.every((row) => row.provider_uuid === null)).toBe(true);
});
