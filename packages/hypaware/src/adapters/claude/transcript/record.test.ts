import { expect, test } from "vitest";
import type { JsonObject, RecordEntry } from "../../../contract/plugin.ts";
import { FIXTURES, readEntries, readTranscripts } from "../fixtures.testkit.ts";
import { readTranscriptLine, transcripts } from "./record.ts";

const SESSION = "fa8e0815-43c9-4475-a2d7-2954d3e503ca";
const read = (line: JsonObject, memory: JsonObject = {}): ReturnType<typeof readTranscriptLine> =>
  readTranscriptLine({ text: JSON.stringify(line), memory });
const USUAL = { uuid: "u", parentUuid: "p", sessionId: SESSION, timestamp: "2026-03-01T12:00:00Z" };
const reading = (line: JsonObject): ReturnType<typeof readTranscriptLine> => read({ ...USUAL, ...line });
const entry = (line: JsonObject): RecordEntry | undefined => reading(line)?.entries?.[0];

test("a prompt has its names, its chain and its place", () => {
  const said = entry({
    type: "user",
    message: { role: "user", content: "hello" },
    promptId: "prompt",
    cwd: "/w",
    gitBranch: "topic",
    version: "2.1.330",
    entrypoint: "cli",
    userType: "external",
    isSidechain: false,
  });
  expect(said).toMatchObject({
    conversation_id: SESSION,
    session_id: SESSION,
    request_class: "main",
    is_on_wire: true,
    cwd: "/w",
    git_branch: "topic",
    client_version: "2.1.330",
    message: {
      role: "user",
      content: [{ type: "text", text: "hello" }],
      message_id: "u",
      provider_uuid: "u",
      parent_uuid: "p",
      previous_message_id: ["p"],
      message_created_at: "2026-03-01T12:00:00.000Z",
      prompt_id: "prompt",
      provider_type: "user",
      is_sidechain: false,
      links: [],
    },
  });
  expect(said?.message.raw_frame).toMatchObject({ uuid: "u", message: { role: "user" } });
  expect(said?.message.raw_frame).not.toHaveProperty("message.content");
  expect(entry({ type: "user", parentUuid: null })?.message.previous_message_id).toEqual([]);
});

test("what began a subagent stands beside its file, and on its messages", () => {
  const record = transcripts({ HOME: "/home/p" });
  expect(record.beside?.(`-w/${SESSION}/subagents/agent-a1.jsonl`)).toBe("agent-a1.meta.json");
  expect(record.beside?.(`-w/${SESSION}.jsonl`)).toBeUndefined();
  const text = JSON.stringify({
    ...USUAL,
    type: "user",
    isSidechain: true,
    agentId: "a1",
    message: { content: "x" },
  });
  const told = (beside?: string): unknown =>
    readTranscriptLine({ text, memory: {}, ...(beside !== undefined && { beside }) })?.entries?.[0]?.message
      .attributes;
  const meta = {
    agentType: "Explore",
    description: "look",
    toolUseId: "toolu_1",
    spawnDepth: 1,
    finished: true,
  };
  expect(told(JSON.stringify(meta))).toEqual({
    claude: { agent: { type: "Explore", description: "look", tool_use_id: "toolu_1", depth: 1 } },
  });
  for (const nothing of [undefined, "", "{", "[]", "{}"]) expect(told(nothing)).toBeUndefined();
});

test("other spellings of a line's members say the same, and less than the client's own", () => {
  const message = { role: "assistant", content: [{ type: "text", text: "a" }], usage: { output_tokens: 1 } };
  const other = reading({
    type: "assistant",
    parentUuid: null,
    parent_uuid: "p",
    logical_parent_uuid: "l",
    source_tool_assistant_uuid: "t",
    request_id: "req",
    prompt_id: "prompt",
    claude_version: "1.0.0",
    user_type: "external",
    permission_mode: "plan",
    is_sidechain: false,
    compact_metadata: { trigger: "auto" },
    messageId: "msg",
    message,
  });
  const said = other?.entries?.[0];
  expect(said).toMatchObject({
    client_version: "1.0.0",
    message: {
      previous_message_id: ["p"],
      parent_uuid: "p",
      logical_parent_uuid: "l",
      source_tool_assistant_uuid: "t",
      request_id: "req",
      prompt_id: "prompt",
      user_type: "external",
      permission_mode: "plan",
      is_sidechain: false,
      compact_metadata: { trigger: "auto" },
      links: [expect.stringMatching(/^answer:msg=/)],
      raw_frame: { parentUuid: null, parent_uuid: "p" },
    },
  });
  expect(said?.message.raw_frame).not.toHaveProperty("promptId");
  expect(other?.responses).toMatchObject([{ response_id: "msg", request_id: "req" }]);
  const both = entry({
    type: "user",
    parent_uuid: "other",
    promptId: "own",
    prompt_id: "other",
    messageId: "other",
    message: { ...message, id: "own" },
  });
  expect(both?.message).toMatchObject({ parent_uuid: "p", prompt_id: "own" });
});

