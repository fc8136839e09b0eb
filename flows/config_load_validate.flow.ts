import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FlowContext } from "./lib/flow.ts";

export const title =
  "a good config validates with its counts; each problem of a bad one is named with its place";

const PLUGINS = [{ name: "@hypaware/ai-gateway" }, { name: "@hypaware/claude" }];

export default async function configLoadValidate(ctx: FlowContext): Promise<void> {
  ctx.writeConfig({ version: 2, plugins: PLUGINS });
  const good = await ctx.hyp(["config", "validate"]);
  assert.deepEqual(
    [good.code, good.stdout, good.stderr],
    [0, `config ok: ${ctx.configPath} (plugins=2, sinks=0)\n`, ""],
  );
  assert.deepEqual(failures(ctx), []);

  ctx.writeConfig({
    version: 2,
    plugins: PLUGINS,
    sinks: { lake: { writer: "@hypaware/claude", destination: "@hypaware/raw" }, none: {} },
  });
  const bad = await ctx.hyp(["config", "validate"]);
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /\[sink_pair_incompatible\] \/sinks\/none: needs "writer" and "destination"/);
  assert.match(bad.stderr, /\[sink_\w+\] \/sinks\/lake\/writer:/);
  assert.match(bad.stderr, /config invalid: .* \(3 problems\)\n$/);
  assert.equal(bad.stdout, "");
  const telemetry = ctx.telemetry();
  assert.ok(failures(ctx).includes("sink_pair_incompatible"));
  const told = telemetry.logs("config.validate.error").map((entry) => entry.attributes["error_kind"]);
  assert.ok(told.includes("sink_pair_incompatible"));

  await refused(ctx, "not JSON", /config_invalid_json.*:1:1: not JSON here/);
  await refused(ctx, '{ "version": 3 }', /config_invalid_shape\] \/version/);
  await refused(
    ctx,
    '{ "version": 2, "plugins": [{ "name": "nobody" }] }',
    /plugin_unknown\] \/plugins\/0\/name/,
  );
  const missing = await ctx.hyp(["config", "validate", "--path", join(ctx.folder, "absent.json")]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /config_missing/);
}

/** A config with an error is not used, not even in part: the daemon does not start on it. */
async function refused(ctx: FlowContext, text: string, problem: RegExp): Promise<void> {
  const file = join(ctx.folder, "bad.json");
  writeFileSync(file, text);
  const validated = await ctx.hyp(["config", "validate", "--path", file]);
  assert.equal(validated.code, 1);
  assert.match(validated.stderr, problem);
  const started = await ctx.hyp(["daemon", "run", "--foreground", "--config", file]);
  assert.equal(started.code, 1, started.stdout);
  assert.match(started.stderr, problem);
}

const failures = (ctx: FlowContext): readonly unknown[] =>
  ctx
    .telemetry()
    .spans("config.validate")
    .filter(({ status }) => status === "failed")
    .map(({ attributes }) => attributes["error_kind"]);
