// Six ordinary sessions that a recorder which names messages by their content stores wrongly: it loses what is said twice with the
// tokens of its answer, and keeps twice what comes by two ways. Here each goes from the bytes in the journal to rows that a query sees.
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Json, JsonObject } from "../contract/plugin.ts";
import { answer, ask, CarriedSocket } from "../daemon/carried.testkit.ts";
import { RecordedHome } from "../daemon/recorded-home.testkit.ts";
import { activated } from "./activated.testkit.ts";
import { BUNDLED_ADAPTERS } from "./bundled.ts";

const SESSION = "11111111-2222-4333-8444-555555555555";
/** Of the first, second and third answer: 66 together. */
const OUTPUT = [11, 22, 33] as const;

let home: RecordedHome;
let exchanges = 0;
beforeEach(async () => {
  exchanges = 0;
  home = await RecordedHome.open((folder) => activated(BUNDLED_ADAPTERS, folder));
});
afterEach(() => home.close());

/** What is stored, in all: messages, output tokens of the messages, output tokens of the exchanges. */
async function stored(): Promise<readonly unknown[]> {
  const [counts] = await home.rows(`
    SELECT count(DISTINCT message_id), count(*),
      sum(CAST(attributes -> 'usage' ->> 'output_tokens' AS INTEGER)),
      (SELECT sum(output_tokens) FROM ai_gateway_exchanges)
    FROM ai_gateway_messages`);
  return counts!.map(Number);
}

const said = (): Promise<readonly unknown[]> =>
  home.rows("SELECT role, content_text FROM ai_gateway_messages ORDER BY message_index, part_index");

/** Each message behind the one before it. */
async function isChain(): Promise<boolean> {
  const rows = await home.rows(
    "SELECT message_id, previous_message_id FROM ai_gateway_messages ORDER BY message_index, part_index",
  );
  const previous = rows.map(([, ids]) => (ids as { value: readonly string[] }).value);
  return previous.every((ids, index) => ids[0] === (index === 0 ? undefined : rows[index - 1]![0]));
}

const startOf = (n: number): number => Date.parse("2026-03-01T12:00:00Z") + n * 10_000;

async function exchange(
  upstream: string,
  target: string,
  headers: Readonly<Record<string, string>>,
  body: Json,
  answered: Parameters<typeof answer>[2],
): Promise<void> {
  const sink = await home.journal();
  const exchangeId = (++exchanges).toString(16).padStart(32, "0");
  ask(sink, { exchangeId, target, upstream, headers, body, startedAt: startOf(exchanges) });
  answer(sink, exchangeId, answered);
  await home.record();
}

const THREE_TIMES = ["continue", "continue", "continue"] as const;
const DONE = ["Done.", "Done.", "Done."] as const;
const DIFFERENT = ["First.", "Second.", "Third."] as const;

/** One prompt after the other, the history before each. `item`: how the client sends what was said. */
function* turns<T>(
  answers: readonly string[],
  item: (role: "user" | "assistant", text: string, n: number) => T,
): Generator<{ readonly input: readonly T[]; readonly answered: T; readonly n: number }> {
  const history: T[] = [];
  for (const [n, prompt] of THREE_TIMES.entries()) {
    history.push(item("user", prompt, n));
    const answered = item("assistant", answers[n]!, n);
    yield { input: [...history], answered, n };
    history.push(answered);
  }
}

const THREAD_HEADERS = {
  "user-agent": "codex_exec/0.169.0 (Debian 12.0.0; x86_64) dumb (codex_exec; 0.169.0)",
  originator: "codex_exec",
  "session-id": SESSION,
  "thread-id": SESSION,
};

function codexItem(role: string, text: string, id: string | undefined): JsonObject {
  const type = role === "user" ? "input_text" : "output_text";
  return { type: "message", ...(id === undefined ? {} : { id }), role, content: [{ type, text }] };
}

function codexEvents(n: number, output: readonly Json[]): Json[] {
  const id = `resp_${n}`;
  const usage = { input_tokens: 100, output_tokens: OUTPUT[n]!, total_tokens: 100 + OUTPUT[n]! };
  return [
    { type: "response.created", response: { id, status: "in_progress", output: [] } },
    ...output.map((item, index) => ({ type: "response.output_item.done", output_index: index, item })),
    { type: "response.completed", response: { id, status: "completed", output, usage } },
  ];
}

