import { cpuTimer } from "@hypaware/testkit";
import { expect, test } from "vitest";
import type { ProjectedMessage } from "../contract/projection.ts";
import { assistant, call, conversation, result, user } from "./conversation.testkit.ts";

test("two thousand messages are aligned in a moment, also when every old tool result was cleared", async () => {
  const { turn, rows } = conversation();
  const full: ProjectedMessage[] = [user("start")];
  for (let n = 0; n < 1_000; n++) {
    full.push(call(`t${n}`), result(`t${n}`, `output ${n}`));
  }
  await turn(full, [assistant("end")]);
  expect(rows).toHaveLength(2_002);
  const cleared = full.map((message, index) =>
    index % 2 === 0 && index > 0 && index < 1_900 ? result(`t${index / 2 - 1}`, "[cleared]") : message,
  );
  const cpuMs = cpuTimer();
  await turn([...cleared, assistant("end"), user("more")], [assistant("ok")]);
  const took = cpuMs();
  expect(rows).toHaveLength(2_004);
  expect(took).toBeLessThan(500);
});

test("two thousand equal messages with an edited start are aligned in bounded time", async () => {
  const { turn, rows } = conversation();
  const full: ProjectedMessage[] = [];
  for (let n = 0; n < 1_000; n++) full.push(user("continue"), assistant("Done."));
  await turn(full.slice(0, -1), [assistant("Done.")]);
  expect(rows).toHaveLength(2_000);
  const cpuMs = cpuTimer();
  await turn([user("continue, please"), ...full.slice(1), user("more")], [assistant("ok")]);
  expect(cpuMs()).toBeLessThan(1_000);
  expect(rows).toHaveLength(2_002);
  expect(rows.at(-1)?.message_index).toBe(2_001);
});
