import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { PluginContext } from "../../contract/plugin.ts";
import { createAiGateway } from "../../gateway/capability.ts";
import { missingUpstreams } from "../../gateway/missing-upstreams.ts";
import { manifestProblems } from "../../kernel/manifest-schema.ts";
import { BUNDLED_ADAPTERS } from "../bundled.ts";
import { createNotes } from "../../notes/registry.ts";
import { activate, configSection } from "./index.ts";
import { opencodeDatabase } from "./record.ts";
import { settingsFor } from "../../settings/settings.testkit.ts";

const manifest = JSON.parse(readFileSync(new URL("hypaware.plugin.json", import.meta.url), "utf8")) as Record<
  string,
  unknown
>;

test("the plugin ships, registers what its manifest says, and can run alone", () => {
  const registry = createAiGateway({ endpoint: () => undefined });
  const notes = createNotes();
  const view = notes.viewFor({ plugin: "test", onDispose: () => undefined });
  const requireCapability = (name: string): unknown =>
    name === "hypaware.notes" ? view : name === "hypaware.settings" ? settingsFor() : registry.capability;
  const context = { env: { HOME: "/home/user" }, plugin: { version: "2.0.0" }, requireCapability };
  activate({ ...context, config: { database: false } } as unknown as PluginContext);
  expect(notes.clientRecords()).toMatchObject([{ isFollowed: false }]);
  activate({ ...context, config: {} } as unknown as PluginContext);
  expect(notes.clientRecords()).toMatchObject([
    { isFollowed: false },
    { isFollowed: true, client: "opencode", database: "/home/user/.local/share/opencode/opencode.db" },
  ]);
  const names = (list: readonly { readonly name: string }[]): readonly string[] =>
    list.map(({ name }) => name);
  expect(manifestProblems(manifest, "1.0.0")).toEqual([]);
  expect(manifest["contributes"]).toMatchObject({
    upstreams: names(registry.presets()),
    projectors: [...new Set(names(registry.projectors()))],
    clients: names(registry.clients()),
  });
  expect(BUNDLED_ADAPTERS).toContain("opencode");
  expect(missingUpstreams(registry.clients(), registry.presets())).toEqual([]);
});

test("its config knows one key", () => {
  expect(configSection({ database: false })).toEqual([]);
  expect(configSection({ database: 1, databases: true })).toMatchObject([
    { severity: "error", pointer: "/database", message: "expected boolean" },
    { severity: "error", pointer: "/databases" },
  ]);
});

test("the database is where the client looks for it", () => {
  const path = (env: Record<string, string>): string => opencodeDatabase({ HOME: "/h", ...env }).database;
  expect(path({})).toBe("/h/.local/share/opencode/opencode.db");
  expect(path({ XDG_DATA_HOME: "/data" })).toBe("/data/opencode/opencode.db");
  expect(path({ OPENCODE_DB: "/elsewhere/x.db" })).toBe("/elsewhere/x.db");
  expect(path({ OPENCODE_DB: "x.db" })).toBe("/h/.local/share/opencode/x.db");
});
