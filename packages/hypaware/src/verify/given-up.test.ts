import { expect, test } from "vitest";
import { givenUp } from "./given-up.ts";
import type { StoredExchange, StoredMessage, StoredSession } from "./stored.ts";
import { storedExchange, storedMessage } from "./stored.testkit.ts";
import type { ToldSession } from "./told.ts";

const exchange = (
  exchangeId: string,
  startedAt: string,
  more: Partial<StoredExchange> = {},
): StoredExchange =>
  storedExchange({ exchangeId, startedAt, responseId: `response of ${exchangeId}`, ...more });

const message = (
  messageId: string,
  previous: string,
  exchangeId: string,
  role = "assistant",
): StoredMessage => storedMessage({ messageId, previous: [previous], exchangeId, role });

/** As a client's record tells it: these messages, and responses of these exchanges. */
function told(messages: readonly string[], exchanges: readonly string[]): ToldSession {
  return {
    sessionId: "c",
    messages: new Map(
      messages.map((id) => [
        id,
        {
          conversationId: "c",
          place: "",
          file: { root: "", path: "", changedMs: 0, bytes: 0, bornMs: 0 },
          fields: [],
          own: [],
          parts: [],
          isOnWire: true,
          mayGrow: false,
        },
      ]),
    ),
    responses: exchanges.map((id) => ({
      conversationId: "c",
      responseId: `response of ${id}`,
      requestId: undefined,
      requestClass: "main",
      model: undefined,
      stopReason: undefined,
      usage: {},
      isEstimate: false,
      attemptId: undefined,
      messageIds: [],
      place: "",
    })),
    attempts: [],
    copies: 0,
    totals: [],
  };
}

/** The first answer is thought and text; the client keeps the thought, and asks again with what came meanwhile. */
const STORED: StoredSession = {
  messages: [
    message("thought", "question", "first"),
    message("text", "thought", "first"),
    message("news", "thought", "second", "user"),
    message("answer", "news", "second"),
  ],
  exchanges: [exchange("first", "1"), exchange("second", "2")],
};
const KEPT = ["question", "thought", "news", "answer"];

test("an answer is given up when the record goes on from above it with what a later exchange carried", () => {
  expect([...givenUp(told(KEPT, ["second"]), STORED)]).toEqual(["first"]);
});

test("an answer is not given up when the record tells its response, or its text, or nothing that goes on", () => {
  expect(givenUp(told(KEPT, ["first", "second"]), STORED).size).toBe(0);
  expect(givenUp(told([...KEPT, "text"], ["second"]), STORED).size).toBe(0);
  expect(givenUp(told(["question", "thought"], []), STORED).size).toBe(0);
});

test("an answer is not given up for something that was said before, or in another conversation", () => {
  const [first, second] = [exchange("first", "3"), exchange("second", "2")];
  expect(givenUp(told(KEPT, ["second"]), { ...STORED, exchanges: [first, second] }).size).toBe(0);
  const elsewhere = exchange("second", "2", { conversationId: "other" });
  expect(
    givenUp(told(KEPT, ["second"]), { ...STORED, exchanges: [exchange("first", "1"), elsewhere] }).size,
  ).toBe(0);
});
