import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { PluginContext } from "../../contract/plugin.ts";
import { createAiGateway } from "../../gateway/capability.ts";
import { missingUpstreams } from "../../gateway/config.ts";
import { manifestProblems } from "../../kernel/manifest-schema.ts";
import { BUNDLED_ADAPTERS } from "../bundled.ts";
import { activate } from "./index.ts";

const manifest = JSON.parse(readFileSync(new URL("hypaware.plugin.json", import.meta.url), "utf8")) as Record<
  string,
  unknown
>;

test("the plugin ships, registers what its manifest says, and can run alone", () => {
  const registry = createAiGateway({ endpoint: () => undefined });
  const requireCapability = (): unknown => registry.capability;
  activate({ env: {}, config: {}, requireCapability } as unknown as PluginContext);
  const names = (list: readonly { readonly name: string }[]): readonly string[] =>
    list.map(({ name }) => name);
  expect(manifestProblems(manifest, "1.0.0")).toEqual([]);
  expect(manifest["contributes"]).toEqual({
    upstreams: names(registry.presets()),
    projectors: names(registry.projectors()),
    clients: names(registry.clients()),
  });
  expect(BUNDLED_ADAPTERS).toContain("opencode");
  expect(missingUpstreams(registry.clients(), registry.presets())).toEqual([]);
});
