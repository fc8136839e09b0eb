import assert from "node:assert/strict";
import type { FlowContext } from "./lib/flow.ts";

export const title =
  "commands run in spans with their exit codes; help, wrong usage and failures have theirs";

export default async function commandDispatch(ctx: FlowContext): Promise<void> {
  const code = async (...args: readonly string[]): Promise<number | null> => (await ctx.hyp(args)).code;
  assert.equal(await code("status"), 0);
  assert.equal(await code("query", "schema"), 0);
  assert.equal(await code("query", "sql", "select 1 as one"), 0);
  assert.equal(await code("query", "sql", "select nothing from nowhere"), 1);
  assert.equal(await code("--help"), 0);

  const telemetry = ctx.telemetry();
  const runs = telemetry.spans("command.run");
  assert.ok(runs.every(({ parent_id }) => parent_id === undefined));
  const codes = runs.map(({ attributes }) => [attributes["hyp_command"], attributes["exit_code"]]);
  assert.deepEqual(codes, [
    ["status", 0],
    ["query schema", 0],
    ["query sql", 0],
    ["query sql", 1],
    ["help", 0],
  ]);
  assert.deepEqual(
    runs.filter(({ status }) => status === "failed").map(({ attributes }) => attributes["error_kind"]),
    ["query_failed"],
  );
  const counted = telemetry.metrics("hyp_command_runs_total");
  assert.deepEqual(
    counted.map(({ attributes }) => [attributes["command"], attributes["exit_code"]]),
    codes,
  );
  assert.equal(telemetry.metrics("hyp_command_duration_ms").length, codes.length);
  const [rendered] = telemetry.logs("cli.help_rendered");
  assert.ok(Number(rendered?.attributes["command_count"]) > 10);

  const help = await ctx.hyp([]);
  assert.deepEqual([help.code, help.stderr], [0, ""]);
  assert.match(help.stdout, /^Usage: hyp/, "without a terminal hyp alone is its help");
  for (const wrong of [["qurey"], ["status", "--jsno"], ["run"], ["help", "nothing"], ["daemon", "run"]]) {
    const ended = await ctx.hyp(wrong);
    assert.deepEqual([wrong, ended.code, ended.stdout], [wrong, 2, ""]);
    assert.notEqual(ended.stderr, "");
  }
  for (const path of [["query"], ["query", "sql"], ["daemon", "run"], ["init"]]) {
    const shown = await ctx.hyp([...path, "--help"]);
    assert.deepEqual([shown.code, shown.stderr], [0, ""]);
    assert.ok(shown.stdout.startsWith(`Usage: hyp ${path.join(" ")}`));
    assert.ok(!shown.stdout.includes("\u001b"));
  }
}
