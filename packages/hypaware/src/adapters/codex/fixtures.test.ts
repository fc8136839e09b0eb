import { describe, expect, test } from "vitest";
import type { ExchangeRecord, JsonObject } from "../../contract/plugin.ts";
import { describeExchange } from "../../protocols/golden.testkit.ts";
import { FIXTURES, project, READ_FIXTURES, readFixture, readLines } from "./fixtures.testkit.ts";

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
});

describe.each(READ_FIXTURES)("%s, beside the client's own record", (name) => {
  const records = readFixture(name);
  const projected = records.flatMap((record) => project(record) ?? []);
  const read = readLines(name);
  const entries = read.flatMap((line) => line.entries ?? []);

  test("each item is a message under the name that it has there, in the session and thread that it has there", () => {
    const known = new Map(entries.map((entry) => [entry.message.message_id, entry]));
    for (const { messages, conversation_id: thread, exchange } of projected) {
      const [own] = entries.filter((entry) => entry.conversation_id === thread);
      for (const message of messages) {
        const isPrompt = exchange?.request_class === "compaction" && message.message_id === undefined;
        // The prompt of an older model: the same id in every thread, and in no record.
        const isFixed = message.role === "developer" && /-5[0-9a-f]{3}-/.test(message.message_id ?? "");
        // What was open when a stream broke off is not kept there.
        const isCut = message.stop_reason === "error";
        if (isPrompt || isFixed || isCut) continue;
        const entry = known.get(message.message_id ?? "");
        expect(entry?.message).toMatchObject({ role: message.role, provider_type: message.provider_type });
        // A fork's record does not repeat what it goes on from.
        expect([thread, own?.goes_on_from?.conversation_id]).toContain(entry?.conversation_id);
      }
      if (messages.length > 0) expect(exchange?.session_id).toBe(own?.session_id);
    }
  });

  test("and each response costs what it cost there", () => {
    const there = new Map(
      read.flatMap(({ responses = [] }) => responses.map((told) => [told.response_id, told] as const)),
    );
    const here = projected.flatMap(({ exchange }) => (exchange?.usage === undefined ? [] : [exchange]));
    expect(new Set(here.map(({ response_id: id }) => id))).toEqual(new Set(there.keys()));
    expect(here.length).toBe(there.size);
    for (const { response_id: id, request_class: asked, usage, model } of here) {
      const told = there.get(id);
      expect(told).toMatchObject({ request_class: asked, model });
      expect(told?.usage).toEqual(usage);
      expect(told?.message_ids).not.toEqual([]);
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
