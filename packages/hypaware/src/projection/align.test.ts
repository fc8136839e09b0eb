import { expect, test } from "vitest";
import type { ProjectedMessage } from "../contract/projection.ts";
import { assistant, call, conversation, result, system, thinking, user } from "./conversation.testkit.ts";
import { project } from "./exchange.testkit.ts";
import { memoryThreads } from "./thread-memory.ts";

test("a resent history adds nothing: only the new question and its answer are new", async () => {
  const { turn, chain } = conversation();
  await turn([user("a")], [assistant("A")]);
  await turn([user("a"), assistant("A"), user("b")], [assistant("B")]);
  await turn([user("a"), assistant("A"), user("b"), assistant("B"), user("c")], [assistant("C")]);
  expect(chain()).toEqual(["- > a", "a > A", "A > b", "b > B", "B > c", "c > C"]);
});

test('three times "continue" and "Done." are six messages, and their tokens are all there', async () => {
  const { turn, rows } = conversation();
  const history: ProjectedMessage[] = [];
  for (const output of [11, 22, 33]) {
    history.push(user("continue"));
    await turn(history, [assistant("Done.")], {
      facts: { usage: { input_tokens: 1, output_tokens: output } },
    });
    history.push(assistant("Done."));
  }
  expect(rows).toHaveLength(6);
  expect(new Set(rows.map((row) => row.message_id)).size).toBe(6);
  const [first] = rows;
  expect(rows.map((row) => row.message_id.replace(/^[0-9a-f]{16}/, ""))).toEqual([
    "",
    "",
    ":#2",
    ":#2",
    ":#3",
    ":#3",
  ]);
  expect(rows.filter((row) => row.message_id.startsWith(first?.message_id ?? "?"))).toHaveLength(3);
  const usage = rows.flatMap(
    (row) => (row.attributes?.["usage"] as { output_tokens: number } | undefined) ?? [],
  );
  expect(usage.reduce((sum, each) => sum + each.output_tokens, 0)).toBe(66);
  expect(rows.map((row) => row.message_index)).toEqual([0, 1, 2, 3, 4, 5]);
});

test("the form of a message may change: cache mark, string for a list, false for absent, id of a message", async () => {
  const { turn, chain, edits } = conversation();
  await turn(
    [user([{ type: "text", text: "a", cache_control: { type: "ephemeral" } }])],
    [
      assistant([{ type: "text", text: "A\n", citations: null, id: "msg_1" }]),
      assistant([{ type: "tool_use", id: "t1", name: "Bash", input: {}, caller: { type: "direct" } }]),
    ],
  );
  await turn(
    [
      user("a"),
      assistant("A"),
      assistant([{ type: "tool_use", id: "t1", name: "Bash", input: {} }]),
      user([{ type: "tool_result", tool_use_id: "t1", content: "out", is_error: false }]),
    ],
    [assistant("B")],
  );
  await turn(
    [
      user([{ type: "text", text: "a" }]),
      assistant([{ type: "text", text: "A" }]),
      assistant([{ type: "tool_use", id: "t1", name: "Bash", input: {} }]),
      user([{ type: "tool_result", tool_use_id: "t1", content: [{ type: "text", text: "out" }] }]),
      assistant("B"),
      user("b"),
    ],
    [],
  );
  expect(chain()).toEqual(["- > a", "a > A\n", "A\n > call t1", "call t1 > out", "out > B", "B > b"]);
  expect(edits).toEqual([0, 0, 0]);
});

test("edit and resend keeps both branches, also where their texts are equal", async () => {
  const { turn, chain, rows } = conversation();
  const start = [user("a"), assistant("A")];
  await turn(start.slice(0, 1), [assistant("A")]);
  await turn([...start, user("b")], [assistant("Done.")]);
  await turn([...start, user("b"), assistant("Done."), user("ok")], [assistant("fine")]);
  await turn([...start, user("b, but better")], [assistant("Done.")]);
  await turn([...start, user("b, but better"), assistant("Done."), user("ok")], [assistant("fine")]);
  expect(chain()).toEqual([
    "- > a",
    "a > A",
    "A > b",
    "b > Done.",
    "Done. > ok",
    "ok > fine",
    "A > b, but better",
    "b, but better > Done.",
    "Done. > ok",
    "ok > fine",
  ]);
  const branch = rows.find((row) => row.content_text === "b, but better")?.message_id ?? "?";
  const second = rows.filter((row) => row.content_text === "Done.")[1];
  expect(second?.message_id).toMatch(new RegExp(`^[0-9a-f]{16}:@${branch}$`));
  expect(second?.previous_message_id).toEqual([branch]);
  // The name of a branched predecessor is shortened, so that names do not grow along the branch.
  expect(rows.at(-1)?.message_id).toMatch(/^[0-9a-f]{16}:@~[0-9a-f]{16}$/);
});

