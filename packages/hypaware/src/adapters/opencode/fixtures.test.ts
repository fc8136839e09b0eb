import { describe, expect, test } from "vitest";
import type { ContentBlock, ExchangeRecord, JsonObject, Usage } from "../../contract/plugin.ts";
import { describeExchange } from "../../protocols/golden.testkit.ts";
import { storedRows } from "../../projection/stored-rows.testkit.ts";
import { FIXTURES, project, readFixture, readTables } from "./fixtures.testkit.ts";
import { opencodeProjector } from "./projector.ts";

const dataOf = ({ data }: JsonObject): JsonObject => JSON.parse(data as string) as JsonObject;

interface Tokens {
  readonly input: number;
  readonly output: number;
  readonly reasoning: number;
  readonly cache: { readonly read: number; readonly write: number };
}

describe.each(FIXTURES)("%s", (name) => {
  const records = readFixture(name);
  const projections = records.map((record) => project(record));
  const tables = readTables(name);

  test("is projected as recorded", async () => {
    const golden = records.map((record, index) => describeExchange(record, projections[index])).join("\n");
    await expect(golden).toMatchFileSnapshot(`fixtures/${name}.golden.txt`);
  });

  test("each whole answer costs what the client wrote down of it, and what it did not ask for itself is told apart", () => {
    const here = projections.flatMap((projection, index) => {
      const { usage, request_class: asked } = projection?.exchange ?? {};
      return usage === undefined || asked === "title" || isCut(records[index]) ? [] : [told(usage)];
    });
    const there = tables.message
      .map(dataOf)
      .filter(({ role }) => role === "assistant")
      .map(({ tokens }) => written(tokens as unknown as Tokens));
    expect(sorted(here)).toEqual(sorted(there));
    const titles = projections.filter((projection) => projection?.exchange?.request_class === "title");
    expect(titles).toHaveLength(1);
  });

  test("sessions are the client's, and an agent's has its parent", () => {
    const sessions = new Map(tables.session.map(({ id, parent_id: parent }) => [id, parent]));
    for (const projection of projections) {
      const { request_class: asked, session_id: session } = projection?.exchange ?? {};
      const conversation = projection?.conversation_id.replace(/\/title$/, "") ?? "";
      expect(sessions.has(conversation)).toBe(true);
      expect(session).toBe(sessions.get(conversation) ?? conversation);
      expect(asked === "subagent").toBe(sessions.get(conversation) !== null);
    }
  });

  test("stored, each text and each call that the client wrote down is there once", async () => {
    const rows = (await storedRows(records, [opencodeProjector])).filter(
      (row) => !row.conversation_id.endsWith("/title"),
    );
    const parts = tables.part.map(dataOf);
    // One is empty when the stream broke off before its first word.
    const texts = parts.flatMap(({ type, text }) => (type === "text" && text !== "" ? [text] : []));
    const calls = parts.filter(({ type }) => type === "tool").map(({ callID }) => callID);
    const isPrompt = (row: (typeof rows)[number]): boolean =>
      ["system", "developer"].includes(row.role) || isCompactionPrompt(row.content_text);
    const said = rows.filter((row) => row.part_type === "text" && !isPrompt(row));
    expect(sorted(said.map((row) => row.content_text))).toEqual(sorted([...texts, ...cutTexts(name)]));
    for (const type of ["tool_call", "tool_result"]) {
      const named = rows.filter((row) => row.part_type === type).map((row) => row.tool_call_id);
      // Google's API names no calls: the ids are made here.
      if (name === "google") expect(named).toHaveLength(calls.length);
      else expect(sorted(named)).toEqual(sorted(calls));
    }
  });

  test("twice gives the same", () => {
    expect(records.map((record) => project(record))).toEqual(projections);
  });
});

const sorted = (values: readonly unknown[]): readonly string[] => values.map(String).toSorted();

const isCut = (record: ExchangeRecord | undefined): boolean => record?.outcome === "upstream_aborted";

const isCompactionPrompt = (text: string | null): boolean =>
  text?.startsWith("Here is the conversation so far:") === true;

/** What was said before a stream broke off, which the client forgets. */
function cutTexts(name: string): readonly string[] {
  return readFixture(name)
    .filter(isCut)
    .flatMap((record) => project(record)?.messages.filter((message) => message.is_answer === true) ?? [])
    .flatMap(({ content }) => (content as readonly ContentBlock[]).map(({ text }) => text as string));
}

function told(usage: Usage): string {
  const { input_tokens, output_tokens = 0, cache_read_tokens, cache_write_tokens = 0 } = usage;
  return JSON.stringify([input_tokens, output_tokens, cache_read_tokens, cache_write_tokens]);
}

/** The client counts reasoning beside the output. */
function written({ input, output, reasoning, cache }: Tokens): string {
  return JSON.stringify([input, output + reasoning, cache.read, cache.write]);
}
