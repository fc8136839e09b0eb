import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { PluginContext } from "../../contract/plugin.ts";
import { createAiGateway } from "../../gateway/capability.ts";
import { enabledPlugins } from "../../kernel/config.ts";
import { manifestProblems } from "../../kernel/manifest-schema.ts";
import type { Manifest } from "../../kernel/manifest.ts";
import { BUNDLED_ADAPTERS } from "../bundled.ts";
import * as claude from "../claude/index.ts";
import * as raw from "./index.ts";
import { settingsFor } from "../../settings/settings.testkit.ts";

const readManifest = (adapter: string): Manifest =>
  JSON.parse(
    readFileSync(new URL(`../${adapter}/hypaware.plugin.json`, import.meta.url), "utf8"),
  ) as Manifest;
const manifest = readManifest("raw");

function activated(...plugins: readonly { activate(context: PluginContext): void }[]) {
  const registry = createAiGateway({ endpoint: () => undefined });
  const requireCapability = (name: string): unknown =>
    name === "hypaware.notes"
      ? { registerSessionContextSource: () => undefined, registerClientRecord: () => undefined }
      : name === "hypaware.settings"
        ? settingsFor()
        : registry.capability;
  const context = {
    env: {},
    config: {},
    plugin: { version: "2.0.0" },
    paths: { stateDir: "/state" },
    requireCapability,
  };
  for (const plugin of plugins) plugin.activate(context as unknown as PluginContext);
  return registry;
}

test("the plugin ships, and registers what its manifest says", () => {
  const registry = activated(raw);
  expect(manifestProblems(manifest, "1.0.0")).toEqual([]);
  expect(manifest.contributes).toEqual({
    upstreams: registry.presets().map(({ name }) => name),
    projectors: registry.projectors().map(({ name }) => name),
  });
  expect(BUNDLED_ADAPTERS).toContain("raw");
});

test("an upstream that it shares with the adapter of the provider's own client is there once, and the same", () => {
  const [alone, together] = [activated(claude), activated(claude, raw)];
  const named = together.presets().filter(({ name }) => name === "anthropic");
  expect(named).toEqual(alone.presets());
});

test("a config that lists only Claude Code's or Codex's adapter keeps recording every other program", () => {
  const shipped = BUNDLED_ADAPTERS.map(readManifest);
  for (const name of ["@hypaware/claude", "@hypaware/codex"]) {
    expect(enabledPlugins({ version: 2, plugins: [{ name }] }, shipped)).toEqual([name, "@hypaware/raw"]);
  }
  const plugins = [{ name: "@hypaware/claude" }, { name: "@hypaware/raw", enabled: false }];
  expect(enabledPlugins({ version: 2, plugins }, shipped)).toEqual(["@hypaware/claude"]);
});