test("a subagent's line belongs to the subagent's conversation", () => {
  const said = entry({ type: "user", isSidechain: true, agentId: "a1", message: { content: "x" } });
  expect(said).toMatchObject({ conversation_id: `${SESSION}/a1`, request_class: "subagent" });
});

test("a line that a fork copied says in which session it was said", () => {
  expect(entry({ type: "assistant", requestSessionId: "other", message: { content: "x" } })?.said_in).toBe(
    "other",
  );
});

test("an answer's block is named by its place, older versions' by what it says", () => {
  const line = { type: "assistant", message: { id: "msg", content: [{ type: "text", text: "a" }] } };
  expect(entry({ ...line, apiBlockIndex: 2 })?.message.links).toContain("answer:msg#2");
  expect(entry(line)?.message.links).toEqual([expect.stringMatching(/^answer:msg=[0-9a-f]{16}$/)]);
});

test("what the client says to itself is a message, but not on the wire", () => {
  const attachment = entry({ type: "attachment", attachment: { type: "hook", hookEvent: "Stop", x: 1 } });
  expect(attachment).toMatchObject({
    is_on_wire: false,
    message: {
      role: "system",
      content: [{ type: "attachment" }],
      attachment_type: "hook",
      hook_event: "Stop",
      raw_frame: { attachment: { x: 1 } },
    },
  });
  const boundary = entry({
    type: "system",
    subtype: "compact_boundary",
    parentUuid: null,
    logicalParentUuid: "l",
    compactMetadata: { trigger: "manual" },
  });
  expect(boundary?.message).toMatchObject({
    content: [{ type: "system" }],
    provider_subtype: "compact_boundary",
    previous_message_id: [],
    logical_parent_uuid: "l",
    compact_metadata: { trigger: "manual" },
  });
  const failure = entry({
    type: "assistant",
    isApiErrorMessage: true,
    message: { role: "assistant", model: "<synthetic>", content: [{ type: "text", text: "API Error" }] },
  });
  expect(failure?.is_on_wire).toBe(false);
  expect(failure?.model).toBeUndefined();
});

test("what it asks of its own accord after an answer that was too long may have no line; what a person says has one", () => {
  const record = transcripts({ HOME: "/home/user" });
  const said = { role: "user", part_type: "text" };
  const text = "Output token limit hit. Resume directly \u2014 no apology, no recap of what you were doing.";
  expect(record.isUntold?.({ ...said, text })).toBe(true);
  expect(record.isUntold?.({ ...said, text: `Why does it say: ${text}` })).toBe(false);
});

test("what a cut answer cost is the client's guess", () => {
  const said = reading({
    type: "assistant",
    isAbortedMidStream: true,
    message: { content: "x", usage: { output_tokens: 28 } },
  });
  expect(said?.entries?.[0]?.message.attributes).toEqual({
    claude: { reported_usage: { output_tokens: 28 } },
  });
  expect(said?.responses).toMatchObject([{ usage: { output_tokens: 28 }, is_estimate: true }]);
});

test("a line that was written before its answer ended does not tell how long the answer was", () => {
  const usage = { input_tokens: 11, output_tokens: 1 };
  const told = (stopReason: string | null): unknown =>
    reading({ type: "assistant", message: { content: "x", stop_reason: stopReason, usage } })?.responses?.[0]
      ?.usage;
  expect(told(null)).toEqual({ input_tokens: 11 });
  expect(told("end_turn")).toEqual({ input_tokens: 11, output_tokens: 1 });
});

test("each block of an answer tells what the answer cost; what the client made up itself cost nothing", () => {
  const usage = {
    input_tokens: 11,
    cache_read_input_tokens: 2,
    cache_creation_input_tokens: 1,
    output_tokens: 9,
  };
  const message = { id: "msg", model: "m", content: "x", usage };
  expect(reading({ type: "assistant", requestId: "req", message })?.responses).toEqual([
    {
      conversation_id: SESSION,
      session_id: SESSION,
      request_class: "main",
      provider: "anthropic",
      response_id: "msg",
      request_id: "req",
      message_ids: ["u"],
      model: "m",
      responded_at: "2026-03-01T12:00:00.000Z",
      usage: { input_tokens: 11, cache_read_tokens: 2, cache_write_tokens: 1, output_tokens: 9 },
    },
  ]);
  expect(
    reading({ type: "assistant", message: { ...message, model: "<synthetic>" } })?.responses,
  ).toBeUndefined();
  expect(reading({ type: "user", message })?.responses).toBeUndefined();
});

