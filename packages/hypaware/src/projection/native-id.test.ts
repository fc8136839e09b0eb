import { expect, test } from "vitest";
import type { MessageRow } from "../contract/dataset.ts";
import type { JsonObject, Projection } from "../contract/projection.ts";
import { project } from "./exchange.testkit.ts";
import { memoryThreads } from "./thread-memory.testkit.ts";

const base = { provider: "fake", conversation_id: "c" };
const gateway = (row: MessageRow | undefined): JsonObject | undefined =>
  row?.attributes?.["gateway"] as JsonObject;
const said = (conversation: string, content: string): Projection => ({
  provider: "fake",
  conversation_id: conversation,
  messages: [{ role: "user", content, message_id: "1" }],
});

test("fallback identity: a content hash, the predecessor, and the marker", async () => {
  const { rows } = await project(memoryThreads(), {
    ...base,
    messages: [
      { role: "user", content: "a" },
      { role: "assistant", content: "b" },
    ],
  });
  const [first, second] = rows;
  expect(first?.message_id).toMatch(/^[0-9a-f]{16}$/);
  expect(first?.previous_message_id).toEqual([]);
  expect(second?.previous_message_id).toEqual([first?.message_id]);
  expect(rows.map((row) => gateway(row)?.["identity_source"])).toEqual([
    "gateway_fallback",
    "gateway_fallback",
  ]);
});

test("supplied ids are authoritative: kept, stored once, without the marker; a supplied root stays one", async () => {
  const threads = memoryThreads();
  const messages = [
    { role: "user", content: "a", message_id: "m1", previous_message_id: [] },
    { role: "assistant", content: "b", message_id: "m2", previous_message_id: ["m1"] },
    { role: "assistant", content: "c", message_id: "m3" },
  ];
  const { rows } = await project(threads, { ...base, messages });
  expect(rows.map((row) => [row.message_id, row.previous_message_id, row.message_index])).toEqual([
    ["m1", [], 0],
    ["m2", ["m1"], 1],
    ["m3", null, 2],
  ]);
  expect(rows.map((row) => gateway(row)?.["identity_source"])).toEqual([undefined, undefined, undefined]);
  const again = await project(threads, { ...base, messages: [...messages, { role: "user", content: "d" }] });
  expect(again.rows.map((row) => row.previous_message_id)).toEqual([["m3"]]);
});

test("equal content under two native ids is two messages", async () => {
  const messages = [
    { role: "user", content: "a", message_id: "m1", previous_message_id: [] },
    { role: "user", content: "a", message_id: "m2", previous_message_id: [] },
  ];
  const { rows } = await project(memoryThreads(), { ...base, messages });
  expect(rows.map((row) => row.message_id)).toEqual(["m1", "m2"]);
});

test("the lines that a fork copies keep their first conversation, and the fork goes on below them", async () => {
  const threads = memoryThreads();
  const copied = [
    { role: "user", content: "a", message_id: "m1", previous_message_id: [] },
    { role: "assistant", content: "b", message_id: "m2", previous_message_id: ["m1"] },
  ];
  await project(threads, { ...base, messages: copied });
  const fork = {
    provider: "fake",
    conversation_id: "fork",
    messages: [...copied, { role: "user", content: "c" }],
  };
  const { rows } = await project(threads, fork);
  expect(
    rows.map((row) => [row.conversation_id, row.content_text, row.previous_message_id, row.message_index]),
  ).toEqual([["fork", "c", ["m2"], 2]]);
  expect((await project(threads, fork)).rows).toEqual([]);
});

test("one native id for different messages of two conversations swallows neither", async () => {
  const threads = memoryThreads();
  expect((await project(threads, said("c1", "a"))).rows[0]?.message_id).toBe("1");
  expect((await project(threads, said("c2", "b"))).rows[0]?.message_id).toBe("1:@c2");
  expect((await project(threads, said("c2", "b"))).rows).toEqual([]);
});

test("an answer with a native id is recognised when it comes back without", async () => {
  const threads = memoryThreads();
  const question = { role: "user", content: "a" };
  await project(threads, {
    ...base,
    messages: [question, { role: "assistant", content: "b", message_id: "msg_1" }],
  });
  const messages = [
    question,
    { role: "assistant", content: [{ type: "text", text: "b" }] },
    { role: "user", content: "c" },
  ];
  const { rows } = await project(threads, { ...base, messages });
  expect(rows.map((row) => [row.content_text, row.previous_message_id])).toEqual([["c", ["msg_1"]]]);
});
