import { expect, test } from "vitest";
import type { ProjectedMessage, Projection } from "../contract/projection.ts";
import type { ThreadStore } from "../contract/thread.ts";
import { type ExchangeOptions, project } from "./exchange.testkit.ts";
import { memoryThreads } from "./thread-memory.ts";

const system = (time: string): ProjectedMessage => ({ role: "system", content: `It is ${time}` });
const user = (content: string): ProjectedMessage => ({ role: "user", content });
const assistant = (content: string): ProjectedMessage => ({ role: "assistant", content });

/** A program that names no conversation: base is a hash of its first message. */
function program(threads: ThreadStore = memoryThreads()) {
  return async (
    history: readonly ProjectedMessage[],
    answer: string | undefined,
    options: ExchangeOptions = {},
  ) => {
    const projection: Projection = {
      provider: "fake",
      conversation_id: `hash of ${JSON.stringify(history[0]?.content)}`,
      conversation_inferred: true,
      messages: [
        ...history.map((message) => ({ ...message, is_answer: false })),
        ...(answer === undefined ? [] : [{ ...assistant(answer), is_answer: true }]),
      ],
    };
    const { exchange, rows } = await project(threads, projection, options);
    return {
      id: exchange.conversation_id?.replace(/hash of "(.*)"/, "$1"),
      rows: rows.length,
      retryOf: exchange.retry_of,
    };
  };
}

test("a request that repeats a stored answer continues that conversation", async () => {
  const ask = program();
  expect(await ask([user("a")], "A")).toMatchObject({ id: "a", rows: 2 });
  expect(await ask([user("a"), assistant("A"), user("b")], "B")).toMatchObject({ id: "a", rows: 2 });
  expect(await ask([user("a"), assistant("A"), user("b"), assistant("B"), user("c")], "C")).toMatchObject({
    rows: 2,
  });
});

test("a thousand runs of one prompt with one answer are a thousand conversations", async () => {
  const ask = program();
  const ids = new Set<string | undefined>();
  for (let run = 0; run < 1_000; run++) {
    const { id, rows } = await ask([user("classify this")], "yes");
    ids.add(id);
    expect(rows).toBe(2);
  }
  expect(ids.size).toBe(1_000);
  expect([...ids].slice(0, 3)).toEqual(["classify this", "classify this:#2", "classify this:#3"]);
});

test("equal dialogues that run at the same time each get their own second turn", async () => {
  const ask = program();
  const first = [];
  const second = [];
  for (let run = 0; run < 100; run++) first.push((await ask([user("a")], "A")).id);
  for (let run = 0; run < 100; run++) {
    const { id, rows } = await ask([user("a"), assistant("A"), user("b")], "B");
    second.push(id);
    expect(rows).toBe(2);
  }
  expect(new Set(second)).toEqual(new Set(first));
});

test("a failed attempt is continued by its repeat, not by another run", async () => {
  const ask = program();
  expect(await ask([user("a")], undefined, { status: 529, id: "x1", body: "{}" })).toMatchObject({
    id: "a",
    rows: 1,
  });
  expect(await ask([user("a")], "A", { id: "x2", body: "{}" })).toEqual({ id: "a", rows: 1, retryOf: "x1" });
  expect(await ask([user("a")], "A", { id: "x3", body: "{}" })).toEqual({
    id: "a:#2",
    rows: 2,
    retryOf: null,
  });
});

test("a second turn that failed is repeated in its own conversation, though another waits for one", async () => {
  const ask = program();
  const turn = [user("a"), assistant("A"), user("b")];
  await ask([user("a")], "A");
  expect((await ask(turn, undefined, { outcome: "client_aborted" })).id).toBe("a");
  await ask([user("a")], "A");
  expect(await ask(turn, "B")).toMatchObject({ id: "a", rows: 1 });
  expect(await ask(turn, "B")).toMatchObject({ id: "a:#2", rows: 2 });
});

test("asking the same thing in another way branches the conversation that was continued", async () => {
  const ask = program();
  await ask([user("a")], "A");
  await ask([user("a"), assistant("A"), user("b")], "B");
  expect(await ask([user("a"), assistant("A"), user("b, please")], "B")).toMatchObject({ id: "a", rows: 2 });
});

test("an equal answer to another question proves nothing", async () => {
  const ask = program();
  await ask([user("a")], "Done.");
  expect((await ask([user("x"), assistant("Done."), user("b")], "B")).id).toBe("x");
});

test("a system text that changes with each request does not break the conversation", async () => {
  const ask = program();
  await ask([system("10:00"), user("a")], "A");
  const { id, rows } = await ask([system("10:01"), user("a"), assistant("A"), user("b")], "B");
  expect(id).toBe("It is 10:00");
  expect(rows).toBe(2);
});

test("answers of named conversations are not continued by programs without one", async () => {
  const threads = memoryThreads();
  await project(threads, {
    provider: "fake",
    conversation_id: "session",
    messages: [user("a"), assistant("A")],
  });
  expect((await program(threads)([user("a"), assistant("A"), user("b")], "B")).id).toBe("a");
});

test("a native id that is stored leads to its conversation", async () => {
  const threads = memoryThreads();
  const base = { provider: "fake", conversation_inferred: true };
  await project(threads, {
    ...base,
    conversation_id: "h1",
    messages: [user("a"), { ...assistant("A"), message_id: "msg_1" }],
  });
  const { exchange } = await project(threads, {
    ...base,
    conversation_id: "h2",
    messages: [{ ...assistant("A, shortened"), message_id: "msg_1" }, user("b"), assistant("B")],
  });
  expect(exchange.conversation_id).toBe("h1");
});
