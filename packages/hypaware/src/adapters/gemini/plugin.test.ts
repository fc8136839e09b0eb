import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { PluginContext } from "../../contract/plugin.ts";
import { createAiGateway } from "../../gateway/capability.ts";
import { missingUpstreams } from "../../gateway/missing-upstreams.ts";
import { manifestProblems } from "../../kernel/manifest-schema.ts";
import { BUNDLED_ADAPTERS } from "../bundled.ts";
import { activate } from "./index.ts";
import { geminiPreset } from "../../protocols/gemini/upstream.ts";
import { settingsFor } from "../../settings/settings.testkit.ts";

const manifest = JSON.parse(readFileSync(new URL("hypaware.plugin.json", import.meta.url), "utf8")) as Record<
  string,
  unknown
>;

test("the plugin ships, and registers what its manifest says", () => {
  const registry = createAiGateway({ endpoint: () => undefined });
  const requireCapability = (name: string): unknown =>
    name === "hypaware.settings" ? settingsFor() : registry.capability;
  activate({ env: {}, plugin: { version: "2.0.0" }, requireCapability } as unknown as PluginContext);
  const names = (list: readonly { readonly name: string }[]): readonly string[] =>
    list.map(({ name }) => name);
  expect(manifestProblems(manifest, "1.0.0")).toEqual([]);
  expect(manifest["contributes"]).toEqual({
    upstreams: names(registry.presets()),
    // One for its own client, one for every other program.
    projectors: [...new Set(names(registry.projectors()))],
    clients: names(registry.clients()),
  });
  expect(BUNDLED_ADAPTERS).toContain("gemini");
});

test("a config without its upstream says so by name, and its preset is one", () => {
  const clients = [{ name: "gemini", defaultUpstream: "gemini" }];
  expect(missingUpstreams(clients, []).map(({ kind }) => kind)).toEqual(["gateway_missing_gemini_upstream"]);
  expect(missingUpstreams(clients, [geminiPreset])).toEqual([]);
});
