// A past that was edited so that it reads like another branch: found by generated trees (daemon/generated).
import { expect, test } from "vitest";
import type { ContentBlock } from "../contract/projection.ts";
import { project } from "./exchange.testkit.ts";
import { memoryThreads } from "./thread-memory.ts";

const said = (role: string, content: string | readonly ContentBlock[]) => ({
  role,
  content,
  is_answer: false,
});
const call = said("assistant", [{ type: "tool_use", id: "t1", name: "Bash", input: {} }]);
const result = said("user", [{ type: "tool_result", tool_use_id: "t1", content: "out" }]);
const begin = [said("user", "a"), said("assistant", "yes")];

test.each([
  ["a call", call],
  ["a text", said("assistant", "Done.")],
])(
  "a reminder that is left out before a repeated prompt does not lead to the other branch, %s shows",
  async (_, answer) => {
    const threads = memoryThreads();
    const send = (history: readonly ReturnType<typeof said>[], answered: ReturnType<typeof said>) =>
      project(threads, {
        provider: "fake",
        conversation_id: "c",
        messages: [...history, { ...answered, is_answer: true }],
      });
    await send(begin.slice(0, 1), begin[1]!);
    await send([...begin, said("user", "go on")], said("assistant", "no"));
    const reminded = [...begin, said("user", "<reminder>"), said("user", "go on")];
    const { rows: branch } = await send(reminded, answer);
    const { rows } = await send([...begin, said("user", "go on"), answer, result], said("assistant", "end"));
    const [shown] = branch.slice(-1);
    expect(rows.map((row) => [row.role, row.previous_message_id])).toEqual([
      ["user", [shown!.message_id]],
      ["assistant", [rows[0]!.message_id]],
    ]);
  },
);

test("what was said behind a compaction is found there when its reminder is left out, and not before it", async () => {
  const threads = memoryThreads();
  const send = (history: readonly ReturnType<typeof said>[], answered: string) =>
    project(threads, {
      provider: "fake",
      conversation_id: "c",
      messages: [...history, { ...said("assistant", answered), is_answer: true }],
    });
  const summary = { ...said("user", "so far"), is_compact_summary: true };
  const behind = [summary, said("user", "<reminder>"), said("user", "go on")];
  await send([said("user", "a")], "yes");
  const { rows: told } = await send(behind, "yes");
  const { rows } = await send(
    [summary, said("user", "go on"), said("assistant", "yes"), said("user", "next")],
    "no",
  );
  expect(rows[0]?.previous_message_id).toEqual([told.at(-1)!.message_id]);
});