describe.each([
  ["items without ids", (): undefined => undefined],
  ["items with the ids that the client gives them", (role: string, n: number) => `msg_${role}_${n}`],
])("Codex over HTTP, %s", (_, id) => {
  const items = (answers: readonly string[]) =>
    turns(answers, (role, text, n) => codexItem(role, text, id(role, n)));
  const send = async (answers: readonly string[], between?: () => Promise<void>): Promise<void> => {
    for (const { input, answered, n } of items(answers)) {
      const body = { model: "gpt-6.1-sol", stream: true, store: false, input: [...input] };
      await exchange("openai", "/v1/responses", THREAD_HEADERS, body, {
        body: { events: codexEvents(n, [answered]) },
      });
      await between?.();
    }
  };

  test("three times the same prompt and the same answer: 6 messages, 66 tokens", async () => {
    await send(DONE);
    expect(await stored()).toEqual([6, 6, 66, 66]);
    expect(await said()).toEqual(
      [0, 1, 2].flatMap(() => [
        ["user", "continue"],
        ["assistant", "Done."],
      ]),
    );
    expect(await isChain()).toBe(true);
  });

  test("three times the same prompt and three answers: 6 messages, 66 tokens", async () => {
    await send(DIFFERENT);
    expect(await stored()).toEqual([6, 6, 66, 66]);
    expect(await said()).toEqual(
      DIFFERENT.flatMap((text) => [
        ["user", "continue"],
        ["assistant", text],
      ]),
    );
    expect(await isChain()).toBe(true);
  });

  test("and sealed after each, by a recorder that knows only what is stored", async () => {
    await send(DONE, async () => {
      await home.seal();
      home.restartRecorder();
    });
    expect(await stored()).toEqual([6, 6, 66, 66]);
    expect(await isChain()).toBe(true);
  }, 60_000);
});

test("Codex over a WebSocket, only the new items sent: 6 messages, 66 tokens", async () => {
  const sink = await home.journal();
  const connection = { exchangeId: "0".repeat(32), target: "/v1/responses", upstream: "openai" };
  const socket = new CarriedSocket(sink, { ...connection, headers: THREAD_HEADERS, startedAt: startOf(0) });
  for (const { input, answered, n } of turns(DONE, (role, text, turn) =>
    codexItem(role, text, `${role}_${turn}`),
  )) {
    const previous = n === 0 ? {} : { previous_response_id: `resp_${n - 1}` };
    socket.say("client", { type: "response.create", store: false, ...previous, input: input.slice(-1) });
    for (const event of codexEvents(n, [answered])) socket.say("server", event);
  }
  socket.close();
  await home.record();
  expect(await stored()).toEqual([6, 6, 66, 66]);
  expect(await isChain()).toBe(true);
});

test("the same items by HTTP and, when the client comes back, by WebSocket: 4 messages under their own ids, 33 tokens", async () => {
  // The record that Codex keeps itself has the items under these ids, too.
  const [first, second] = [...turns(DIFFERENT, (role, text, n) => codexItem(role, text, `msg_${role}_${n}`))];
  await exchange(
    "openai",
    "/v1/responses",
    THREAD_HEADERS,
    { input: [...first!.input], store: false },
    {
      body: { events: codexEvents(0, [first!.answered]) },
    },
  );
  const sink = await home.journal();
  const connection = { exchangeId: "f".repeat(32), target: "/v1/responses", upstream: "openai" };
  const socket = new CarriedSocket(sink, { ...connection, headers: THREAD_HEADERS, startedAt: startOf(5) });
  socket.say("client", { type: "response.create", store: false, input: [...second!.input] });
  for (const event of codexEvents(1, [second!.answered])) socket.say("server", event);
  socket.close();
  await home.record();
  expect(await stored()).toEqual([4, 4, 33, 33]);
  const names = await home.rows("SELECT message_id FROM ai_gateway_messages ORDER BY message_index");
  expect(names.flat()).toEqual(["msg_user_0", "msg_assistant_0", "msg_user_1", "msg_assistant_1"]);
});

