// Conversations that nobody had: rendered as the wire carries them and as the client writes them down, brought together in any order.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { MessageRow } from "../../contract/dataset.ts";
import type { ContentBlock, Json, JsonObject, RecordEntry } from "../../contract/plugin.ts";
import { LinkedStore, prepare } from "../../daemon/link-record.testkit.ts";
import type { PreparedExchange } from "../../daemon/record-exchange.ts";
import { asObject } from "../../protocols/loose.ts";
import { exchange } from "./fixtures.testkit.ts";
import { claudeProjector } from "./projector.ts";
import { readTranscriptLine } from "./transcript/record.ts";

const RUNS = Number(process.env["HYP_PROPERTY_RUNS"] ?? 15);
const SESSION = "11111111-2222-4333-8444-555555555555";
const FORK = "99999999-2222-4333-8444-555555555555";
const REMINDER = "<system-reminder>\nmind this\n</system-reminder>";
const WORDS = ["go on", "yes", "no"] as const;

interface Turn {
  readonly prompt: string;
  readonly reminded: boolean;
  readonly attachments: number;
  /** Requests that got no answer. */
  readonly failures: number;
  readonly answer: "text" | "thinking" | "tools" | "interrupted" | "compact";
  readonly said: string;
}

const turn: fc.Arbitrary<Turn> = fc.record({
  prompt: fc.constantFrom(...WORDS),
  reminded: fc.boolean(),
  attachments: fc.nat(2),
  failures: fc.nat(2),
  answer: fc.constantFrom("text", "thinking", "tools", "tools", "interrupted", "compact"),
  said: fc.constantFrom(...WORDS),
});

/** What a fork repeats is known by the answer that comes behind it. */
const answered = turn.map((each): Turn => ({ ...each, answer: "text", failures: 0 }));

interface Run {
  readonly exchanges: readonly PreparedExchange[];
  readonly entries: readonly RecordEntry[];
}

class Client {
  readonly records: ReturnType<typeof exchange>[] = [];
  readonly entries: RecordEntry[] = [];
  readonly #indexed: boolean;
  readonly #lines: JsonObject[] = [];
  #session = SESSION;
  #messages: { role: string; content: ContentBlock[] }[] = [];
  #last: string | null = null;
  #count = 0;

  constructor(indexed: boolean) {
    this.#indexed = indexed;
  }

  take(turn: Turn): void {
    if (turn.reminded) this.#send({ type: "text", text: REMINDER });
    this.#tell({ type: "user", message: { role: "user", content: turn.prompt } });
    this.#send({ type: "text", text: turn.prompt });
    for (let n = 0; n < turn.attachments; n++)
      this.#tell({ type: "attachment", attachment: { type: "date" } });
    for (let n = 0; n < turn.failures; n++) {
      this.#exchange(undefined);
      this.#tell({ type: "system", subtype: "api_error" });
    }
    if (turn.answer === "interrupted") return this.#interrupt();
    if (turn.answer === "tools") this.#useTools();
    const thinking = turn.answer === "thinking" ? [{ type: "thinking", thinking: "hm", signature: "s" }] : [];
    this.#answer([...thinking, { type: "text", text: turn.said }]);
    if (turn.answer === "compact") this.#compact();
  }

  /** From here on in a session of its own, whose file begins with the lines so far. */
  fork(): void {
    this.#session = FORK;
    for (const line of this.#lines) this.#write({ ...line, sessionId: FORK });
  }

  #interrupt(): void {
    const text = "[Request interrupted by user]";
    this.#tell({ type: "user", message: { role: "user", content: [{ type: "text", text }] } });
    this.#send({ type: "text", text });
  }

