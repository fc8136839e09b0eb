// Attempts that the client noted before it sent them: each is an exchange, answered or not.
import { afterEach, beforeEach, expect, test } from "vitest";
import { lostAttempts } from "./attempts.ts";
import { FixtureStore } from "./fixture-store.testkit.ts";
import type { ToldAttempt, ToldSession } from "./told.ts";

let stored: FixtureStore;
beforeEach(() => {
  stored = new FixtureStore();
});
afterEach(() => stored.dispose());

const DIGEST = "json_extract(attributes, '$.gateway.request_digest')";
const FAILED = "status_code >= 400";

test("each attempt of a run is an exchange, the failed ones by their digests", async () => {
  await stored.fill("error-400");
  const { sessions, differences, natures } = await stored.verified();
  expect(differences).toEqual([]);
  expect(sessions.map(({ attempts }) => attempts)).toEqual([6]);
  expect(natures).toEqual([{ no_answer: 6, wire_only: 2 }]);
});

test.each(["error-400", "error-529-twice"])(
  "%s: each failed exchange that is gone is missed",
  async (fixture) => {
    await stored.fill(fixture);
    const count = fixture === "error-400" ? 6 : 2;
    for (let index = 0; index < count; index++) {
      stored.restore();
      const one = `SELECT _seq FROM ai_gateway_exchanges WHERE ${FAILED} ORDER BY started_at LIMIT 1 OFFSET ${index}`;
      expect(stored.change(`DELETE FROM ai_gateway_exchanges WHERE _seq IN (${one})`)).toBe(1);
      const { differences } = await stored.verified();
      // Its messages name an exchange that is not there, too.
      const missed = differences.filter(({ subject }) => subject === "attempt");
      expect(missed, `exchange ${index}`).toMatchObject([
        { class: "missing", place: expect.stringMatching(/\.jsonl:\d+$/) as string },
      ]);
    }
  },
);

test("one that was stored before digests were kept is found by its place", async () => {
  await stored.fill("error-400");
  expect(
    stored.change(
      `UPDATE ai_gateway_exchanges SET attributes = json_remove(attributes, '$.gateway.request_digest') WHERE ${DIGEST} IS NOT NULL`,
    ),
  ).toBe(6);
  expect((await stored.verified()).differences).toEqual([]);
  stored.change("DELETE FROM ai_gateway_exchanges WHERE _seq = (SELECT max(_seq) FROM ai_gateway_exchanges)");
  expect((await stored.verified()).differences.filter(({ subject }) => subject === "attempt")).toHaveLength(
    1,
  );
});

test("a run without the gateway misses nothing", async () => {
  await stored.fill("error-529-twice");
  stored.change("DELETE FROM ai_gateway_exchanges");
  stored.change(
    "UPDATE ai_gateway_messages SET attributes = json_remove(attributes, '$.gateway.exchange_id')",
  );
  const { differences, natures } = await stored.verified();
  expect(differences.filter(({ subject }) => subject !== "message")).toEqual([]);
  // Two attempts and a response.
  expect(natures[0]?.not_carried).toBe(3);
});

interface Made {
  readonly id: string;
  readonly follows?: string;
  readonly failure?: ToldAttempt["failure"];
  readonly answered?: boolean;
}

function session(made: readonly Made[]): ToldSession {
  const about = { conversationId: "c", place: "f:1" };
  return {
    sessionId: "s",
    messages: new Map(),
    copies: 0,
    totals: [],
    attempts: made.map(({ id, follows, failure }) => ({
      ...about,
      attemptId: id,
      follows,
      digest: `digest of ${id}`,
      failure,
    })),
    responses: made
      .filter(({ answered }) => answered === true)
      .map(({ id }) => ({
        ...about,
        responseId: `r-${id}`,
        requestId: undefined,
        requestClass: "main",
        model: undefined,
        stopReason: undefined,
        usage: {},
        isEstimate: false,
        attemptId: id,
        messageIds: [],
      })),
  };
}

const lost = (made: readonly Made[], carried: readonly string[]): readonly string[] => [
  ...lostAttempts(session(made), new Map(carried.map((id) => [id, `exchange of ${id}`]))),
];

const CHAIN: readonly Made[] = [
  { id: "a", answered: true },
  { id: "b", follows: "a", answered: true },
  { id: "c", follows: "b", answered: true },
];

test("an answer between two that were carried is lost; before or behind them the client may have been attached or detached", () => {
  expect(lost(CHAIN, ["a", "c"])).toEqual(["b"]);
  expect(lost(CHAIN, ["b", "c"])).toEqual([]);
  expect(lost(CHAIN, ["a"])).toEqual([]);
  expect(lost(CHAIN, [])).toEqual([]);
});

test("another process of the client may have gone another way", () => {
  const apart = CHAIN.map(({ id, answered = false }) => ({ id, answered }));
  expect(lost(apart, ["a", "c"])).toEqual([]);
});

test("a failed attempt at a call that was carried is lost, one that reached nobody is not", () => {
  const refused: Made = { id: "x", failure: {} };
  const overloaded: Made = { id: "x", failure: { status_code: 529 } };
  const then: Made = { id: "y", follows: "x", answered: true };
  expect(lost([overloaded, then], ["y"])).toEqual(["x"]);
  expect(lost([refused, then], ["y"])).toEqual([]);
  // The gateway died, and the client tried until it was back.
  expect(lost([...CHAIN, { ...refused, follows: "c" }, then], ["a", "b", "c", "y"])).toEqual([]);
  // The client was killed while it waited.
  expect(lost([...CHAIN, { id: "x", follows: "c" }], ["a", "b", "c"])).toEqual([]);
});

test("all attempts at a call failed: each that is not there is lost if another is", () => {
  const failed: readonly Made[] = [
    { id: "x", failure: { status_code: 500 } },
    { id: "y", follows: "x", failure: { status_code: 500 } },
  ];
  expect(lost(failed, ["x"])).toEqual(["y"]);
  expect(lost(failed, [])).toEqual([]);
});
