import { describe, expect, test } from "vitest";
import type { ContentBlock, ExchangeRecord, ProjectedMessage, Projection } from "../../contract/plugin.ts";
import { describeExchange } from "../../protocols/golden.testkit.ts";
import { asName, asObject, asText } from "../../protocols/loose.ts";
import { type ChatMessage, FIXTURES, project, readChat, readFixture } from "./fixtures.testkit.ts";

describe.each(FIXTURES)("%s", (name) => {
  const records = readFixture(name);
  const projections = records.map((record) => project(record));

  test("is projected as recorded", async () => {
    const golden = records.map((record, index) => describeExchange(record, projections[index])).join("\n");
    await expect(golden).toMatchFileSnapshot(`fixtures/${name}.golden.txt`);
  });

  test("the n-th answer has the usage that the provider sent", () => {
    for (const [index, record] of records.entries()) {
      const usage = projections[index]?.exchange?.usage;
      const n = index + 1;
      const thoughts = record.is_sse === true ? 5 + n : undefined;
      // A stream that broke off had told its prompt, and neither what was cached of it nor what was said.
      const whole = {
        input_tokens: 10 + n,
        cache_read_tokens: 2000 + n,
        output_tokens: 20 + n + (thoughts ?? 0),
        ...(thoughts === undefined ? {} : { reasoning_tokens: thoughts }),
      };
      const cut = { input_tokens: 2010 + 2 * n };
      const isAnswered = record.status_code === 200;
      expect(usage).toEqual(isAnswered ? (isWhole(record) ? whole : cut) : undefined);
    }
  });

  test("an answer and its echo in the next request are the same blocks, but for thoughts", () => {
    for (const [index, projection] of projections.entries()) {
      const answer = (projection?.messages ?? []).find((message) => message.is_answer === true);
      const next = projections.slice(index + 1).find((each) => (each?.messages.length ?? 0) > 0)?.messages;
      if (answer === undefined || next === undefined || !isWhole(records[index])) continue;
      expect(next.map(saidIn)).toContainEqual(saidIn(answer));
    }
  });
});

describe.each(FIXTURES)("%s, beside the client's chat file", (name) => {
  const records = readFixture(name);
  const projections = records.map((record) => project(record));
  const chat = readChat(name);
  const written = joined(chat);
  const messages = lastSuccessful(records, projections);
  const conversation = messages.slice(Math.max(0, messages.length - written.length));

  test("the conversation is what the client wrote down, neighbouring texts of a person in one content", () => {
    // The client forgets a turn that failed; what it asked is on the wire all the same.
    const isKept = isWhole(records.at(-1));
    expect(conversation.map(witness)).toEqual(isKept ? written.map(chatWitness) : []);
  });

  test("calls and results are paired as there, and the wire's ids lead there", () => {
    const calls = chat.flatMap((message) => message.calls ?? []);
    const results = chat.flatMap((message) => message.results ?? []);
    const blocks = conversation.flatMap(blocksOf);
    const made = blocks.filter((block) => block["type"] === "tool_use");
    const given = blocks.filter((block) => block["type"] === "tool_result");
    expect(made.map((block) => [block["name"], block["input"]])).toEqual(
      calls.map((call) => [call.name, call.args]),
    );
    expect(given.map((block) => block["tool_use_id"])).toEqual(made.map((block) => block["id"]));
    const wireIds = conversation.map((message) =>
      asObject(asObject(message.attributes?.["gemini"])?.["wire_call_ids"]),
    );
    for (const [index, block] of given.entries()) {
      const ids = wireIds.flatMap((each) => asName(each?.[asText(block["tool_use_id"]) ?? ""]) ?? []);
      // The client's own record puts the tool's name before it.
      expect(new Set(ids.map((id) => `${calls[index]?.name}__${id}`))).toEqual(new Set([calls[index]?.id]));
    }
    expect(results.map(({ id }) => id)).toEqual(calls.map(({ id }) => id));
  });

  test("tokens are the client's own", () => {
    const answers = chat.filter((message) => message.tokens !== undefined);
    const told = projections.flatMap((projection, index) =>
      projection?.exchange?.request_class === "main" && isWhole(records[index]) ? [projection.exchange] : [],
    );
    expect(told.map(({ usage }) => usage)).toEqual(
      answers.map(({ tokens }) => ({
        input_tokens: tokens!.input - tokens!.cached,
        cache_read_tokens: tokens!.cached,
        output_tokens: tokens!.output + tokens!.thoughts,
        reasoning_tokens: tokens!.thoughts,
      })),
    );
    // The backend of a sign-in has names of its own for models.
    const isSignedIn = told.some((facts) => facts.session_id !== undefined);
    if (!isSignedIn) expect(told.map(({ model }) => model)).toEqual(answers.map(({ model }) => model));
  });
});

const isWhole = (record: ExchangeRecord | undefined): boolean =>
  record?.outcome === "complete" && record.status_code === 200;

/** Messages of the last request that was answered, and the answer. */
function lastSuccessful(
  records: readonly ExchangeRecord[],
  projections: readonly (Projection | undefined)[],
): readonly ProjectedMessage[] {
  const at = records.findLastIndex(
    (record, index) => isWhole(record) && (projections[index]?.messages.length ?? 0) > 0,
  );
  return projections[at]?.messages ?? [];
}

const blocksOf = ({ content }: ProjectedMessage): readonly ContentBlock[] =>
  content as readonly ContentBlock[];

const saidIn = (message: ProjectedMessage): readonly ContentBlock[] =>
  blocksOf(message).filter((block) => block["type"] !== "thinking");

function witness(message: ProjectedMessage): unknown {
  const texts = blocksOf(message).flatMap((block) => (block["type"] === "text" ? [block["text"]] : []));
  const results = blocksOf(message).flatMap((block) =>
    block["type"] === "tool_result" ? [block["content"]] : [],
  );
  return [message.role, texts, results];
}

function chatWitness({ type, texts, results }: JoinedMessage): unknown {
  return [type === "gemini" ? "assistant" : "user", texts, (results ?? []).map(({ output }) => output)];
}

interface JoinedMessage extends ChatMessage {
  readonly texts: readonly string[];
}

/** The client sends what a person said in a row as one content. */
function joined(chat: readonly ChatMessage[]): readonly JoinedMessage[] {
  const all: JoinedMessage[] = [];
  for (const message of chat) {
    const last = all.at(-1);
    const texts = message.text === undefined ? [] : [message.text];
    if (last?.type === "user" && message.type === "user") {
      all[all.length - 1] = { ...last, texts: [...last.texts, ...texts] };
    } else all.push({ ...message, texts });
  }
  return all;
}
