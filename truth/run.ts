// npm run truth [-- --captures <folder>] [--write] [filter …]
// Replays recorded runs of real clients, compares what was stored with what was sent and with what the clients wrote down, and prints a table.

import process from "node:process";
import { killGroups } from "../flows/lib/process.ts";
import { capturedScenarios } from "./capture-folder.ts";
import { check, type Checked } from "./check.ts";
import { fixtureScenarios } from "./fixture-scenarios.ts";

process.once("exit", killGroups);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const at = args.indexOf("--captures");
  const folder = at === -1 ? undefined : args[at + 1];
  const filters = args.filter((each, index) => !each.startsWith("--") && (at === -1 || index !== at + 1));
  const scenarios = (folder === undefined ? fixtureScenarios() : capturedScenarios(folder)).filter(
    ({ client, name }) =>
      filters.length === 0 || filters.some((filter) => `${client}/${name}`.includes(filter)),
  );
  const results: Checked[] = [];
  for (const scenario of scenarios) {
    const checked = await check(scenario);
    results.push(checked);
    const { client, name, problems, exchanges, messages, native, fallback, byNature } = checked;
    console.log(
      `${problems.length === 0 ? "ok    " : "WRONG "} ${client}/${name}: ${exchanges} exchanges, ${messages} messages (${native} native, ${fallback} fallback) ${JSON.stringify(byNature)}`,
    );
    for (const problem of problems) console.log(`         ${problem}`);
  }
  const wrong = results.filter(({ problems }) => problems.length > 0).length;
  console.log(`${results.length - wrong} passed, ${wrong} failed`);
  return wrong === 0 ? 0 : 1;
}
