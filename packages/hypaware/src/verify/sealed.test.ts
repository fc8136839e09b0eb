// Where the rows are makes no difference to what is said of them.
import { expect, onTestFinished, test } from "vitest";
import { type ClientName, FixtureStore } from "./fixture-store.testkit.ts";

const RUNS: readonly (readonly [ClientName, string])[] = [
  ["claude", "compact"],
  ["codex", "socket"],
  ["gemini", "resume"],
  ["opencode", "subagent"],
  ["raw", "openai-sdk"],
];

test.each(RUNS)("%s %s: a sealed store has no difference", async (client, fixture) => {
  const stored = new FixtureStore();
  onTestFinished(() => stored.dispose());
  await stored.fill(fixture, client, { isSealed: true });
  const { unrecorded, differences } = await stored.verified();
  // What may still be linked with another line stays hot.
  expect(stored.change("DELETE FROM ai_gateway_messages")).toBeLessThanOrEqual(1);
  expect(differences).toEqual([]);
  if (client === "raw") expect(unrecorded.looked_at.messages).toBeGreaterThan(20);
});
