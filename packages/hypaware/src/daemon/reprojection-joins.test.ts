// Conversations that the wire does not name and a client's record does, projected again.
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Projection } from "../contract/projection.ts";
import { exchange } from "./journal-exchange.testkit.ts";
import { ReprojectHome, changedChat } from "./reproject-home.testkit.ts";

let home: ReprojectHome;
const recordFolder = (): string => join(home.paths.home, "record");
beforeEach(() => {
  home = new ReprojectHome();
  mkdirSync(recordFolder());
});
afterEach(() => home.close());

const tells = (...line: readonly (string | null)[]): void =>
  appendFileSync(join(recordFolder(), "s.jsonl"), `${JSON.stringify(line)}\n`);

const nameless = (projection: Projection): Projection => ({
  ...projection,
  conversation_id: "0123456789abcdef",
  conversation_inferred: true,
  exchange: { request_class: "main" },
});
/** An older one that knows of no record. */
const silent = changedChat(nameless);
const joining = changedChat((projection) => ({
  ...nameless(projection),
  messages: projection.messages.map((each) => ({ ...each, joins: each.links ?? [] })),
}));

const messages = () =>
  home.rows(
    `SELECT message_id, conversation_id, json_extract_string(attributes, '$.gateway.session_id') FROM ai_gateway_messages
     WHERE NOT starts_with(message_id, 'x') ORDER BY message_index, message_id`,
  );
const exchanges = () =>
  home.rows("SELECT conversation_id, session_id FROM ai_gateway_exchanges ORDER BY conversation_id");
const told = [
  ["u1", "s", "s"],
  ["u2", "s", "s"],
];

test("what was joined stays so, hot and sealed, keeps its names, and goes on", async () => {
  const journal = await home.open("r1");
  tells("u1", null, "user", "a");
  exchange(journal, { turns: ["a"], answer: "A" });
  exchange(journal, { turns: ["other"], answer: "OTHER" });
  exchange(journal, { turns: ["a", "A", "lost"], answer: "CUT", outcome: "upstream_aborted" });
  await journal.flush();
  await home.record([joining]);
  tells("u2", "u1", "assistant", "A");
  await home.record([joining]);
  const before = await messages();
  expect(
    before.filter(([, conversation]) => conversation === "s").map(([id]) => String(id).slice(0, 2)),
  ).toEqual(["u1", "u2", expect.any(String), expect.any(String)]);
  expect(await exchanges()).toEqual([
    ["0123456789abcdef:#2", null],
    ["s", "s"],
    ["s", "s"],
  ]);
  expect(await home.compare([joining])).toMatchObject({ isEmpty: true, threadChanges: 0 });
  for (const seal of [false, true]) {
    if (seal) await home.seal();
    const change = changedChat((projection) => ({
      ...nameless(projection),
      model: `m-${seal}`,
      messages: projection.messages.map((each) => ({ ...each, joins: each.links ?? [] })),
    }));
    await home.reproject([change]);
    expect(await messages()).toEqual(before);
    expect(await home.compare([change])).toMatchObject({ isEmpty: true, threadChanges: 0 });
    expect(await home.problems()).toEqual([]);
  }
  exchange(journal, { turns: ["a", "A", "b"], answer: "B" });
  await journal.flush();
  await home.record([joining]);
  expect((await exchanges()).filter(([id]) => id === "s")).toHaveLength(3);
});

test("what an older adapter could not join is joined, and each message stands once", async () => {
  const journal = await home.open("r1");
  tells("u1", null, "user", "a");
  tells("u2", "u1", "assistant", "A");
  exchange(journal, { turns: ["a"], answer: "A" });
  await journal.flush();
  await home.record([silent]);
  expect(await messages()).toHaveLength(4);
  for (const seal of [true, false]) {
    if (seal) await home.seal();
    expect((await home.compare([joining])).isEmpty).toBe(!seal);
    await home.reproject([joining]);
    expect(await messages()).toEqual(told);
    expect(await exchanges()).toEqual([["s", "s"]]);
    expect(await home.compare([joining])).toMatchObject({ isEmpty: true, threadChanges: 0 });
    expect(await home.problems()).toEqual([]);
  }
  exchange(journal, { turns: ["a", "A", "b"], answer: "B" });
  await journal.flush();
  await home.record([joining]);
  tells("u3", "u2", "user", "b");
  tells("u4", "u3", "assistant", "B");
  await home.record([joining]);
  expect((await messages()).map(([id]) => id)).toEqual(["u1", "u2", "u3", "u4"]);
  // Names that the client gave are not taken back.
  expect(await home.reproject([silent])).toMatchObject({ isEmpty: true });
  expect((await messages()).map(([id]) => id)).toEqual(["u1", "u2", "u3", "u4"]);
});

test("a conversation whose raw history is gone goes on under its name", async () => {
  tells("u1", null, "user", "a");
  tells("u2", "u1", "assistant", "A");
  await home.run("r1", (journal) => void exchange(journal, { turns: ["a"], answer: "A" }));
  await home.record([joining]);
  home.forget("r1");
  await home.run("r2", (journal) => {
    exchange(journal, { turns: ["a", "A", "b"], answer: "B" });
    exchange(journal, { turns: ["other"], answer: "OTHER" });
  });
  await home.record([joining]);
  const names = [
    ["0123456789abcdef:#2", null],
    ["s", "s"],
    ["s", "s"],
  ];
  expect(await exchanges()).toEqual(names);
  const compared = await home.compare([joining]);
  expect(compared).toMatchObject({ isEmpty: true, scope: { exchanges: 1, keptExchanges: 2 } });
  expect(await exchanges()).toEqual(names);
});