  #useTools(): void {
    const calls = [0, 1].map((n) => ({
      type: "tool_use",
      id: `toolu_${this.#count}_${n}`,
      name: "Bash",
      input: {},
    }));
    this.#answer(calls);
    for (const { id } of calls) {
      const result = { type: "tool_result", tool_use_id: id, content: "out" };
      this.#tell({ type: "user", message: { role: "user", content: [result] } });
      this.#send(result);
    }
  }

  #compact(): void {
    this.#exchange(
      [{ type: "text", text: "<summary>s</summary>" }],
      [{ role: "user", content: [{ type: "text", text: "CRITICAL: Respond with TEXT ONLY" }] }],
    );
    const logicalParentUuid = this.#last;
    this.#last = null;
    this.#tell({ type: "system", subtype: "compact_boundary", logicalParentUuid });
    const text = `This session is being continued from a previous conversation ${this.#count}`;
    this.#tell({ type: "user", isCompactSummary: true, message: { role: "user", content: text } });
    this.#messages = [];
    this.#send({ type: "text", text });
  }

  #answer(blocks: readonly ContentBlock[]): void {
    const id = this.#exchange(blocks);
    this.#messages.push({ role: "assistant", content: [...blocks] });
    for (const [index, block] of blocks.entries())
      this.#tell({
        type: "assistant",
        message: { id, role: "assistant", content: [block] },
        ...(this.#indexed ? { apiBlockIndex: index } : {}),
      });
  }

  #send(block: ContentBlock): void {
    const open = this.#messages.at(-1);
    if (open?.role === "user") open.content.push(block);
    else this.#messages.push({ role: "user", content: [block] });
  }

  #exchange(answer: readonly ContentBlock[] | undefined, more: Json[] = []): string {
    const n = ++this.#count;
    const at = new Date(Date.UTC(2026, 2, 1, 12, 0, n)).toISOString();
    const id = `msg_${n}`;
    const usage = { input_tokens: n, output_tokens: n };
    this.records.push(
      exchange({
        exchange_id: n.toString(16).padStart(32, "0"),
        ts_start: at,
        ts_end: at,
        headers: {
          "user-agent": "claude-cli/2.1.330 (external, cli)",
          "x-claude-code-session-id": this.#session,
        },
        request_body: structuredClone({ messages: [...this.#messages, ...more] }) as unknown as JsonObject,
        ...(answer === undefined
          ? { status_code: 529, response_body: { type: "error", error: { type: "overloaded_error" } } }
          : { response_body: { id, role: "assistant", content: [...answer], usage } }),
      }),
    );
    return id;
  }

  #tell(line: JsonObject): void {
    const uuid = `uuid-${this.#lines.length}`;
    const timestamp = new Date(Date.UTC(2026, 2, 1, 11, 0, this.#lines.length)).toISOString();
    const whole = { uuid, parentUuid: this.#last, sessionId: this.#session, timestamp, ...line };
    this.#last = uuid;
    this.#lines.push(whole);
    this.#write(whole);
  }

  #write(line: JsonObject): void {
    this.entries.push(...(readTranscriptLine({ text: JSON.stringify(line), memory: {} })?.entries ?? []));
  }
}

async function rendered(turns: readonly Turn[], forked: readonly Turn[], indexed: boolean): Promise<Run> {
  const client = new Client(indexed);
  for (const each of turns) client.take(each);
  if (forked.length > 0) client.fork();
  for (const each of forked) client.take(each);
  const projector = { ...claudeProjector, order: 0 };
  const exchanges = await Promise.all(client.records.map((record) => prepare(record, projector)));
  return { exchanges, entries: client.entries };
}

/** `order`: how many of the one kind come before the next of the other; what is left comes at the end. */
function brought({ exchanges, entries }: Run, order: readonly number[]): ReadonlyMap<string, MessageRow> {
  const store = new LinkedStore();
  try {
    const [left, lines] = [[...exchanges], [...entries]];
    for (const [index, count] of order.entries()) {
      if (index % 2 === 0) store.entries(lines.splice(0, count));
      else for (const each of left.splice(0, count)) store.exchange(each);
      if (count === 3) store.restart();
    }
    for (const each of left) store.exchange(each);
    store.entries(lines);
    return store.rows();
  } finally {
    store.close();
  }
}

test("any order gives the same rows; each line is one message; what was said is said once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(turn, { minLength: 1, maxLength: 6 }),
      fc.array(answered, { maxLength: 2 }),
      fc.boolean(),
      fc.array(fc.nat(4), { maxLength: 20 }),
      async (turns, forked, indexed, order) => {
        const run = await rendered(turns, forked, indexed);
        const rows = brought(run, order);
        expect(rows).toEqual(brought(run, []));
        expect(rows).toEqual(brought(run, [run.entries.length]));

        const messages = Map.groupBy(rows.values(), (row) => row.message_id);
        const told = run.entries.map(({ message }) => message.message_id);
        for (const uuid of told) expect(messages.has(uuid), uuid).toBe(true);
        const untold = [...messages.values()].flat().filter(({ provider_uuid: uuid }) => uuid === null);
        const twice = untold.filter((row) => WORDS.some((word) => word === row.content_text));
        expect(twice.map(({ part_id, content_text }) => [part_id, content_text])).toEqual([]);
        for (const row of rows.values())
          for (const previous of row.previous_message_id ?? []) expect(messages.has(previous)).toBe(true);
        // Every answer's usage stands once.
        const usages = [...rows.values()].flatMap(
          ({ attributes }) => asObject(attributes?.["usage"])?.["output_tokens"] ?? [],
        );
        expect(new Set(usages).size).toBe(usages.length);
        const answered = run.exchanges.filter(({ record }) => record.status_code === 200);
        expect(usages.length).toBe(answered.length);
      },
    ),
    { numRuns: RUNS },
  );
});