test("a tool result that the client cleared is an edit of history, not a message", async () => {
  const { turn, chain, edits } = conversation();
  await turn([user("a")], [thinking("t"), call("t1")]);
  await turn([user("a"), thinking("t"), call("t1"), result("t1", "long output")], [call("t2")]);
  await turn(
    [user("a"), thinking("t"), call("t1"), result("t1", "[cleared]"), call("t2"), result("t2", "out 2")],
    [assistant("Done.")],
  );
  await turn(
    [
      user("a"),
      call("t1"),
      result("t1", "[cleared]"),
      call("t2"),
      result("t2", "[cleared]"),
      assistant("Done."),
      user("b"),
    ],
    [assistant("B")],
  );
  expect(chain()).toEqual([
    "- > a",
    "a > t",
    "t > call t1",
    "call t1 > long output",
    "long output > call t2",
    "call t2 > out 2",
    "out 2 > Done.",
    "Done. > b",
    "b > B",
  ]);
  expect(edits).toEqual([0, 0, 1, 2]);
});

test("edits are counted on the rows of the exchange that carried them", async () => {
  const { turn } = conversation();
  await turn([user("a"), system("reminder")], [assistant("A")]);
  const [row] = await turn([user("a + reminder"), assistant("A"), user("b")], []);
  expect(row?.attributes?.["gateway"]).toMatchObject({ history_edits: 1 });
  expect(row?.message_index).toBe(3);
});

test("thinking that the client drops is no edit, and equal answers behind it stay in their places", async () => {
  const { turn, chain, edits } = conversation();
  const history: ProjectedMessage[] = [];
  for (let n = 1; n <= 4; n++) {
    history.push(user("continue"));
    await turn(history, n === 2 ? [assistant("Done.")] : [thinking(`think ${n}`), assistant("Done.")]);
    history.push(assistant("Done."));
  }
  expect(chain()).toEqual([
    "- > continue",
    "continue > think 1",
    "think 1 > Done.",
    "Done. > continue",
    "continue > Done.",
    "Done. > continue",
    "continue > think 3",
    "think 3 > Done.",
    "Done. > continue",
    "continue > think 4",
    "think 4 > Done.",
  ]);
  expect(edits).toEqual([0, 0, 0, 0]);
});

test("a retry after an overload finds the same messages", async () => {
  const { turn, chain } = conversation();
  const list = [user("a"), system("env")];
  await turn(list, [], { status: 529 });
  await turn(list, [], { status: 529 });
  await turn(list, [assistant("A")]);
  await turn([...list, assistant("A"), user("b")], [], { status: 529 });
  await turn([...list, assistant("A"), user("b")], [assistant("B")]);
  expect(chain()).toEqual(["- > a", "a > env", "env > A", "A > b", "b > B"]);
});

test("an aborted answer is kept, and what the client says next stands where the client puts it", async () => {
  const { turn, chain } = conversation();
  await turn([user("a")], [assistant("Once upon")], { outcome: "client_aborted" });
  await turn([user("a"), assistant("Once upon"), user("go on")], [assistant("a time")]);
  await turn([user("a"), user("never mind")], [assistant("ok")]);
  expect(chain()).toEqual([
    "- > a",
    "a > Once upon",
    "Once upon > go on",
    "go on > a time",
    "a > never mind",
    "never mind > ok",
  ]);
});

test("a turn that is sampled again keeps the thinking of both samples", async () => {
  const { turn, chain } = conversation();
  await turn([user("a")], [thinking("first idea")], { outcome: "upstream_aborted" });
  await turn([user("a")], [thinking("second idea"), assistant("A")]);
  await turn([user("a"), thinking("second idea"), assistant("A"), user("b")], [assistant("B")]);
  await turn([user("a"), assistant("A"), user("b"), assistant("B"), user("c")], []);
  expect(chain()).toEqual([
    "- > a",
    "a > first idea",
    "a > second idea",
    "second idea > A",
    "A > b",
    "b > B",
    "B > c",
  ]);
});

test("a compaction summary is a new root, and what the client kept is found where it was", async () => {
  const { turn, chain, edits } = conversation();
  const summary: ProjectedMessage = { ...user("summary of all"), is_compact_summary: true };
  await turn([user("a")], [thinking("t1"), assistant("Done.")]);
  await turn(
    [user("a"), thinking("t1"), assistant("Done."), user("b")],
    [thinking("t2"), assistant("Done.")],
  );
  const before = [
    user("a"),
    thinking("t1"),
    assistant("Done."),
    user("b"),
    thinking("t2"),
    assistant("Done."),
  ];
  await turn([...before, user("compact now")], [assistant("summary of all")]);
  const kept = [summary, system([]), thinking("t2"), assistant("Done.")];
  await turn([...kept, user("b")], [assistant("Done.")]);
  await turn([...kept, user("b"), assistant("Done."), user("b")], [assistant("end")]);
  expect(chain()).toEqual([
    "- > a",
    "a > t1",
    "t1 > Done.",
    "Done. > b",
    "b > t2",
    "t2 > Done.",
    "Done. > compact now",
    "compact now > summary of all",
    "- > summary of all",
    "Done. > b",
    "b > Done.",
    "Done. > b",
    "b > end",
  ]);
  expect(edits).toEqual([0, 0, 0, 0, 0]);
});

