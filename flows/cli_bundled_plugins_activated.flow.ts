import assert from "node:assert/strict";
import type { FlowContext } from "./lib/flow.ts";

export const title = "a config runs what it lists and what accompanies that, and hyp status says so";

interface Status {
  readonly active_plugins: readonly { readonly name: string }[];
  readonly clients: readonly string[];
  readonly daemon: { readonly running: boolean };
  readonly datasets: readonly { readonly name: string }[];
}

export default async function cliBundledPluginsActivated(ctx: FlowContext): Promise<void> {
  const plugins = ["@hypaware/ai-gateway", "@hypaware/claude", "@hypaware/codex"].map((name) => ({ name }));
  ctx.writeConfig({ version: 2, plugins });
  const some = await statusOf(ctx);
  assert.deepEqual(names(some), [
    "@hypaware/ai-gateway",
    "@hypaware/claude",
    "@hypaware/codex",
    "@hypaware/raw",
  ]);
  assert.deepEqual(some.clients, ["claude", "codex"]);
  assert.equal(some.daemon.running, false);
  assert.ok(some.datasets.some(({ name }) => name === "ai_gateway_messages"));
  const [boot] = ctx.telemetry().spans("kernel.boot");
  assert.equal(boot?.attributes["plugins_activated"], 4);
  const skipped = ctx.telemetry().logs("plugin.skipped");
  assert.deepEqual(
    skipped.map(({ attributes }) => [attributes["hyp_plugin"], attributes["hyp_reason"]]),
    [
      ["@hypaware/gemini", "not_configured"],
      ["@hypaware/opencode", "not_configured"],
    ],
  );

  ctx.writeConfig({ version: 2, plugins: [...plugins, { name: "@hypaware/raw", enabled: false }] });
  assert.ok(!names(await statusOf(ctx)).includes("@hypaware/raw"), "what is switched off accompanies nobody");

  ctx.writeConfig({ version: 2 });
  const all = await statusOf(ctx);
  assert.deepEqual(all.clients, ["claude", "codex", "gemini", "opencode"]);
  assert.equal(all.active_plugins.length, 6);

  // A client needs the gateway: without it the client rests, is told, and nothing else is harmed.
  ctx.writeConfig({ version: 2, plugins: [{ name: "@hypaware/codex" }] });
  const alone = await ctx.hyp(["config", "validate"]);
  assert.deepEqual([alone.code, alone.stderr], [0, ""]);
  assert.match(alone.stdout, /client_without_gateway/);
}

async function statusOf(ctx: FlowContext): Promise<Status> {
  const { code, stdout, stderr } = await ctx.hyp(["status", "--json"]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Status;
}

const names = ({ active_plugins: active }: Status): readonly string[] =>
  active.map(({ name }) => name).sort();
