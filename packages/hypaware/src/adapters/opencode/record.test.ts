import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { DatabaseRow, JsonObject, RecordReading } from "../../contract/plugin.ts";
import { ClientsDatabase } from "./database.testkit.ts";
import { opencodeDatabase } from "./record.ts";

const record = opencodeDatabase({ HOME: "/home/user" });

const row = (data: JsonObject, parts: readonly JsonObject[], more: DatabaseRow = {}): DatabaseRow => ({
  id: "msg_2",
  session_id: "ses_1",
  parent_id: null,
  directory: "/work",
  version: "1.18.33",
  time_created: 1_795_640_015_161,
  data: JSON.stringify(data),
  parts: JSON.stringify(parts.map((part, index) => ({ id: `prt_${index}`, data: JSON.stringify(part) }))),
  is_copy: 0,
  is_followed: 1,
  idle_ms: 0,
  ...more,
});
const readRow = (...[data, parts, more]: Parameters<typeof row>): RecordReading | "unfinished" =>
  record.read(row(data, parts, more), { last: "msg_1" });
const whole = (reading: RecordReading | "unfinished"): RecordReading =>
  reading === "unfinished" ? expect.unreachable("unfinished") : reading;

const said = { type: "text", text: "hi" };
const begin = { type: "step-start" };
const tokens = { input: 1, output: 2, reasoning: 0, cache: { read: 3, write: 0 } };
const finish = { type: "step-finish", reason: "stop", tokens };
const answer = {
  role: "assistant",
  modelID: "m",
  providerID: "anthropic",
  time: { created: 1, completed: 2 },
};
const tool = (state: JsonObject): JsonObject => ({ type: "tool", tool: "bash", callID: "call_1", state });

test("what a person said is whole when something follows or nothing came for a while, an answer when it is complete", () => {
  const user = { role: "user" };
  expect(readRow(user, [said], { is_followed: 0 })).toBe("unfinished");
  expect(whole(readRow(user, [said], { is_followed: 0, idle_ms: 61_000 })).entries).toHaveLength(1);
  expect(whole(readRow(user, [said])).entries).toMatchObject([
    {
      conversation_id: "ses_1",
      session_id: "ses_1",
      request_class: "main",
      cwd: "/work",
      client_version: "1.18.33",
      is_on_wire: true,
      message: {
        role: "user",
        message_id: "msg_2",
        previous_message_id: ["msg_1"],
        message_created_at: "2026-11-25T20:53:35.161Z",
        content: [{ type: "text", text: "hi" }],
      },
    },
  ]);
  const open = { ...answer, time: { created: 1 } };
  expect(readRow(open, [begin, said])).toBe("unfinished");
  expect(whole(readRow(open, [begin, said], { idle_ms: 901_000 })).entries).toHaveLength(1);
});

test("a session has changed when a message came, also where its own row does not say so", () => {
  const home = mkdtempSync(join(tmpdir(), "hyp-opencode-"));
  const database = new ClientsDatabase(home);
  try {
    const session = { directory: "/work", version: "1.18.33", time_created: 1 };
    database.put("session", { ...session, id: "ses_1", time_updated: 10 });
    database.put("session", { ...session, id: "ses_2", time_updated: 20 });
    const changed = (since: number): readonly unknown[] =>
      database.connection
        .prepare(record.sessions)
        .all({ since })
        .map((found) => [found["id"], found["changed"]]);
    const [one, two] = [
      ["ses_1", 10],
      ["ses_2", 20],
    ];
    expect(changed(0)).toEqual([one, two]);
    expect(changed(20)).toEqual([two]);
    const message = { session_id: "ses_1", time_created: 30, time_updated: 40, data: "{}" };
    database.put("message", { ...message, id: "msg_1" });
    expect(changed(20)).toEqual([two, ["ses_1", 30]]);
    expect(changed(31)).toEqual([]);
  } finally {
    database.close();
    rmSync(home, { recursive: true, force: true });
  }
});

test("an agent's session belongs to the one that began it", () => {
  const [entry] = whole(readRow(answer, [begin, said, finish], { parent_id: "ses_0" })).entries ?? [];
  expect(entry).toMatchObject({ conversation_id: "ses_1", session_id: "ses_0", request_class: "subagent" });
});

test("an answer that broke off and was repeated is one answer, and its tokens are those of the repeat", () => {
  const { entries, responses } = whole(
    readRow(answer, [begin, { type: "text", text: "h" }, begin, said, finish]),
  );
  expect(entries?.map(({ message }) => [message.message_id, message.content])).toEqual([
    ["msg_2", [{ type: "text", text: "hi" }]],
  ]);
  expect(responses).toMatchObject([
    { message_ids: ["msg_2"], usage: { input_tokens: 1, output_tokens: 2, cache_read_tokens: 3 } },
  ]);
});

