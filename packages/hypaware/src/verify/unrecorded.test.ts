// What no client wrote down: the store is compared with itself.
import { afterEach, beforeEach, expect, test } from "vitest";
import { anthropicExchange, openaiExchange } from "../adapters/raw/fixtures.testkit.ts";
import type { ExchangeRecord } from "../contract/exchange.ts";
import { FixtureStore } from "./fixture-store.testkit.ts";

let stored: FixtureStore;
beforeEach(() => {
  stored = new FixtureStore();
});
afterEach(() => stored.dispose());

const words = async (): Promise<readonly string[]> =>
  (await stored.verified()).differences.map(({ class: kind, message }) => `[${kind}] ${message}`);

test("a program that keeps no record is looked at", async () => {
  await stored.fill("anthropic-sdk", "raw");
  const { sessions, unrecorded, differences } = await stored.verified();
  expect(sessions).toEqual([]);
  expect(differences).toEqual([]);
  expect(unrecorded.looked_at).toEqual({ sessions: 13, conversations: 12, exchanges: 16, messages: 23 });
});

test("a conversation that the client was told to keep no record of is looked at", async () => {
  await stored.fill("bash", "claude", { isRecorded: false });
  const { unrecorded, differences } = await stored.verified();
  expect(differences).toEqual([]);
  expect(unrecorded.looked_at).toMatchObject({ sessions: 1, exchanges: 2 });
});

test.each([
  ["claude", "compact"],
  ["codex", "subagent"],
  ["gemini", "resume"],
  ["opencode", "responses"],
] as const)("%s %s: what was imported is looked at when its record is gone", async (client, fixture) => {
  await stored.fill(fixture, client);
  stored.loseRecord();
  expect(await words()).toEqual([]);
  const ONE = "SELECT min(_seq) FROM ai_gateway_messages WHERE provider_uuid IS NOT NULL";
  stored.change(
    `UPDATE ai_gateway_messages SET message_id = 'other', part_id = 'other#0' WHERE _seq IN (${ONE})`,
  );
  expect(await words()).not.toEqual([]);
});

const chat = (
  exchange_id: string,
  second: string,
  messages: readonly object[],
  answer: object,
): ExchangeRecord =>
  openaiExchange({
    exchange_id,
    ts_start: `2026-03-01T12:00:${second}.000Z`,
    ts_end: `2026-03-01T12:00:${second}.500Z`,
    duration_ms: 500,
    path: "/v1/chat/completions",
    request_body: { model: "m", messages },
    response_body: {
      id: "chatcmpl-1",
      model: "m",
      choices: [{ index: 0, message: answer, finish_reason: "stop" }],
      usage: { prompt_tokens: 2, completion_tokens: 3, total_tokens: 5 },
    },
  } as Parameters<typeof openaiExchange>[0]);

test("a server that calls all its answers the same is no difference", async () => {
  const [asked, said] = [
    { role: "user", content: "hi" },
    { role: "assistant", content: "hello" },
  ];
  const again = { role: "user", content: "again" };
  const exchanges = [
    chat("a".repeat(32), "01", [asked], said),
    chat("b".repeat(32), "02", [asked, said, again], { role: "assistant", content: "yes" }),
  ];
  await stored.fill("", "raw", { exchanges });
  const { unrecorded } = await stored.verified();
  expect(unrecorded.looked_at).toMatchObject({ conversations: 1, exchanges: 2, messages: 4 });
  expect(await words()).toEqual([]);
  stored.change("DELETE FROM ai_gateway_messages WHERE content_text = 'again'");
  expect(await words()).toContain("[missing] was brought by an exchange, and has no rows");
});

test("reasoning that its provider keeps to itself lacks nothing", async () => {
  const exchange = openaiExchange({
    request_body: { model: "m", input: "hi" },
    response_body: {
      id: "resp_1",
      model: "m",
      status: "completed",
      output: [
        { type: "reasoning", id: "rs_1", summary: [] },
        {
          type: "message",
          id: "msg_1",
          role: "assistant",
          status: "completed",
          content: [{ type: "output_text", text: "hello", annotations: [] }],
        },
      ],
      usage: { input_tokens: 2, output_tokens: 3, total_tokens: 5 },
    },
  });
  await stored.fill("", "raw", { exchanges: [exchange] });
  expect((await stored.verified()).unrecorded.looked_at.messages).toBe(3);
  expect(await words()).toEqual([]);
});

test("an answer that cites a document is no difference", async () => {
  const source = { type: "text", media_type: "text/plain", data: "The grass is green." };
  const exchange = anthropicExchange({
    request_body: {
      model: "m",
      max_tokens: 10,
      messages: [
        {
          role: "user",
          content: [
            { type: "document", source, citations: { enabled: true } },
            { type: "text", text: "What colour?" },
          ],
        },
      ],
    },
    response_body: {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "m",
      content: [
        {
          type: "text",
          text: "Green.",
          citations: [
            {
              type: "char_location",
              cited_text: "The grass is green.",
              document_index: 0,
              start_char_index: 0,
              end_char_index: 19,
            },
          ],
        },
      ],
      stop_reason: "end_turn",
      usage: { input_tokens: 2, output_tokens: 3 },
    },
  });
  await stored.fill("", "raw", { exchanges: [exchange] });
  expect((await stored.verified()).unrecorded.looked_at.messages).toBe(2);
  expect(await words()).toEqual([]);
});
