import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { FlowContext } from "./lib/flow.ts";
import { writePlugin } from "./lib/plugin-folder.ts";

export const title =
  "plugins are activated once each inside the boot, own a folder, and are taken back in reverse at the end";

/** Says when it begins and ends, in its own folder and in one that both know. */
const diary = (file: string): string => `
import { appendFileSync, mkdirSync } from "node:fs";
export function activate({ plugin, paths, config, onDispose }) {
  mkdirSync(paths.stateDir, { recursive: true, mode: 0o700 });
  appendFileSync(paths.stateDir + "/own", config.word);
  appendFileSync(${JSON.stringify(file)}, plugin.name + " begins\\n");
  onDispose(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    appendFileSync(${JSON.stringify(file)}, plugin.name + " ends\\n");
  });
}`;

export default async function activationLifecycle(ctx: FlowContext): Promise<void> {
  const file = join(ctx.folder, "diary");
  const requires = { plugins: { "@me/one": "^1.0.0" } };
  for (const folder of [
    writePlugin(ctx, "@me/one", {}, "one", diary(file)),
    writePlugin(ctx, "a-two", { requires }, "two", diary(file)),
  ])
    assert.equal((await ctx.hyp(["plugin", "install", folder])).code, 0);
  ctx.writeConfig({
    version: 2,
    plugins: [
      { name: "a-two", config: { word: "two" } },
      { name: "@me/one", config: { word: "one" } },
    ],
  });
  const ran = await ctx.hyp(["query", "status"]);
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(readFileSync(file, "utf8"), "@me/one begins\na-two begins\na-two ends\n@me/one ends\n");

  const telemetry = ctx.telemetry();
  const boot = telemetry.spans("kernel.boot").find(({ attributes }) => attributes["plugins_activated"] === 2);
  assert.equal(boot?.status, "ok");
  const names = ["@me/one", "a-two"];
  const activations = telemetry
    .spans("plugin.activate")
    .filter(({ parent_id }) => parent_id === boot?.span_id);
  assert.deepEqual(
    activations.map(({ status, attributes }) => [
      attributes["hyp_plugin"],
      attributes["hyp_plugin_version"],
      status,
    ]),
    names.map((name) => [name, "1.0.0", "ok"]),
  );
  const loaded = telemetry
    .metrics("hyp_plugins_loaded")
    .filter(({ attributes }) => names.includes(String(attributes["hyp_plugin"])));
  assert.deepEqual(
    loaded.map(({ value, attributes }) => [attributes["hyp_plugin"], value]),
    names.map((name) => [name, 1]),
  );
  for (const [name, word] of [
    ["@me/one", "one"],
    ["a-two", "two"],
  ] as const) {
    const own = join(ctx.state, "plugins", name);
    assert.equal(statSync(own).mode & 0o777, 0o700);
    assert.equal(readFileSync(join(own, "own"), "utf8"), word);
  }

  assert.equal((await ctx.hyp(["plugin", "remove", "a-two"])).code, 0);
  assert.equal(
    readFileSync(join(ctx.state, "plugins", "a-two", "own"), "utf8"),
    "two",
    "what it wrote stays",
  );
}
