import { expect, test } from "vitest";
import type { ExchangeProjector, ExchangeRecord } from "../contract/plugin.ts";
import { FIXTURES as CLAUDE, readFixture as readClaude } from "./claude/fixtures.testkit.ts";
import { claudeProjector } from "./claude/projector.ts";
import { FIXTURES as CODEX, readFixture as readCodex } from "./codex/fixtures.testkit.ts";
import { codexProjector } from "./codex/projector.ts";
import { FIXTURES as GEMINI, readFixture as readGemini } from "./gemini/fixtures.testkit.ts";
import { generateContentProjector, geminiProjector } from "./gemini/projector.ts";
import { FIXTURES as OPENCODE, readFixture as readOpencode } from "./opencode/fixtures.testkit.ts";
import { opencodeProjector } from "./opencode/projector.ts";
import { anthropicProjector } from "./raw/anthropic.ts";
import { FIXTURES as RAW, readFixture as readRaw } from "./raw/fixtures.testkit.ts";
import { openaiProjector } from "./raw/openai.ts";

/** Those that know a program. */
const CLIENTS = [claudeProjector, codexProjector, geminiProjector, opencodeProjector];
/** Those that read an API, whoever calls it. */
const APIS = [anthropicProjector, openaiProjector, generateContentProjector];

const taking = (projectors: readonly ExchangeProjector[], record: ExchangeRecord): ExchangeProjector[] =>
  projectors.filter((each) => each.match(record));

test.each([
  ["Claude Code", claudeProjector, CLAUDE.flatMap(readClaude)],
  ["Codex", codexProjector, CODEX.flatMap(readCodex)],
  ["Gemini CLI", geminiProjector, GEMINI.flatMap(readGemini)],
  ["opencode", opencodeProjector, OPENCODE.flatMap(readOpencode)],
])("every exchange of %s is claimed by its own adapter and no other client's", (_, own, records) => {
  for (const record of records) expect(taking(CLIENTS, record), record.path ?? "").toEqual([own]);
});

test("every exchange of another program is claimed by one that reads its API, and by no client's", () => {
  for (const record of RAW.flatMap(readRaw)) {
    expect(taking(CLIENTS, record), record.path ?? "").toEqual([]);
    expect(taking(APIS, record), record.path ?? "").toHaveLength(1);
  }
});

test("an API is read by at most one of those that read APIs, and a client's calls by its own adapter first", () => {
  const records = [
    ...CLAUDE.flatMap(readClaude),
    ...CODEX.flatMap(readCodex),
    ...GEMINI.flatMap(readGemini),
    ...OPENCODE.flatMap(readOpencode),
  ];
  for (const record of records) expect(taking(APIS, record).length).toBeLessThanOrEqual(1);
  const priorities = (list: readonly ExchangeProjector[]): number[] =>
    list.map(({ priority = 0 }) => priority);
  expect(Math.min(...priorities(CLIENTS))).toBeGreaterThan(Math.max(...priorities(APIS)));
});
