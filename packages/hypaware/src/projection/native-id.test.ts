import { expect, test } from "vitest";
import type { MessageRow } from "../contract/dataset.ts";
import type { JsonObject, Projection } from "../contract/projection.ts";
import { project } from "./exchange.testkit.ts";
import { memoryThreads } from "./thread-memory.ts";

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

test("messages in order: each native one names the one listed before it, whatever that one is called", async () => {
  const threads = memoryThreads();
  const first = [
    { role: "user", content: "a", message_id: "m1", is_answer: false },
    { role: "user", content: "no id", is_answer: false },
    { role: "assistant", content: "b", message_id: "m2", is_answer: true },
  ];
  const { rows } = await project(threads, { ...base, in_order: true, messages: first });
  const [, nameless] = rows;
  expect(rows.map((row) => row.previous_message_id)).toEqual([[], ["m1"], [nameless?.message_id]]);
  const next = [...first.slice(0, 2), { role: "user", content: "c", message_id: "m3", is_answer: false }];
  const retried = await project(threads, { ...base, in_order: true, messages: next });
  expect(retried.rows.map((row) => [row.message_id, row.previous_message_id])).toEqual([
    ["m3", [nameless?.message_id]],
  ]);
});

test("a prompt with a fixed id is a message of each conversation; only what holds an answer is a copy", async () => {
  const threads = memoryThreads();
  const list = (conversation: string, question: string): Projection => ({
    provider: "fake",
    conversation_id: conversation,
    in_order: true,
    messages: [
      { role: "developer", content: "rules", message_id: "fixed", is_answer: false },
      { role: "user", content: question, message_id: `${conversation}-u`, is_answer: false },
      { role: "assistant", content: "yes", message_id: `${conversation}-a`, is_answer: true },
    ],
  });
  await project(threads, list("c1", "a"));
  const { rows } = await project(threads, list("c2", "b"));
  expect(rows.map((row) => [row.message_id, row.previous_message_id, row.message_index])).toEqual([
    ["fixed:@c2", [], 0],
    ["c2-u", ["fixed:@c2"], 1],
    ["c2-a", ["c2-u"], 2],
  ]);
  const fork = {
    ...list("c3", ""),
    messages: [...list("c2", "b").messages, { role: "user", content: "go on" }],
  };
  const forked = await project(threads, {
    ...fork,
    messages: fork.messages.map((message) => ({ ...message, is_answer: false })),
  });
  expect(forked.rows.map((row) => [row.content_text, row.previous_message_id])).toEqual([
    ["go on", ["c2-a"]],
  ]);
});

test("a fork that leaves out the answers that it copied, or edits what it copied, has no messages of its own for that", async () => {
  const threads = memoryThreads();
  const said = (role: string, id: string, content = id) => ({
    role,
    content,
    message_id: id,
    is_answer: false,
  });
  const call = (conversation: string, history: ReturnType<typeof said>[], answer: string) =>
    project(threads, {
      provider: "fake",
      conversation_id: conversation,
      in_order: true,
      messages: [...history, { ...said("assistant", answer), is_answer: true }],
    });
  const before = [said("user", "u1"), said("assistant", "a1"), said("tool", "t1"), said("assistant", "a2")];
  await call("c1", before.slice(0, 1), "a1");
  await call("c1", before.slice(0, 3), "a2");
  await call("c2", [...before, said("user", "u2")], "a3");
  const [first, , result] = before;
  const cleared = await call(
    "c2",
    [
      first!,
      before[1]!,
      { ...result!, content: "[cleared]" },
      before[3]!,
      said("user", "u2"),
      said("assistant", "a3"),
      said("user", "u3"),
    ],
    "a4",
  );
  const compacted = await call("c2", [first!, said("user", "summary")], "a5");
  expect(
    [...cleared.rows, ...compacted.rows].map((row) => [row.message_id, row.previous_message_id]),
  ).toEqual([
    ["u3", ["a3"]],
    ["a4", ["u3"]],
    ["summary", ["u1"]],
    ["a5", ["summary"]],
  ]);
});

test("what is unknown before a known native message is the client's edit of its past", async () => {
  const threads = memoryThreads();
  const answer = { role: "assistant", content: "b", message_id: "m2", is_answer: true };
  await project(threads, {
    ...base,
    messages: [{ role: "user", content: "at ten: a", is_answer: false }, answer],
  });
  const { rows, exchange } = await project(threads, {
    ...base,
    messages: [
      { role: "user", content: "at eleven: a", is_answer: false },
      { ...answer, is_answer: false },
      { role: "user", content: "c", is_answer: false },
    ],
  });
  expect(rows.map((row) => [row.content_text, row.previous_message_id])).toEqual([["c", ["m2"]]]);
  expect((exchange.attributes as JsonObject)["gateway"]).toMatchObject({ history_edits: 1 });
});

test("a request that names the response it goes on from continues its conversation behind that answer", async () => {
  const threads = memoryThreads();
  const call = (said: string, id: string, previous?: string): Projection => ({
    provider: "fake",
    conversation_id: "hash",
    conversation_inferred: true,
    in_order: true,
    messages: [
      { role: "user", content: said, is_answer: false },
      { role: "assistant", content: "yes", message_id: `m_${id}`, is_answer: true },
    ],
    ...(previous === undefined ? {} : { previous_response_id: previous }),
    response_is_kept: true,
    exchange: { request_class: "main", response_id: id },
  });
  await project(threads, call("a", "r1"));
  await project(threads, call("other", "r2"));
  const { rows } = await project(threads, call("b", "r3", "r1"));
  expect(rows.map((row) => [row.conversation_id, row.content_text, row.message_index])).toEqual([
    ["hash", "b", 2],
    ["hash", "yes", 3],
  ]);
  expect(rows[0]?.previous_message_id).toEqual(["m_r1"]);
  const whole = await project(threads, {
    ...call("a", "r4", "r3"),
    messages: [
      ...call("a", "r1").messages.map((message) => ({ ...message, is_answer: false })),
      { role: "user", content: "from the start", is_answer: false },
    ],
  });
  expect(whole.rows.map((row) => [row.content_text, row.previous_message_id])).toEqual([
    ["from the start", ["m_r1"]],
  ]);
  const unknown = await project(threads, call("b", "r5", "never seen"));
  expect(unknown.rows[0]?.conversation_id).toBe("hash:#3");
});