describe("Codex and its rollout", () => {
  const rollout = "rollout-2026-03-01T12-00-00";
  const day = ".codex/sessions/2026/03/01";
  /** Each turn as the client writes it down, with what its response cost. */
  function writeRollout(
    answers: readonly string[],
    id: (role: string, n: number) => string | undefined,
  ): void {
    const lines = [...turns(answers, (role, text, n) => codexItem(role, text, id(role, n)))].flatMap(
      ({ input, answered, n }) => [
        { type: "response_item", payload: input.at(-1)! },
        { type: "response_item", payload: answered },
        { type: "token_usage_record", payload: { response_id: `resp_${n}`, usage: usageOf(n) } },
      ],
    );
    const meta = { type: "session_meta", payload: { id: SESSION, session_id: SESSION } };
    const whole = [meta, ...lines].map((line, ordinal) => ({
      timestamp: new Date(startOf(ordinal)).toISOString(),
      ordinal,
      ...line,
    }));
    mkdirSync(join(home.folder, day), { recursive: true });
    const text = whole.map((line) => `${JSON.stringify(line)}\n`).join("");
    appendFileSync(join(home.folder, day, `${rollout}-${SESSION}.jsonl`), text);
  }
  const usageOf = (n: number): JsonObject => ({ input_tokens: 100, output_tokens: OUTPUT[n]! });
  const named = (role: string, n: number): string => `msg_${role}_${n}`;

  const writeWire = async (
    answers: readonly string[],
    id: (role: string, n: number) => string | undefined,
  ) => {
    for (const { input, answered, n } of turns(answers, (role, text, turn) =>
      codexItem(role, text, id(role, turn)),
    )) {
      const body = { input: [...input], store: false };
      await exchange("openai", "/v1/responses", THREAD_HEADERS, body, {
        body: { events: codexEvents(n, [answered]) },
      });
    }
  };

  test.each([
    ["items without ids", (): undefined => undefined],
    ["items with ids", named],
  ])("the rollout alone, %s, three times the same: 6 messages", async (_, id) => {
    writeRollout(DONE, id);
    await home.record();
    expect((await stored()).slice(0, 2)).toEqual([6, 6]);
    expect(await isChain()).toBe(true);
  });

  test.each([
    ["then the rollout", DIFFERENT, named],
    ["then the rollout, three times the same", DONE, named],
    ["then the rollout, items without ids", DIFFERENT, (): undefined => undefined],
    ["then the rollout, three times the same, items without ids", DONE, (): undefined => undefined],
  ] as const)(
    "by the gateway, %s, and the other way round: 6 messages, 66 tokens",
    async (_, answers, id) => {
      await writeWire(answers, id);
      writeRollout(answers, id);
      await home.record();
      expect(await stored()).toEqual([6, 6, 66, 66]);
      expect(await isChain()).toBe(true);
      const before = await home.rows(
        "SELECT message_id, previous_message_id FROM ai_gateway_messages ORDER BY message_index",
      );
      await home.close();
      home = await RecordedHome.open((folder) => activated(BUNDLED_ADAPTERS, folder));
      writeRollout(answers, id);
      await home.record();
      await writeWire(answers, id);
      expect(await stored()).toEqual([6, 6, 66, 66]);
      expect(
        await home.rows(
          "SELECT message_id, previous_message_id FROM ai_gateway_messages ORDER BY message_index",
        ),
      ).toEqual(before);
    },
  );
});

/** The client's transcript of the session, line by line. */
class Transcript {
  readonly #file: string;
  #last: string | null = null;
  #count = 0;

  constructor(folder: string) {
    const projects = join(folder, ".claude", "projects", "-project");
    mkdirSync(projects, { recursive: true });
    this.#file = join(projects, `${SESSION}.jsonl`);
  }

