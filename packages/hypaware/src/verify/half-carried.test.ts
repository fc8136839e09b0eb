// A session that ran through the gateway for a part of its time only: the rest is imported.
import { expect, onTestFinished, test } from "vitest";
import { CLIENTS, type ClientName, FixtureStore } from "./fixture-store.testkit.ts";

const RUNS: readonly (readonly [ClientName, string])[] = [
  ["claude", "subagent"],
  ["claude", "compact"],
  ["claude", "interrupt-resume"],
  ["claude", "older-multi-turn"],
  ["codex", "subagent"],
  ["codex", "socket"],
  ["gemini", "resume"],
  ["opencode", "subagent"],
  ["opencode", "responses"],
];

test.each(
  RUNS.flatMap(([client, fixture]) => ["beginning", "end"].map((part) => [client, fixture, part] as const)),
)("%s %s, of which the %s was carried, has no difference", async (client, fixture, part) => {
  const stored = new FixtureStore();
  onTestFinished(() => stored.dispose());
  const half = CLIENTS[client].read(fixture).length / 2;
  await stored.fill(fixture, client, { keeps: (index) => index < half === (part === "beginning") });
  expect((await stored.verified()).differences).toEqual([]);
});
