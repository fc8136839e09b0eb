import { describe, expect, test } from "vitest";
import type { ExchangeRecord, JsonObject } from "../../contract/plugin.ts";
import { describeExchange } from "../../protocols/golden.testkit.ts";
import { FIXTURES, project, readFixture, readRollouts } from "./fixtures.testkit.ts";

const CLIENT_RUNS = FIXTURES.filter((name) => name !== "sdk");

describe.each(FIXTURES)("%s", (name) => {
  const records = readFixture(name);
  const projections = records.map((record) => project(record));

  test("is projected as recorded", async () => {
    const golden = records.map((record, index) => describeExchange(record, projections[index])).join("\n");
    await expect(golden).toMatchFileSnapshot(`fixtures/${name}.golden.txt`);
  });

  test("each response has the usage that it said, its input without what the cache gave", () => {
    for (const [index, record] of records.entries()) {
      const said = usageSaid(record);
      const { usage } = projections[index]?.exchange ?? {};
      expect(usage, `exchange ${index + 1}`).toEqual(said && expect.objectContaining(said));
    }
  });

  test("twice gives the same", () => {
    expect(records.map((record) => project(record))).toEqual(projections);
  });
});

describe.each(CLIENT_RUNS)("%s, beside the client's own record", (name) => {
  const records = readFixture(name);
  const projected = records.flatMap((record) => project(record) ?? []);
  const rollouts = readRollouts(name);

  test("each item is a message under the name that it has there, in the thread that it has there", () => {
    for (const { messages, conversation_id: thread, exchange } of projected) {
      if (messages.length === 0) continue;
      const rollout = rollouts[thread];
      // A fork's record does not repeat what it copied.
      const lines = [...(rollout?.items ?? []), ...(rollouts[rollout?.forked_from ?? ""]?.items ?? [])];
      const known = new Map(lines.map(({ id, type }) => [id, type]));
      for (const message of messages) {
        const isPrompt = exchange?.request_class === "compaction" && message.message_id === undefined;
        // The prompt of an older model: the same id in every thread, and in no record.
        const isFixed = message.role === "developer" && /-5[0-9a-f]{3}-/.test(message.message_id ?? "");
        // What was open when a stream broke off is not kept there.
        const isCut = message.stop_reason === "error";
        if (isPrompt || isFixed || isCut) continue;
        expect(known.get(message.message_id ?? null)).toBe(message.provider_type);
      }
      expect(exchange?.session_id).toBe(rollout?.parent ?? thread);
    }
  });

  test("and each response costs what it cost there", () => {
    const there = Object.assign({}, ...Object.values(rollouts).map(({ usage }) => usage)) as JsonObject;
    const here = projected.flatMap(({ exchange }) =>
      exchange?.usage === undefined ? [] : [[exchange.response_id ?? "", exchange.usage] as const],
    );
    expect(here.map(([id]) => id).sort()).toEqual(Object.keys(there).sort());
    for (const [id, usage] of here) {
      const line = there[id] as Record<string, number>;
      expect(line["input_tokens"]).toBe((usage.input_tokens ?? 0) + (usage.cache_read_tokens ?? 0));
      expect(line["cached_input_tokens"]).toBe(usage.cache_read_tokens);
      expect(line["output_tokens"]).toBe(usage.output_tokens);
      expect(line["reasoning_output_tokens"]).toBe(usage.reasoning_tokens);
    }
  });
});

/** The usage of the last event, or of the JSON answer. */
function usageSaid(record: ExchangeRecord): JsonObject | undefined {
  const bodies = [...record.stream_events.map(({ data }) => data), record.response_body ?? ""];
  const said = bodies.map(usageOf).findLast((usage) => usage !== undefined);
  if (said === undefined) return undefined;
  const details = (said["input_tokens_details"] ?? said["prompt_tokens_details"]) as JsonObject;
  const cached = Number(details["cached_tokens"]);
  return {
    input_tokens: Number(said["input_tokens"] ?? said["prompt_tokens"]) - cached,
    cache_read_tokens: cached,
    output_tokens: said["output_tokens"] ?? said["completion_tokens"],
  };
}

function usageOf(text: string): JsonObject | undefined {
  if (!text.includes('"usage":{')) return undefined;
  const value = JSON.parse(text) as { usage?: JsonObject; response?: { usage?: JsonObject } };
  return value.response?.usage ?? value.usage;
}