test("a message of several answers is several messages, each with its tokens", () => {
  const first = [begin, tool({ status: "completed", input: { a: 1 }, output: "o" }), finish];
  const { entries, responses } = whole(readRow(answer, [...first, begin, said, finish]));
  expect(
    entries?.map(({ message }) => [message.message_id, message.role, message.previous_message_id]),
  ).toEqual([
    ["msg_2", "assistant", ["msg_1"]],
    ["prt_1/output", "user", ["msg_2"]],
    ["msg_2#2", "assistant", ["prt_1/output"]],
  ]);
  expect(responses).toHaveLength(2);
});

test("a call that failed brought its error; one without a result yet brought nothing", () => {
  const results = (state: JsonObject): unknown =>
    whole(readRow(answer, [begin, tool(state), finish])).entries?.[1]?.message.content;
  expect(results({ status: "error", input: {}, error: "no" })).toMatchObject([
    { content: "no", is_error: true },
  ]);
  expect(results({ status: "running", input: {} })).toMatchObject([{ content: "" }]);
});

test("a call of a tool that is not there has the name that was asked for; its arguments are the wire's to tell", () => {
  const input = { tool: "spawn_agent", error: "no such tool" };
  const state = { status: "completed", input, output: "The arguments are invalid" };
  const invalid = { ...tool(state), tool: "invalid" };
  const { entries } = whole(readRow(answer, [begin, invalid, finish]));
  expect(entries).toMatchObject([
    { changed_calls: ["call_1"], message: { content: [{ id: "call_1", name: "spawn_agent", input }] } },
    { message: { content: [{ type: "tool_result", tool_use_id: "call_1" }] } },
  ]);
  expect(entries?.[1]).not.toHaveProperty("changed_calls");
  // A tool of the person's own may be called so.
  const own = { ...tool({ status: "completed", input: { a: 1 }, output: "x" }), tool: "invalid" };
  const [first] = whole(readRow(answer, [begin, own, finish])).entries ?? [];
  expect(first).toMatchObject({ message: { content: [{ name: "invalid" }] } });
  expect(first).not.toHaveProperty("changed_calls");
});

test("results are messages of their own where the provider's shape has them so", () => {
  const calls = [
    begin,
    tool({ input: {}, output: "a" }),
    { ...tool({ input: {}, output: "b" }), callID: "call_2" },
    finish,
  ];
  const shape = (providerID: string): unknown =>
    whole(readRow({ ...answer, providerID }, calls)).entries?.map(({ message }) => [
      message.role,
      message.content.length,
    ]);
  expect(shape("anthropic")).toEqual([
    ["assistant", 2],
    ["user", 2],
  ]);
  expect(shape("google")).toEqual([
    ["assistant", 2],
    ["user", 2],
  ]);
  expect(shape("groq")).toEqual([
    ["assistant", 2],
    ["tool", 1],
    ["tool", 1],
  ]);
});

test("copies at the beginning of a fork are messages, and cost nothing", () => {
  const { entries, responses } = whole(readRow(answer, [begin, said, finish], { is_copy: 1 }));
  expect([entries?.length, responses]).toEqual([1, undefined]);
});

test("what the client keeps to itself is a remark; what is none of its own says nothing", () => {
  expect(whole(readRow({ role: "user" }, [{ type: "compaction", auto: true }])).entries).toMatchObject([
    { is_on_wire: false, message: { content: [{ type: "compaction" }] } },
  ]);
  expect(whole(readRow({ role: "user" }, [{ ...said, ignored: true }])).entries).toMatchObject([
    { is_on_wire: false },
  ]);
  for (const data of ["", "{", "[]", null, 5]) expect(record.read(row({}, [], { data }), {})).toEqual({});
  expect(record.read(row({ role: "user" }, [], { parts: null }), {})).toMatchObject({ entries: [] });
});

test("what it sends in a frame of its own is the same, and what it tells the model of itself is untold", () => {
  expect(record.isSentAs?.("hi\n", '{"content":"hi\\n","name":"bash"}')).toBe(true);
  expect(record.isSentAs?.("hi", '{"content":"ho","name":"bash"}')).toBe(false);
  expect(record.isSentAs?.("hi", "hi")).toBe(false);
  const untold = (role: string, text: string): boolean | undefined =>
    record.isUntold?.({ role, part_type: "text", text });
  expect([untold("system", "x"), untold("developer", "x"), untold("user", "x")]).toEqual([true, true, false]);
});
