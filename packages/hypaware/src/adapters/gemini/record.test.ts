import { expect, test } from "vitest";
import type { JsonObject, RecordEntry } from "../../contract/plugin.ts";
import { geminiChats, readChatLine } from "./chat/record.ts";

const PATH = "project/chats/session-2026-03-01T12-00-71e710c2.jsonl";
const header = { sessionId: "s", projectHash: "h", startTime: "", kind: "main" };
const at = { timestamp: "2026-03-01T12:00:00.000Z" };
const user = (id: string, ...texts: string[]): JsonObject => ({
  id,
  ...at,
  type: "user",
  content: texts.map((text) => ({ text })),
});
const tokens = { input: 12, output: 3, cached: 2, thoughts: 4, tool: 1, total: 20 };
const answer = (id: string, content: string, more: JsonObject = {}): JsonObject => ({
  id,
  ...at,
  type: "gemini",
  content,
  tokens,
  model: "m",
  ...more,
});
const call = (id: string): JsonObject => ({
  id: `ls__${id}`,
  name: "ls",
  args: { path: "." },
  status: "success",
});
const result = (id: string, ...calls: string[]): JsonObject => ({
  id,
  ...at,
  type: "user",
  content: calls.map((each) => ({
    functionResponse: { id: `ls__${each}`, name: "ls", response: { output: "a" } },
  })),
});
const set = (...messages: JsonObject[]): JsonObject => ({ $set: { messages } });

function read(lines: readonly JsonObject[], path = PATH) {
  let memory = {};
  const readings = lines.map((line) => {
    const reading = readChatLine({ text: JSON.stringify(line), path, memory });
    memory = JSON.parse(JSON.stringify(reading?.memory ?? memory)) as JsonObject;
    return reading;
  });
  return {
    entries: readings.flatMap((reading) => reading?.entries ?? []),
    responses: readings.flatMap((reading) => reading?.responses ?? []),
  };
}
const names = (entries: readonly RecordEntry[]): unknown =>
  entries.map(({ message }) => [message.message_id, message.previous_message_id[0]]);

test("what was told before an answer is one message, under the name of the last, and comes with the answer", () => {
  const { entries, responses } = read([
    header,
    set(user("c", "context")),
    user("u1", "hi"),
    answer("a1", "ho"),
    user("u2", "and?"),
  ]);
  expect(entries).toMatchObject([
    {
      conversation_id: "s",
      session_id: "s",
      request_class: "main",
      is_on_wire: true,
      message: {
        role: "user",
        message_id: "u1",
        previous_message_id: [],
        content: [
          { type: "text", text: "context" },
          { type: "text", text: "hi" },
        ],
      },
    },
    {
      model: "m",
      may_grow: true,
      message: { role: "assistant", message_id: "a1", previous_message_id: ["u1"] },
    },
  ]);
  expect(responses).toMatchObject([
    {
      message_ids: ["a1"],
      usage: { input_tokens: 11, cache_read_tokens: 2, output_tokens: 7, reasoning_tokens: 4 },
    },
  ]);
});

test("an answer that is told again with its calls takes its place, and results lead to them", () => {
  const { entries } = read([
    header,
    user("u1", "hi"),
    answer("a1", "look", { thoughts: [{ subject: "S", description: "d." }] }),
    answer("a1", "look", {
      thoughts: [{ subject: "S", description: "d." }],
      toolCalls: [call("1"), call("2")],
    }),
    result("r1", "1", "2"),
    answer("a2", "done"),
  ]);
  expect(names(entries)).toEqual([
    ["u1", undefined],
    ["a1", "u1"],
    ["a1", "u1"],
    ["r1", "a1"],
    ["a2", "r1"],
  ]);
  const [, , whole, results] = entries.map(({ message }) => message);
  const blocksOf = (message: typeof whole): readonly JsonObject[] =>
    (message?.content ?? []) as readonly JsonObject[];
  expect(whole?.content).toMatchObject([
    { type: "thinking", thinking: "**S** d." },
    { type: "text", text: "look" },
    { type: "tool_use", name: "ls", input: { path: "." } },
    { type: "tool_use", name: "ls" },
  ]);
  const ids = blocksOf(whole).flatMap(({ id }) => id ?? []);
  expect(new Set(ids).size).toBe(2);
  expect(blocksOf(results).map((block) => block["tool_use_id"])).toEqual(ids);
  expect([whole?.joins?.slice(0, 2), results?.joins]).toEqual([
    ["call:1", "call:2"],
    ["result:1", "result:2"],
  ]);
});