  write(type: "user" | "assistant", message: JsonObject, fields: JsonObject = {}): void {
    const uuid = `uuid-${++this.#count}`;
    const timestamp = new Date(startOf(this.#count)).toISOString();
    const line = { uuid, parentUuid: this.#last, sessionId: SESSION, timestamp, type, ...fields };
    appendFileSync(this.#file, `${JSON.stringify({ ...line, message: { role: type, ...message } })}\n`);
    this.#last = uuid;
  }
}

const CLAUDE_HEADERS = {
  "user-agent": "claude-cli/2.1.330 (external, cli)",
  "x-claude-code-session-id": SESSION,
};

const claudeEvents = (n: number, content: JsonObject, outputTokens: number): Json[] => [
  {
    type: "message_start",
    message: { id: `msg_${n}`, role: "assistant", content: [], usage: { input_tokens: 9, output_tokens: 1 } },
  },
  { type: "content_block_start", index: 0, content_block: content },
  { type: "content_block_stop", index: 0 },
  { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: outputTokens } },
  { type: "message_stop" },
];

const claudeCall = (
  messages: readonly Json[],
  events: readonly Json[],
  headers: Readonly<Record<string, string>> = CLAUDE_HEADERS,
): Promise<void> =>
  exchange("anthropic", "/v1/messages?beta=true", headers, { stream: true, messages }, { body: { events } });

describe("Claude Code: a prompt, a tool call, its result and the answer", () => {
  const call = { type: "tool_use", id: "toolu_1", name: "Bash", input: { command: "ls" } };
  const result = { type: "tool_result", tool_use_id: "toolu_1", content: "README.md" };
  const text = { type: "text", text: "One file." };
  const asked = [{ role: "user", content: "what is here?" }];
  const steps = {
    wire: async (): Promise<void> => {
      await claudeCall(asked, claudeEvents(1, call, 20));
      const history = [...asked, { role: "assistant", content: [call] }, { role: "user", content: [result] }];
      await claudeCall(history, claudeEvents(2, text, 50));
    },
    record: async (): Promise<void> => {
      const transcript = new Transcript(home.folder);
      transcript.write("user", { content: "what is here?" });
      const usage = { input_tokens: 9, output_tokens: 20 };
      transcript.write("assistant", { id: "msg_1", content: [call], usage }, { apiBlockIndex: 0 });
      transcript.write("user", { content: [result] });
      transcript.write("assistant", { id: "msg_2", content: [text] }, { apiBlockIndex: 0 });
      await home.record();
    },
    seal: (): Promise<void> => home.seal(),
  };

  test.each([
    ["then the transcript", ["wire", "record"]],
    ["after the transcript", ["record", "wire"]],
    ["sealed, then the transcript", ["wire", "seal", "record", "seal"]],
  ] as const)(
    "by the gateway, %s: 4 messages, 70 tokens",
    async (_, order) => {
      for (const step of order) await steps[step]();
      expect(await stored()).toEqual([4, 4, 70, 70]);
      const rows = await home.rows(
        "SELECT message_id, role, tool_name FROM ai_gateway_messages ORDER BY message_index",
      );
      expect(rows).toEqual([
        ["uuid-1", "user", null],
        ["uuid-2", "assistant", "Bash"],
        ["uuid-3", "user", "Bash"],
        ["uuid-4", "assistant", null],
      ]);
      expect(await isChain()).toBe(true);
    },
    60_000,
  );
});

const block = (text: string): JsonObject => ({ type: "text", text });
const claudeTurns = () => turns(DONE, (role, text) => ({ role, content: [block(text)] }));

test("Claude Code, three times the same prompt and answer, its transcript up to date at each call: 6 messages, 66 tokens", async () => {
  const transcript = new Transcript(home.folder);
  for (const { input, n } of claudeTurns()) {
    transcript.write("user", { content: THREE_TIMES[n]! });
    await home.record();
    // The answer's line is there before the gateway has seen the end of the exchange.
    transcript.write("assistant", { id: `msg_${n}`, content: [block(DONE[n]!)] }, { apiBlockIndex: 0 });
    await claudeCall(input, claudeEvents(n, block(DONE[n]!), OUTPUT[n]!));
  }
  expect(await stored()).toEqual([6, 6, 66, 66]);
  expect(await isChain()).toBe(true);
  const names = await home.rows("SELECT message_id FROM ai_gateway_messages ORDER BY message_index");
  expect(names.flat()).toEqual([1, 2, 3, 4, 5, 6].map((n) => `uuid-${n}`));
});

test("the same by a program that keeps no transcript: 6 messages, 66 tokens, one conversation", async () => {
  const sdk = { "user-agent": "Anthropic/JS 1.12.0" };
  for (const { input, n } of claudeTurns())
    await claudeCall(input, claudeEvents(n, block(DONE[n]!), OUTPUT[n]!), sdk);
  expect(await stored()).toEqual([6, 6, 66, 66]);
  expect(await isChain()).toBe(true);
  const conversations = await home.rows("SELECT count(DISTINCT conversation_id) FROM ai_gateway_messages");
  expect(conversations.flat().map(Number)).toEqual([1]);
});
