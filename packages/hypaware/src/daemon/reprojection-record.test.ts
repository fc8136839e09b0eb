import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { chat, exchange } from "./journal-exchange.testkit.ts";
import { ReprojectHome, changedChat } from "./reproject-home.testkit.ts";

let home: ReprojectHome;
const recordFolder = (): string => join(home.paths.home, "record");
beforeEach(() => {
  home = new ReprojectHome();
  mkdirSync(recordFolder());
});
afterEach(() => home.close());

/** A line of the client's own record: its id, its predecessor's, the role and the text. */
const tells = (...line: readonly (string | null)[]): void => tellsIn("s", ...line);
const tellsIn = (session: string, ...line: readonly (string | null)[]): void =>
  appendFileSync(join(recordFolder(), `${session}.jsonl`), `${JSON.stringify(line)}\n`);

test("what a client's record names keeps its names, hot and sealed, and the thread goes on from there", async () => {
  const journal = await home.open("r1");
  tells("u1", null, "user", "a");
  tells("u2", "u1", "system", "a remark");
  tells("u3", "u2", "assistant", "A");
  exchange(journal, { turns: ["a"], answer: "A" });
  exchange(journal, { turns: ["other"], answer: "OTHER", session: "silent" });
  await journal.flush();
  await home.record();
  const named = () =>
    home.rows(
      "SELECT message_id, model, previous_message_id::VARCHAR FROM ai_gateway_messages WHERE conversation_id = 's' ORDER BY message_index",
    );
  const ids = async () => (await named()).map(([id]) => id);
  expect(await ids()).toEqual(["u1", "u2", "u3"]);
  expect(await home.compare([chat])).toMatchObject({ isEmpty: true, threadChanges: 0 });
  const modelled = changedChat((projection) => ({ ...projection, model: "m-2" }));
  for (const seal of [false, true]) {
    if (seal) await home.seal();
    const change = changedChat((projection) => ({ ...projection, model: `m-${seal}` }));
    expect((await home.reproject([change])).datasets.ai_gateway_messages).toMatchObject({
      added: 0,
      removed: 0,
      changed: 4,
    });
    expect(await named()).toEqual([
      ["u1", `m-${seal}`, "[]"],
      ["u2", null, '["u1"]'],
      ["u3", `m-${seal}`, '["u2"]'],
    ]);
  }
  tells("u4", "u3", "user", "b");
  exchange(journal, { turns: ["a", "A", "b"], answer: "B" });
  await journal.flush();
  await home.record([modelled]);
  tells("u5", "u4", "assistant", "B");
  await home.record([modelled]);
  expect(await ids()).toEqual(["u1", "u2", "u3", "u4", "u5"]);
  expect(await home.reproject([modelled])).toMatchObject({ isEmpty: false });
  expect(await home.compare([modelled])).toMatchObject({ isEmpty: true, threadChanges: 0 });
  expect(await ids()).toEqual(["u1", "u2", "u3", "u4", "u5"]);
});

test("what a fork was the first to carry stands where the record says that it was said, and stays there", async () => {
  const named = changedChat((projection) => ({
    ...projection,
    in_order: true,
    messages: projection.messages.map((each) => ({ ...each, message_id: `n-${each.content as string}` })),
  }));
  const where = () =>
    home.rows("SELECT message_id, conversation_id, model FROM ai_gateway_messages ORDER BY message_id");
  const journal = await home.open("r1");
  exchange(journal, { turns: ["a", "A", "b"], answer: "B", session: "fork" });
  await journal.flush();
  await home.record([named]);
  expect((await where()).map(([, conversation]) => conversation)).toEqual(["fork", "fork", "fork", "fork"]);
  tells("n-a", null, "user", "a");
  tells("n-A", "n-a", "assistant", "A");
  tells("n-0", "n-A", "system", "a remark");
  await home.record([named]);
  const told = [
    ["n-0", "s", null],
    ["n-A", "s", null],
    ["n-B", "fork", null],
    ["n-a", "s", null],
    ["n-b", "fork", null],
  ];
  expect(await where()).toEqual(told);
  expect(await home.compare([named])).toMatchObject({ isEmpty: true, threadChanges: 0 });
  const change = {
    ...named,
    project: async (...input: Parameters<typeof named.project>) => ({
      ...(await named.project(...input))!,
      model: "m-2",
    }),
  };
  for (const seal of [false, true]) {
    if (seal) await home.seal();
    const projector = seal ? named : change;
    await home.reproject([projector]);
    expect(await where()).toEqual(
      told.map(([id, conversation]) => [id, conversation, seal || id === "n-0" ? null : "m-2"]),
    );
    expect(await home.compare([projector])).toMatchObject({ isEmpty: true, threadChanges: 0 });
    expect(await home.problems()).toEqual([]);
  }
});

test("a fork still names the session that it left when it is projected again, hot and sealed", async () => {
  const journal = await home.open("r1");
  tells("u1", null, "user", "a");
  tells("u2", "u1", "assistant", "A");
  exchange(journal, { turns: ["a"], answer: "A" });
  exchange(journal, { turns: ["a", "A", "b"], answer: "B", session: "fork" });
  await journal.flush();
  await home.record();
  for (const [id, previous, role, text] of [
    ["u1", null, "user", "a"],
    ["u2", "u1", "assistant", "A"],
    ["u3", "u2", "user", "b"],
    ["u4", "u3", "assistant", "B"],
  ] as const)
    tellsIn("fork", id, previous, role, text);
  await home.record();
  const origins = () =>
    home.rows(
      `SELECT message_id, attributes -> 'gateway' ->> 'forked_from' FROM ai_gateway_messages ORDER BY message_id`,
    );
  const expected = [
    ["u1", null],
    ["u2", null],
    ["u3", "s"],
    ["u4", "s"],
  ];
  expect(await origins()).toEqual(expected);
  for (const seal of [false, true]) {
    if (seal) await home.seal();
    await home.reproject([changedChat((projection) => ({ ...projection, model: `m-${seal}` }))]);
    expect(await origins()).toEqual(expected);
  }
});

test("a line of a client's record that comes between comparison and commit is taken along", async () => {
  const journal = await home.open("r1");
  tells("u1", null, "user", "a");
  exchange(journal, { turns: ["a"], answer: "A" });
  await journal.flush();
  await home.record();
  const change = changedChat((projection) => ({ ...projection, model: "m-2" }));
  await home.reprojection([change], {}, async (reprojection) => {
    await reprojection.compare();
    tells("u2", "u1", "assistant", "A");
    await home.record();
    expect(await reprojection.commit()).toBe("stale");
    await reprojection.compare();
    expect(await reprojection.commit()).toBe("committed");
  });
  const sql = "SELECT message_id, model FROM ai_gateway_messages ORDER BY message_index";
  expect(await home.rows(sql)).toEqual([
    ["u1", "m-2"],
    ["u2", "m-2"],
  ]);
});
