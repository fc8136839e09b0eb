import { describe, expect, test } from "vitest";
import type { ContentBlock, ExchangeRecord, ProjectedMessage, Projection } from "../../contract/plugin.ts";
import { describeExchange } from "../../protocols/golden.testkit.ts";
import { FIXTURES, project, readEntries, readFixture } from "./fixtures.testkit.ts";

describe.each(FIXTURES)("%s", (name) => {
  const records = readFixture(name);
  const projections = records.map((record) => project(record));

  test("is projected as recorded", async () => {
    const golden = records.map((record, index) => describeExchange(record, projections[index])).join("\n");
    await expect(golden).toMatchFileSnapshot(`fixtures/${name}.golden.txt`);
  });

  test("the n-th answer has the usage that the provider sent", () => {
    const told = projections.flatMap((projection, index) => {
      const usage = projection?.exchange?.usage;
      return usage === undefined ? [] : [{ ...usage, isWhole: isWhole(records[index]) }];
    });
    expect(told.length).toBe(records.filter((record) => hasUsage(record)).length);
    for (const usage of told) {
      // Input told is 10 + n. A stream that broke off told one output token, as it began.
      const n = (usage.input_tokens ?? 0) - 10;
      expect(usage).toMatchObject({
        cache_write_tokens: 1000 + n,
        cache_read_tokens: 2000 + n,
        cache_write_5m_tokens: 600 + n,
        cache_write_1h_tokens: 400,
      });
      expect(usage.output_tokens).toBe(usage.isWhole ? 20 + n : 1);
    }
    const generations = told.map((usage) => usage.input_tokens);
    expect(new Set(generations).size).toBe(generations.length);
  });
});

describe.each(FIXTURES)("%s, beside the client's transcript", (name) => {
  const records = readFixture(name);
  const projected = records.flatMap((record) => project(record) ?? []);
  const entries = readEntries(name).filter((entry) => entry.is_on_wire);

  test("each content block of an answer is a message, as it is a line there", () => {
    for (const [index, record] of records.entries()) {
      const projection = project(record);
      const requestId = projection?.request_id;
      // A fork's transcript repeats the lines of its origin.
      const own = entries.filter(
        ({ message, conversation_id: conversation }) =>
          message.request_id === requestId && conversation === projection?.conversation_id,
      );
      const answer = answerOf(projection);
      const isKept = projection?.exchange?.request_class !== "compaction" && answer.length > 0;
      // The client writes no line for the block that was open when the provider broke off.
      const expected = isBrokenOff(record) ? answer.slice(0, -1) : answer;
      const told = own.map(({ message }) => witnessOf(message));
      const sent = isKept ? expected.map(witnessOf) : [];
      // What the client itself broke off it has as far as it had come.
      if (record.outcome === "client_aborted" && told.length === sent.length) {
        const [[, had], [type, text]] = [told.at(-1)!, sent.at(-1)!];
        expect(text).toMatch(new RegExp(`^${String(had)}`));
        sent[sent.length - 1] = [type, had];
      }
      expect(told, `exchange ${index + 1}`).toEqual(sent);
    }
  });

  test("each tool result is a message, as it is a line there", () => {
    const results = projected.flatMap((projection) =>
      projection.messages.filter((message) => blockOf(message)["type"] === "tool_result"),
    );
    for (const message of results) expect(message.content).toHaveLength(1);
    const recorded = entries
      .map(({ message }) => blockOf(message))
      .filter((block) => block["type"] === "tool_result");
    expect(new Set(results.map((message) => blockOf(message)["tool_use_id"]))).toEqual(
      new Set(recorded.map((block) => block["tool_use_id"])),
    );
  });

  test("a key stands on at most one message of an answer, and is found in both lanes", () => {
    const said = new Map<string, unknown>();
    for (const message of projected.flatMap(({ messages }) => messages)) {
      for (const link of message.links ?? []) {
        expect(said.get(link) ?? witnessOf(message), link).toEqual(witnessOf(message));
        said.set(link, witnessOf(message));
      }
    }
    // What the client itself put between two answers it names after none.
    for (const { message } of entries.filter(
      ({ message: { role, request_id: id } }) => role !== "assistant" || id !== undefined,
    )) {
      const unsaid = message.links?.filter((link) => !said.has(link)) ?? [];
      // The key of what it says, where that is not all that was sent.
      const isCut = message.attributes?.["claude"] !== undefined;
      expect(
        unsaid.filter((link) => !(isCut && link.includes("="))),
        message.message_id,
      ).toEqual([]);
    }
  });
});

const isWhole = (record: ExchangeRecord | undefined): boolean =>
  record?.is_sse !== true || record.stream_events.some(({ event }) => event === "message_stop");

const isBrokenOff = ({ outcome, stream_events: events }: ExchangeRecord): boolean =>
  outcome === "upstream_aborted" || events.at(-1)?.event === "error";

const hasUsage = ({ stream_events: events, response_body: body }: ExchangeRecord): boolean =>
  events.some(({ data }) => data.includes('"usage"')) || (body ?? "").includes('"usage"');

const answerOf = (projection: Projection | undefined): readonly ProjectedMessage[] =>
  (projection?.messages ?? []).filter((message) => message.is_answer === true);

const blockOf = ({ content }: ProjectedMessage): ContentBlock =>
  (content[0] as ContentBlock | undefined) ?? {};

const witnessOf = (message: ProjectedMessage): Witness => witness(blockOf(message));

type Witness = readonly [type: unknown, said: unknown];

function witness({ type, text, thinking, id }: ContentBlock): Witness {
  return [type, text ?? thinking ?? id];
}
