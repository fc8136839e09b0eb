import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { PluginContext } from "../../contract/plugin.ts";
import { createAiGateway } from "../../gateway/capability.ts";
import { missingUpstreams } from "../../gateway/missing-upstreams.ts";
import { manifestProblems } from "../../kernel/manifest-schema.ts";
import { BUNDLED_ADAPTERS } from "../bundled.ts";
import { createNotes } from "../../notes/registry.ts";
import { geminiChats } from "./chat/record.ts";
import { activate, configSection } from "./index.ts";
import { geminiPreset } from "../../protocols/gemini/upstream.ts";
import { settingsFor } from "../../settings/settings.testkit.ts";

const manifest = JSON.parse(readFileSync(new URL("hypaware.plugin.json", import.meta.url), "utf8")) as Record<
  string,
  unknown
>;

test("the plugin ships, and registers what its manifest says", () => {
  const registry = createAiGateway({ endpoint: () => undefined });
  const notes = createNotes();
  const view = notes.viewFor({ plugin: "test", onDispose: () => undefined });
  const capabilities: Readonly<Record<string, unknown>> = {
    "hypaware.ai-gateway": registry.capability,
    "hypaware.notes": view,
    "hypaware.settings": settingsFor(),
  };
  const requireCapability = (name: string): unknown => capabilities[name];
  activate({
    env: {},
    config: { chats: false },
    plugin: { version: "2.0.0" },
    requireCapability,
  } as unknown as PluginContext);
  expect(notes.clientRecords()).toMatchObject([{ client: "gemini", isFollowed: false }]);
  const names = (list: readonly { readonly name: string }[]): readonly string[] =>
    list.map(({ name }) => name);
  expect(manifestProblems(manifest, "1.0.0")).toEqual([]);
  expect(manifest["contributes"]).toMatchObject({
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

test("its config knows one key", () => {
  expect(configSection({ chats: false })).toEqual([]);
  expect(configSection({ chats: 1, chat: true })).toMatchObject([
    { severity: "error", pointer: "/chats", message: "expected boolean" },
    { severity: "error", pointer: "/chat" },
  ]);
});

test("the chats are where the client writes them", () => {
  const chats = geminiChats({ HOME: "/h" });
  const accepts = (path: string): boolean => chats.accepts(path);
  expect(chats.roots).toEqual(["/h/.gemini/tmp"]);
  expect(geminiChats({ HOME: "/h", GEMINI_CLI_HOME: "/g" }).roots).toEqual(["/g/.gemini/tmp"]);
  expect(accepts("project/chats/session-2026-03-01T12-00-71e710c2.jsonl")).toBe(true);
  expect(accepts("project/chats/71e710c2-d4bc/agent-1.jsonl")).toBe(true);
  expect(accepts("project/logs.json")).toBe(false);
  expect(accepts("project/chats/session-2026-03-01T12-00-71e710c2.jsonl.unreadable-1")).toBe(false);
});
