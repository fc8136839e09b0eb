import assert from "node:assert/strict";
import type { FlowContext } from "./lib/flow.ts";

export const title = "an empty configuration boots, says so, and loads nothing";

export default async function coreBootNoop(ctx: FlowContext): Promise<void> {
  ctx.writeConfig({ version: 2, plugins: [] });
  const booted = await ctx.hyp(["query", "status"]);
  assert.equal(booted.code, 0, booted.stderr);

  const telemetry = ctx.telemetry();
  const boots = telemetry.spans("kernel.boot");
  assert.equal(boots.length, 1, "one root span of the boot");
  const [boot] = boots;
  assert.equal(boot?.parent_id, undefined);
  assert.equal(boot?.status, "ok");
  assert.ok((boot?.duration_ms ?? 0) > 0);
  assert.equal(boot?.resource["dev_run_id"], ctx.runId);
  assert.equal(boot?.attributes["plugins_activated"], 0);
  const loaded = telemetry.metrics("hyp_plugins_loaded").reduce((sum, point) => sum + point.value, 0);
  assert.equal(loaded, 0);
  assert.deepEqual(
    ["warn", "error"].flatMap((level) => telemetry.logs().filter((entry) => entry.level === level)),
    [],
    "an empty configuration is nothing to complain about",
  );

  const validated = await ctx.hyp(["config", "validate"]);
  assert.equal(validated.code, 0, validated.stderr);
  const unknown = await ctx.hyp(["statsu"]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /status/, "an unknown command gets a suggestion");
}