test("an equal call of a later turn is another one, and of a turn that was taken back it is the first again", () => {
  const turn = (n: number): readonly JsonObject[] => [
    user(`u${n}`, "hi"),
    answer(`a${n}`, "", { toolCalls: [call(`${n}`)] }),
  ];
  const idsOf = (lines: readonly JsonObject[]): readonly unknown[] =>
    read([header, ...lines]).entries.flatMap(({ message }) =>
      (message.content as readonly JsonObject[]).flatMap(({ id }) => id ?? []),
    );
  const [first, second] = idsOf([...turn(1), ...turn(2)]);
  expect(second).toBe(`${String(first)}_2`);
  expect(idsOf([...turn(1), { $rewindTo: "u1" }, ...turn(2)])).toEqual([first, first]);
});

test("a prompt that failed is taken back and never told; what follows hangs where it hung", () => {
  const { entries } = read([
    header,
    user("u1", "hi"),
    answer("a1", "ho"),
    user("u2", "fails"),
    set(user("u1", "hi"), { ...answer("a1", "ho"), tokens: null }),
    user("u3", "again"),
    answer("a3", "ok"),
  ]);
  expect(names(entries.filter(({ message }) => message.message_id.endsWith("3")))).toEqual([
    ["u3", "a1"],
    ["a3", "u3"],
  ]);
  expect(entries.some(({ message }) => message.message_id === "u2")).toBe(false);
});

test("a session that is taken up goes on below what was said, and each result stands once", () => {
  const calls = { functionCall: { id: "ls__1", name: "ls", args: { path: "." } } };
  const { entries } = read([
    header,
    user("u1", "hi"),
    answer("a1", "look", { toolCalls: [call("1")] }),
    result("r1", "1"),
    answer("a2", "done"),
    header,
    set(user("c", "context")),
    { $set: { sessionId: "s" } },
    set(
      user("u1", "hi"),
      {
        id: "a1",
        ...at,
        type: "gemini",
        content: [{ text: "**S** d.", thought: true }, { text: "look" }, calls],
      },
      result("a1_response", "1"),
      result("r1", "1"),
      { id: "a2", ...at, type: "gemini", content: [{ text: "done" }] },
    ),
    user("u3", "more"),
    answer("a3", "ok"),
  ]);
  expect(names(entries.slice(-2))).toEqual([
    ["u3", "a2"],
    ["a3", "u3"],
  ]);
  const again = entries.filter(({ message }) => message.message_id === "r1");
  expect(again.map(({ message }) => message.content.length)).toEqual([1, 1]);
});

test("a summary of the history is a root for the client, and names what it stands for", () => {
  const { entries } = read([
    header,
    user("u1", "hi"),
    answer("a1", "ho"),
    set(user("z", "<state_snapshot>all</state_snapshot>"), {
      id: "y",
      ...at,
      type: "gemini",
      content: [{ text: "Got it." }],
    }),
    user("u2", "go on"),
    answer("a2", "ok"),
  ]);
  expect(entries.find(({ message }) => message.message_id === "z")?.message).toMatchObject({
    previous_message_id: [],
    logical_parent_uuid: "a1",
    is_compact_summary: true,
  });
  expect(names(entries.slice(-2))).toEqual([
    ["u2", "y"],
    ["a2", "u2"],
  ]);
});

test("a subagent's chat belongs to the session that began it", () => {
  const { entries } = read(
    [{ ...header, sessionId: "agent" }, user("u1", "do"), answer("a1", "done")],
    "p/chats/s/agent.jsonl",
  );
  expect(entries).toMatchObject([
    { conversation_id: "agent", session_id: "s", request_class: "subagent", message: { is_sidechain: true } },
    { conversation_id: "agent", session_id: "s" },
  ]);
});

test("what is no chat, or not of a session that is named, says nothing", () => {
  for (const text of ["", "{", "[]", "5", '"x"'])
    expect(readChatLine({ text, path: PATH, memory: {} })).toBeUndefined();
  expect(read([user("u1", "hi"), answer("a1", "ho")]).entries).toEqual([]);
  const odd = [
    { id: "a" },
    { id: 5, type: "gemini" },
    { $set: null },
    { $set: { messages: [5, {}, { id: "x" }] } },
    { $rewindTo: "?" },
  ];
  expect(
    read([header, ...(odd as JsonObject[]), { ...answer("a1", "ho"), timestamp: "never" }]).entries,
  ).toEqual([]);
  expect(read([header, { ...answer("a1", ""), tokens: [], toolCalls: "x", thoughts: 7 }]).entries).toEqual(
    [],
  );
});

test("the client trims what was said, drops what nobody sees, and cuts a thought in two", () => {
  const isSentAs = (told: string, sent: string): boolean | undefined =>
    geminiChats({}).isSentAs?.(told, sent);
  expect(isSentAs("hello", " hel\u200Blo<!-- no -->\n")).toBe(true);
  expect(isSentAs("**Subject** what I do", "**Subject**\n\nwhat I do\n\n\n")).toBe(true);
  expect(isSentAs("hello", "hell")).toBe(false);
});
