import assert from "node:assert/strict";
import type { FlowContext } from "./lib/flow.ts";
import { writePlugin } from "./lib/plugin-folder.ts";

export const title =
  "plugins run after what they need; a circle is rejected in words, and whoever is outside it runs";

const PROVIDES = `export function activate(context) { context.provideCapability("me.words", "1.2.0", ["yes"]); }`;
const NEEDS = `export function activate(context) {
  if (context.requireCapability("me.words", "^1.0.0")[0] !== "yes") throw new Error("no words");
}`;

export default async function manifestDepResolve(ctx: FlowContext): Promise<void> {
  const plugins = (name: string) => ({ requires: { plugins: { [name]: "*" } } });
  const folders = [
    writePlugin(ctx, "z-words", { provides: { capabilities: { "me.words": "1.2.0" } } }, "z", PROVIDES),
    writePlugin(ctx, "a-reader", { requires: { capabilities: { "me.words": "^1.0.0" } } }, "a", NEEDS),
    writePlugin(ctx, "egg", plugins("hen")),
    writePlugin(ctx, "hen", plugins("egg")),
  ];
  for (const folder of folders) assert.equal((await ctx.hyp(["plugin", "install", folder])).code, 0);
  const installs = ctx.telemetry().spans("manifest.load").length;
  assert.equal(installs, folders.length, "each is read once when it is installed");
  const names = ["a-reader", "egg", "hen", "z-words"];
  ctx.writeConfig({ version: 2, plugins: names.map((name) => ({ name })) });
  assert.equal((await ctx.hyp(["query", "status"])).code, 0);

  const telemetry = ctx.telemetry();
  const loads = telemetry.spans("manifest.load");
  assert.equal(loads.length - installs, folders.length, "and once at boot");
  assert.ok(loads.every(({ status }) => status === "ok"));
  const resolved = telemetry
    .spans("dep_graph.resolve")
    .find(({ attributes }) => attributes["hyp_plugin_count"] === 2);
  assert.match(String(resolved?.attributes["hyp_resolve_order_hash"]), /^[0-9a-f]{16}$/);
  const boot = telemetry.spans("kernel.boot").find(({ span_id }) => span_id === resolved?.parent_id);
  assert.equal(boot?.attributes["unsatisfied_count"], 2);
  const order = telemetry.spans("plugin.activate").filter(({ parent_id }) => parent_id === boot?.span_id);
  assert.deepEqual(
    order.map(({ attributes }) => attributes["hyp_plugin"]),
    ["z-words", "a-reader"],
    "who provides comes first, whatever the names",
  );
  const satisfied = telemetry
    .logs("cap.require_satisfied")
    .filter(({ attributes }) => attributes["hyp_plugin"] === "a-reader");
  assert.deepEqual(
    satisfied.map(({ attributes }) => [attributes["hyp_capability"], attributes["provider"]]),
    [["me.words", "z-words"]],
  );
  const rejected = telemetry.logs("dep_graph.reject");
  assert.ok(rejected.every(({ attributes }) => attributes["error_kind"] === "cycle"));
  assert.deepEqual(
    new Set(rejected.map(({ attributes }) => attributes["hyp_plugin"])),
    new Set(["egg", "hen"]),
  );
  assert.match(String(rejected[0]?.attributes["message"]), /egg → hen → egg/);
}
