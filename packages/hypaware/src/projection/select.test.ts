import { expect, test, vi } from "vitest";
import type { ExchangeProjector, Projection } from "../contract/projection.ts";
import { exchange, memoryLog, projectorOf } from "./exchange.testkit.ts";
import { selectProjection } from "./select.ts";

const { record } = exchange({ id: "x1" });
const valid: Projection = {
  provider: "fake",
  conversation_id: "c",
  messages: [{ role: "user", content: "hi" }],
};
const named = (name: string, more: Partial<ExchangeProjector> = {}): ExchangeProjector => ({
  name,
  match: () => true,
  project: () => ({ ...valid, conversation_id: name }),
  ...more,
});

async function select(...projectors: ExchangeProjector[]) {
  const { log, events } = memoryLog();
  const selection = await selectProjection(record, projectors, log, 50);
  return { selection, events, winner: selection.projection?.conversation_id };
}

test("the highest priority wins; a missing one counts as 0; registration breaks ties", async () => {
  expect((await select(named("a"), named("b", { priority: 1 }), named("c", { priority: 1 }))).winner).toBe(
    "b",
  );
  expect((await select(named("a", { priority: -1 }), named("b"), named("c", { priority: 0 }))).winner).toBe(
    "b",
  );
});

test("every match() is asked, and the others that matched are told", async () => {
  const last = vi.fn(() => true);
  const { selection } = await select(
    named("a"),
    named("b", { match: last }),
    named("c", { match: () => false }),
  );
  expect(last).toHaveBeenCalledOnce();
  expect(selection).toMatchObject({ projector: "a", coMatches: ["b"], status: "projected" });
});

test("a projector that does not match is never called", async () => {
  const project = vi.fn();
  const { selection, events } = await select(named("a", { match: () => false, project }));
  expect(project).not.toHaveBeenCalled();
  expect(selection).toMatchObject({ projector: null, projection: null, status: "no_projector" });
  expect(events).toEqual([
    {
      level: "warn",
      event: "aigw.message_projection_skipped",
      fields: { exchange_id: "x1", upstream: "fake", reason: "no_projector_match" },
    },
  ]);
});

test("only strict true matches; a match() that throws is a warning and no match", async () => {
  const truthy = { match: () => "yes" as unknown as boolean };
  const broken = {
    match: () => {
      throw new Error("boom");
    },
  };
  const { selection, events } = await select(named("a", truthy), named("b", broken));
  expect(selection.projection).toBeNull();
  expect(events[0]).toEqual({
    level: "warn",
    event: "aigw.projector_match_error",
    fields: { projector: "b", exchange_id: "x1", error: "boom" },
  });
});

test("when all projectors fail there is nothing, and a warning for each kind of failure", async () => {
  const { selection, events } = await select(
    named("throws", {
      project: () => {
        throw new Error("sync");
      },
    }),
    named("rejects", { project: () => Promise.reject(new Error("async")) }),
    named("hangs", { project: () => new Promise(() => {}) }),
    named("invalid", { project: () => ({ provider: "fake" }) as unknown as Projection }),
    named("declines", { project: () => undefined }),
    named("empty", { project: () => ({ ...valid, messages: [] }) }),
  );
  expect(selection).toMatchObject({ projection: null, status: "no_projector" });
  expect(
    events.map(({ event, fields }) => [event, fields["projector"] ?? null, fields["error"] ?? null]),
  ).toEqual([
    ["aigw.projector_error", "throws", "sync"],
    ["aigw.projector_error", "rejects", "async"],
    ["aigw.projector_error", "hangs", "did not answer within 50 ms"],
    ["aigw.projector_invalid_output", "invalid", null],
    ["aigw.message_projection_skipped", null, null],
  ]);
});

test.each([
  ["null", null],
  ["text", "projection"],
  ["a list", [valid]],
  ["no provider", { ...valid, provider: "" }],
  ["a provider that is no text", { ...valid, provider: 7 }],
  ["no conversation", { ...valid, conversation_id: undefined }],
  ["messages that are no list", { ...valid, messages: {} }],
  ["a getter that throws", Object.defineProperty({ ...valid }, "messages", { get: () => JSON.parse("{") })],
])("an invalid shape is skipped and the next projector is asked: %s", async (_, result) => {
  const { winner, events } = await select(projectorOf(result, "bad"), named("good"));
  expect(winner).toBe("good");
  expect(events).toEqual([
    {
      level: "warn",
      event: "aigw.projector_invalid_output",
      fields: { projector: "bad", exchange_id: "x1" },
    },
  ]);
});

test("a result that refers to itself is invalid, not a hang", async () => {
  const block: Record<string, unknown> = { type: "text" };
  block["a"] = block;
  block["b"] = block;
  const { selection, events } = await select(
    projectorOf({ ...valid, messages: [{ role: "user", content: [block] }] }, "circular"),
  );
  expect(selection.projection).toBeNull();
  expect(events[0]?.event).toBe("aigw.projector_invalid_output");
});

test("a projector that recognised an exchange without messages is believed, without a warning", async () => {
  const facts = { request_class: "count_tokens", session_id: "s1", usage: { input_tokens: 9 } } as const;
  const { selection, events } = await select(
    named("a", { project: () => ({ ...valid, messages: [], exchange: facts }) }),
    named("b", { project: () => undefined }),
  );
  expect(selection).toMatchObject({ projector: "a", facts, status: "no_messages", coMatches: ["b"] });
  expect(events).toEqual([]);
});

test("a later projector with messages wins over an earlier one with facts only", async () => {
  const empty = {
    project: () => ({ ...valid, messages: [], exchange: { request_class: "models" as const } }),
  };
  expect((await select(named("a", empty), named("b"))).selection).toMatchObject({
    projector: "b",
    status: "projected",
  });
});

test("an exchange that should have had messages is warned about, and its facts are kept", async () => {
  const facts = { request_class: "main", error: "overloaded_error: Overloaded" } as const;
  const { selection, events } = await select(
    named("a", { project: () => ({ ...valid, messages: [], exchange: facts }) }),
  );
  expect(selection).toMatchObject({ facts, status: "no_projector" });
  expect(events.map(({ event }) => event)).toEqual(["aigw.message_projection_skipped"]);
});

test("a projector gets the record and a log", async () => {
  const project = vi.fn(() => valid);
  const { log } = memoryLog();
  await selectProjection(record, [named("a", { project })], log);
  expect(project).toHaveBeenCalledWith(record, { log });
});