test("a summary belongs to the line before it, above the first line to that, and goes on from its message if that is this line", () => {
  const summary = (text: string, leafUuid: string): JsonObject => ({
    type: "summary",
    summary: text,
    leafUuid,
  });
  const user = (uuid: string, at: string): JsonObject => ({
    ...USUAL,
    type: "user",
    uuid,
    timestamp: at,
    message: { content: "x" },
  });
  const lines = [
    summary("one", "u9"),
    summary("two", "u1"),
    user("u1", "2026-03-01T12:00:00Z"),
    user("u2", "2026-03-01T12:00:01Z"),
    { ...user("a1", "2026-03-01T12:00:02Z"), isSidechain: true, agentId: "a" },
    summary("three", "u2"),
    summary("four", "u1"),
  ];
  let memory: JsonObject = {};
  const entries = lines.flatMap((line) => {
    const told = read(line, memory);
    memory = told?.memory ?? memory;
    return told?.entries ?? [];
  });
  const summaries = entries.filter(({ message }) => message.provider_type === "summary");
  expect(
    summaries.map(({ session_id: session, is_on_wire: travels, message }) => [
      session,
      travels,
      message.role,
      message.content,
      message.previous_message_id,
      message.message_created_at.slice(17, 19),
    ]),
  ).toEqual(
    [
      ["one", [], "00"],
      ["two", ["u1"], "00"],
      ["three", ["u2"], "01"],
      ["four", [], "01"],
    ].map(([text, previous, second]) => [
      SESSION,
      false,
      "system",
      [{ type: "text", text }],
      previous,
      second,
    ]),
  );
  expect(summaries[0]?.message).toMatchObject({
    attributes: { claude: { leaf_uuid: "u9" } },
    raw_frame: { type: "summary", leafUuid: "u9" },
  });
  // Another file says it again.
  const again = read(user("u5", "2026-03-02T12:00:00Z"), read(lines[0]!)?.memory);
  expect(again?.entries?.[1]?.message.message_id).toBe(summaries[0]?.message.message_id);
});

test("what is no message says nothing", () => {
  for (const line of ["", "{", "[]", "null", '"x"', '{"type":"summary","leafUuid":"u"}'])
    expect(readTranscriptLine({ text: line, memory: {} })).toBeUndefined();
  expect(entry({ type: "user", uuid: 1 })).toBeUndefined();
  expect(entry({ type: "user", timestamp: "yesterday" })).toBeUndefined();
});

test("transcripts lie where the client's settings say, and only they are read", () => {
  const record = transcripts({ HOME: "/home/p" });
  expect(record.roots).toEqual(["/home/p/.claude/projects"]);
  expect(transcripts({ HOME: "/home/p", CLAUDE_CONFIG_DIR: "/c" }).roots).toEqual(["/c/projects"]);
  expect(record.accepts(`-w/${SESSION}.jsonl`)).toBe(true);
  expect(record.accepts(`-w/${SESSION}/subagents/agent-a83776af4dc783c7a.jsonl`)).toBe(true);
  for (const other of [`-w/${SESSION}/tool-results/x.txt`, "-w/memory/notes.jsonl", `-w/${SESSION}.json`])
    expect(record.accepts(other)).toBe(false);
});

test("a hook's path tells of another folder of transcripts, and of nothing else", () => {
  const record = transcripts({ HOME: "/home/p" });
  const root = (path: string): string | undefined => record.rootOf?.(path, SESSION);
  expect(root(`/c/projects/-w/${SESSION}.jsonl`)).toBe("/c/projects");
  expect(root(`/c/x/../projects/-w/${SESSION}.jsonl`)).toBe("/c/projects");
  for (const other of [
    `c/projects/-w/${SESSION}.jsonl`,
    "/c/projects/-w/agent-1.jsonl",
    `/c/projects/-w/${SESSION}.json`,
    `/c/projects/${SESSION}.jsonl`,
    `/home/p/work/${SESSION}.jsonl`,
    "/c/projects/-w/11111111-2222-4333-8444-555555555555.jsonl",
  ])
    expect(root(other)).toBeUndefined();
});

test.each(FIXTURES)("%s: each uuid is an entry, chained whole", (name) => {
  const lines = Object.values(readTranscripts(name)).flat();
  const entries = readEntries(name);
  expect(entries.map(({ message }) => message.message_id)).toEqual(lines.flatMap(({ uuid }) => uuid ?? []));
  const known = new Set(entries.map(({ message }) => message.message_id));
  for (const { message } of entries)
    for (const id of [...message.previous_message_id, message.logical_parent_uuid ?? message.message_id])
      expect(known).toContain(id);
});