test("a compaction that keeps nothing goes on below its summary", async () => {
  const { turn, chain } = conversation();
  const summary: ProjectedMessage = { ...user("summary"), is_compact_summary: true };
  await turn([user("a")], [assistant("A")]);
  await turn([summary, user("b")], [assistant("B")]);
  await turn([summary, user("b"), assistant("B"), user("c")], []);
  expect(chain()).toEqual(["- > a", "a > A", "- > summary", "summary > b", "b > B", "B > c"]);
});

test("a client that drops its oldest turns goes on where it was", async () => {
  const { turn, chain } = conversation();
  await turn([user("a")], [assistant("Done.")]);
  await turn([user("a"), assistant("Done."), user("b")], [assistant("Done.")]);
  await turn([user("b"), assistant("Done."), user("c")], [assistant("C")]);
  expect(chain()).toEqual(["- > a", "a > Done.", "Done. > b", "b > Done.", "Done. > c", "c > C"]);
});

test("an unseen turn with an answer that was given before is new all the same", async () => {
  const { turn, chain } = conversation();
  await turn([user("a")], [assistant("Done.")]);
  await turn(
    [user("a"), assistant("Done."), user("unseen"), assistant("Done."), user("c")],
    [assistant("C")],
  );
  expect(chain()).toEqual(["- > a", "a > Done.", "Done. > unseen", "unseen > Done.", "Done. > c", "c > C"]);
});

test("subagents of one session are conversations of their own", async () => {
  const threads = memoryThreads();
  const main = conversation(threads, "session-1");
  const agent = conversation(threads, "session-1/agent-7");
  await main.turn([user("do it")], [call("t1")]);
  await agent.turn([user("do it")], [assistant("Done.")]);
  await main.turn([user("do it"), call("t1"), result("t1", "Done.")], [assistant("Done.")]);
  expect(main.chain()).toEqual(["- > do it", "do it > call t1", "call t1 > Done.", "Done. > Done."]);
  expect(agent.chain()).toEqual(["- > do it", "do it > Done."]);
  expect(main.rows[2]?.tool_name).toBe("Bash");
});

test("an answer that is seen in a later request before its own exchange is stored once", async () => {
  const { turn, chain, rows, threads } = conversation();
  await turn([user("a"), assistant("A"), user("b")], [assistant("B")]);
  await turn([user("a")], [assistant("A")]);
  expect(chain()).toEqual(["- > a", "a > A", "A > b", "b > B"]);
  expect(threads.named(rows[1]?.message_id ?? "?")?.isAnswer).toBe(true);
});

test("without is_answer, the assistant messages at the end are the answer", async () => {
  const threads = memoryThreads();
  const { rows } = await project(threads, {
    provider: "fake",
    conversation_id: "c",
    messages: [user("a"), assistant("A"), user("b"), assistant("B1"), assistant("B2")],
  });
  expect(rows.map((row) => threads.named(row.message_id)?.isAnswer)).toEqual([
    false,
    false,
    false,
    true,
    true,
  ]);
});

test("a call that comes back under its id with another name or other arguments is the same call, whatever its result says", async () => {
  const { turn, chain, edits } = conversation();
  const changed = assistant([{ type: "tool_use", id: "t1", name: "invalid", input: { tool: "Bash" } }]);
  await turn([user("a")], [thinking("about it"), call("t1")]);
  await turn([user("a"), changed, result("t1", "no such tool")], [call("t2")]);
  await turn(
    [user("a"), changed, result("t1", "no such tool"), call("t2"), result("t2", "out")],
    [assistant("B")],
  );
  expect(chain()).toEqual([
    "- > a",
    "a > about it",
    "about it > call t1",
    "call t1 > no such tool",
    "no such tool > call t2",
    "call t2 > out",
    "out > B",
  ]);
  expect(edits).toEqual([0, 1, 1]);
});

test("a call of an unknown id is another one, as is any beside a second answer at its place", async () => {
  const { turn, rows } = conversation();
  await turn([user("a")], [call("t1")]);
  await turn([user("a"), call("t9"), result("t9", "x")], [assistant("B")]);
  expect(rows.filter((row) => row.tool_call_id === "t9" && row.part_type === "tool_call")).toHaveLength(1);
  await turn([user("a")], [call("t3")]);
  const changed = assistant([{ type: "tool_use", id: "t3", name: "invalid", input: {} }]);
  await turn([user("a"), changed, result("t3", "y")], [assistant("C")]);
  expect(rows.filter((row) => row.tool_name === "invalid" && row.part_type === "tool_call")).toHaveLength(1);
});
