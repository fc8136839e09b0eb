// A store that is right has no difference; whatever is done to it behind its back is one. HYP_SEED chooses what is done to which store,
// HYP_CORRUPTIONS=all does everything to each of them.
import { expect, onTestFinished, test } from "vitest";
import { corrupt, CORRUPTIONS, type Corruption } from "./corruptions.testkit.ts";
import { type ClientName, FixtureStore } from "./fixture-store.testkit.ts";

const SEED = Number.parseInt(process.env["HYP_SEED"] ?? "7", 10);
const IS_WHOLE = process.env["HYP_CORRUPTIONS"] === "all";

interface Run {
  readonly client: ClientName;
  readonly fixture: string;
  /** The client keeps no record of it. */
  readonly isUnrecorded?: true;
}

const RUNS: readonly Run[] = [
  { client: "claude", fixture: "subagent" },
  { client: "claude", fixture: "compact" },
  { client: "claude", fixture: "stream-cut-once" },
  { client: "claude", fixture: "bash", isUnrecorded: true },
  { client: "codex", fixture: "shell" },
  { client: "codex", fixture: "subagent" },
  { client: "codex", fixture: "socket" },
  { client: "gemini", fixture: "resume" },
  { client: "opencode", fixture: "subagent" },
  { client: "opencode", fixture: "responses" },
  { client: "raw", fixture: "anthropic-sdk" },
  { client: "raw", fixture: "openai-sdk" },
];

const nameOf = ({ client, fixture, isUnrecorded }: Run): string =>
  `${client} ${fixture}${isUnrecorded === true ? ", unrecorded" : ""}`;
/** Kinds that were done to some store. */
const done = new Set<string>();

/** Beginning with another for each store, so that all kinds come to all of them in time. */
function kindsOf(run: number): readonly Corruption[] {
  if (IS_WHOLE) return CORRUPTIONS;
  return CORRUPTIONS.filter((_, index) => (index + SEED) % RUNS.length === run);
}

test.each(RUNS.map((run, index) => ({ ...run, index, name: nameOf(run) })))(
  `$name: a store that is right has no difference, and each corruption of it is one (HYP_SEED=${SEED})`,
  async ({ client, fixture, isUnrecorded, index: run }) => {
    const stored = new FixtureStore();
    onTestFinished(() => stored.dispose());
    await stored.fill(fixture, client, { isRecorded: isUnrecorded !== true });
    expect((await stored.verified()).differences).toEqual([]);
    const unseen: string[] = [];
    for (const [index, corruption] of kindsOf(run).entries()) {
      stored.restore();
      const pick = SEED * 31 + index * 17;
      if (!corrupt(stored.catalogPath, corruption, pick)) continue;
      done.add(corruption.name);
      if ((await stored.verified()).differences.length === 0) unseen.push(`${corruption.name} (${pick})`);
    }
    expect(unseen).toEqual([]);
  },
  600_000,
);

test("there are thirty of them and more", () => expect(done.size).toBeGreaterThanOrEqual(30));
