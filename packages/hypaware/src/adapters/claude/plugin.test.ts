import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { PluginContext } from "../../contract/plugin.ts";
import { createAiGateway } from "../../gateway/capability.ts";
import { manifestProblems } from "../../kernel/manifest-schema.ts";
import { createNotes } from "../../notes/registry.ts";
import * as codex from "../codex/index.ts";
import * as claude from "./index.ts";
import { settingsFor } from "../../settings/settings.testkit.ts";

test("the plugins register what their manifests say", () => {
  const registry = createAiGateway({ endpoint: () => undefined });
  const notes = createNotes();
  const consumer = { plugin: "test", onDispose: () => undefined };
  const asked: unknown[] = [];
  const requireCapability = (name: string, range: string): unknown => {
    asked.push([name, range]);
    if (name === "hypaware.settings") return settingsFor();
    return name === "hypaware.notes" ? notes.viewFor(consumer) : registry.capability;
  };
  const paths = { stateDir: "/state" };
  const plugin = { version: "2.0.0" };
  const context = { env: {}, config: {}, plugin, paths, requireCapability } as unknown as PluginContext;
  claude.activate(context);
  codex.activate(context);
  expect(asked).toEqual([
    ["hypaware.ai-gateway", "^2.0.0"],
    ["hypaware.settings", "^1.0.0"],
    ["hypaware.notes", "^1.0.0"],
    ["hypaware.ai-gateway", "^2.0.0"],
    ["hypaware.settings", "^1.0.0"],
    ["hypaware.notes", "^1.0.0"],
  ]);
  expect(notes.sessionContexts().map(({ file }) => file)).toEqual(["/state/session-context.jsonl"]);
  expect({
    upstreams: registry.presets().map(({ name }) => name),
    projectors: registry.projectors().map(({ name }) => name),
    clients: registry.clients().map(({ name }) => name),
  }).toEqual({
    upstreams: ["anthropic", "openai", "chatgpt"],
    projectors: ["claude-anthropic-messages", "codex-exchange"],
    clients: ["claude", "codex"],
  });
  expect(notes.sessionContexts().map(({ file }) => file)).toEqual(["/state/session-context.jsonl"]);
});

test.each(["claude", "codex"])("the manifest of %s is valid", (name) => {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL(`../${name}/hypaware.plugin.json`, import.meta.url), "utf8"),
  );
  expect(manifestProblems(manifest, "1.0.0")).toEqual([]);
  expect(manifest).toMatchObject({ name: `@hypaware/${name}`, version: "2.0.0" });
});

test.each([
  { adapter: claude, name: "transcripts" },
  { adapter: codex, name: "rollouts" },
])(
  "$name are read unless the config says no; what the config does not know is an error",
  ({ adapter, name }) => {
    const notes = createNotes();
    const registry = createAiGateway({ endpoint: () => undefined });
    const consumer = { plugin: "test", onDispose: () => undefined };
    const requireCapability = (name: string): unknown =>
      name === "hypaware.notes"
        ? notes.viewFor(consumer)
        : name === "hypaware.settings"
          ? settingsFor()
          : registry.capability;
    const plugin = { version: "2.0.0" };
    const context = { env: {}, plugin, paths: { stateDir: "/state" }, requireCapability };
    adapter.activate({ ...context, config: { [name]: false } } as unknown as PluginContext);
    expect(notes.clientRecords()).toMatchObject([{ isFollowed: false }]);
    adapter.activate({ ...context, config: {} } as unknown as PluginContext);
    expect(notes.clientRecords()).toMatchObject([{ isFollowed: false }, { isFollowed: true }]);
    expect(adapter.configSection({ [name]: true })).toEqual([]);
    expect(adapter.configSection({ other: true, [name]: 1 })).toMatchObject([
      { severity: "error", pointer: "/other" },
      { severity: "error", pointer: `/${name}`, message: "expected boolean" },
    ]);
  },
);
