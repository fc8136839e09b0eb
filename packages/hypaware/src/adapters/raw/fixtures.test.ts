import { describe, expect, test } from "vitest";
import type { ExchangeRecord } from "../../contract/plugin.ts";
import { describeExchange } from "../../protocols/golden.testkit.ts";
import { FIXTURES, project, readFixture } from "./fixtures.testkit.ts";

describe.each(FIXTURES)("%s", (name) => {
  const records = readFixture(name);
  const projections = records.map((record) => project(record));

  test("is projected as recorded", async () => {
    const golden = records.map((record, index) => describeExchange(record, projections[index])).join("\n");
    await expect(golden).toMatchFileSnapshot(`fixtures/${name}.golden.txt`);
  });

  test("each answer has the usage that the provider sent", () => {
    const told = projections.flatMap((projection, index) => {
      const usage = projection?.exchange?.usage;
      return usage === undefined ? [] : [{ usage, isWhole: isWhole(records[index]) }];
    });
    expect(told.length).toBe(records.filter((record) => hasUsage(record)).length);
    // The n-th generation told 10 + n of input; a stream that broke off told one output token, as it began.
    for (const { usage, isWhole: whole } of told) {
      const n = (usage.input_tokens ?? 0) - 10;
      expect(usage).toMatchObject({ cache_read_tokens: 2000 + n, output_tokens: whole ? 20 + n : 1 });
    }
    expect(new Set(told.map(({ usage }) => usage.input_tokens)).size).toBe(told.length);
  });

  test("one message of the wire, or one item, is one message", () => {
    for (const [index, record] of records.entries()) {
      const asked = askedOf(record);
      const messages = projections[index]?.messages ?? [];
      if (messages.length === 0) continue;
      expect(messages.filter((message) => message.is_answer === false)).toHaveLength(asked);
      expect(projections[index]?.conversation_inferred).toBe(true);
    }
  });

  test("twice gives the same", () => {
    expect(records.map((record) => project(record))).toEqual(projections);
  });
});

const END = new Set(["message_stop", "response.completed"]);

const isWhole = (record: ExchangeRecord | undefined): boolean =>
  record?.is_sse !== true ||
  record.stream_events.some(({ event, data }) => END.has(event) || data === "[DONE]");

/** A number of tokens: events have `usage: null` and empty ones, too. */
const hasUsage = ({ stream_events: events, response_body: body }: ExchangeRecord): boolean =>
  [...events.map(({ data }) => data), body ?? ""].some((text) => /"usage":\{"\w+":/.test(text));

/** Messages or items in the request's body. */
function askedOf({ request_body: body }: ExchangeRecord): number {
  const { messages, input } = JSON.parse(body ?? "{}") as { messages?: unknown[]; input?: unknown };
  return messages?.length ?? (Array.isArray(input) ? input.length : 1);
}
