// npm run truth [-- [--captures <folder>] [--write] [filter …]]
// Replays recorded runs of real clients, compares what was stored with what was sent and with what the clients wrote down, and prints a table.

import process from "node:process";
import { parseArgs } from "node:util";
import { killGroups } from "../flows/lib/process.ts";
import { capturedScenarios } from "./capture-folder.ts";
import { check, type Checked } from "./check.ts";
import type { Scenario } from "./scenario.ts";
import { changedLines, writeTable } from "./document.ts";
import { fixtureScenarios } from "./fixture-scenarios.ts";

process.once("exit", killGroups);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.exitCode = await main(process.argv.slice(2));

function notChecked({ client, name }: Scenario, error: unknown): Checked {
  const none = { exchanges: 0, messages: 0, parts: 0, native: 0, fallback: 0, byNature: {} };
  const tokens = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 };
  return {
    client,
    name,
    ...none,
    tokens,
    problems: [error instanceof Error ? error.message : String(error)],
  };
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals: filters } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { captures: { type: "string" }, write: { type: "boolean" } },
  });
  const folder = values.captures;
  const scenarios = (folder === undefined ? fixtureScenarios() : capturedScenarios(folder)).filter(
    ({ client, name }) =>
      filters.length === 0 || filters.some((filter) => `${client}/${name}`.includes(filter)),
  );
  const results: Checked[] = [];
  for (const scenario of scenarios) {
    const checked = await check(scenario).catch((error: unknown) => notChecked(scenario, error));
    results.push(checked);
    const { client, name, problems, exchanges, messages, native, fallback, byNature } = checked;
    console.log(
      `${problems.length === 0 ? "ok    " : "WRONG "} ${client}/${name}: ${exchanges} exchanges, ${messages} messages (${native} native, ${fallback} fallback) ${JSON.stringify(byNature)}`,
    );
    for (const problem of problems) console.log(`         ${problem}`);
  }
  const source = folder === undefined ? "fixtures" : "captures";
  if (values.write === true) writeTable(source, results);
  // How much differs by nature is pinned: whoever changes it says so in the document.
  const changed = changedLines(source, results);
  for (const line of changed) console.log(`WRONG  docs/truth.md says something else (--write): ${line}`);
  const wrong = results.filter(({ problems }) => problems.length > 0).length + changed.length;
  console.log(`${results.length - Math.min(wrong, results.length)} passed, ${wrong} failed`);
  return wrong === 0 ? 0 : 1;
}
