import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";
import { homePaths } from "../contract/home.ts";
import { LIMITS } from "../contract/limits.ts";
import type { JsonObject } from "../contract/projection.ts";
import { bootKernel } from "./boot.ts";
import type { Config } from "./config.ts";
import { type LogRecord, createLogger } from "./log.ts";
import { pluginFromFolder } from "./manifest.ts";
import { pluginFolder, temporaryFolder } from "./plugin-folder.testkit.ts";
import { NO_TELEMETRY, type Telemetry, openTelemetry } from "./telemetry.ts";

/** Provides "x.list" per plugin: everyone adds to one shared list, and what he added goes with him. */
const LIST = `
export const shared = [];
export function activate(context) {
  globalThis.kernelTestList = shared;
  context.provideCapabilityPerPlugin("x.list", "2.1.0", (consumer) => ({
    add(word) {
      shared.push(consumer.plugin + ":" + word);
      consumer.onDispose(() => void shared.splice(shared.indexOf(consumer.plugin + ":" + word), 1));
    },
  }));
}`;
const LIST_MANIFEST = { provides: { capabilities: { "x.list": "2.1.0" } } };
const USES_LIST = { requires: { capabilities: { "x.list": "^2.0.0" } } };
const adds = (...words: string[]): string => `
export function activate(context) {
  for (const word of ${JSON.stringify(words)}) context.requireCapability("x.list", "^2.0.0").add(word);
  if (context.config.fail) throw new Error("no: " + context.config.fail);
}`;
const shared = (): readonly string[] =>
  (globalThis as unknown as { kernelTestList: string[] }).kernelTestList;

async function boot(
  folders: readonly string[],
  {
    config = { version: 2 },
    installed = [],
    telemetry = NO_TELEMETRY,
    home = temporaryFolder(),
  }: {
    config?: Config;
    installed?: readonly string[];
    telemetry?: Telemetry;
    home?: string;
  } = {},
) {
  const records: LogRecord[] = [];
  const log = createLogger([{ level: "debug", write: (record) => void records.push(record) }]);
  const kernel = await bootKernel({
    paths: homePaths(home),
    config,
    bundled: await Promise.all(folders.map((folder) => pluginFromFolder(folder))),
    installed: await Promise.all(installed.map((folder) => pluginFromFolder(folder))),
    env: { MARK: "env" },
    log,
    telemetry,
    mode: "test",
  });
  return { kernel, records, home, names: kernel.plugins.map(({ name }) => name) };
}

test("plugins get what they require whatever their names, and dispose takes everything back", async () => {
  const { kernel, names } = await boot([
    pluginFolder("aaa", USES_LIST, adds("one", "two")),
    pluginFolder("bbb", USES_LIST, adds("three")),
    pluginFolder("zzz", LIST_MANIFEST, LIST),
  ]);
  expect(names).toEqual(["zzz", "aaa", "bbb"]);
  expect(shared()).toEqual(["aaa:one", "aaa:two", "bbb:three"]);
  expect(kernel.capabilities.list()).toEqual([{ capability: "x.list", version: "2.1.0", plugin: "zzz" }]);
  expect(kernel.capabilities.has("x.list", "^2.0.0")).toBe(true);
  expect(kernel.capabilities.has("x.list", "^3.0.0")).toBe(false);
  expect(kernel.gateway).toBeUndefined();
  await kernel.dispose();
  expect(shared()).toEqual([]);
  expect(kernel.capabilities.has("x.list")).toBe(false);
});

test("a plugin that throws half way is undone, and the others stay", async () => {
  const { kernel, names, records } = await boot(
    [
      pluginFolder("list", LIST_MANIFEST, LIST),
      pluginFolder("half", USES_LIST, adds("lost")),
      pluginFolder("whole", USES_LIST, adds("kept")),
    ],
    {
      config: {
        version: 2,
        plugins: [{ name: "list" }, { name: "half", config: { fail: "disk" } }, { name: "whole" }],
      },
    },
  );
  expect(names).toEqual(["list", "whole"]);
  expect(shared()).toEqual(["whole:kept"]);
  expect(kernel.failed).toEqual([{ plugin: "half", errorKind: "activate_failed", detail: "no: disk" }]);
  const failure = records.find(({ event }) => event === "plugin.activate_failed");
  expect(failure).toMatchObject({
    level: "error",
    fields: {
      hyp_component: "kernel",
      hyp_plugin: "half",
      error_kind: "activate_failed",
      message: "no: disk",
    },
  });
});

test("a plugin that never ends its activation is left out after a while, undone, and the others stay", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const hangs = `
export async function activate(context) {
  const list = context.requireCapability("x.list", "^2.0.0");
  list.add("early");
  await new Promise((resolve) => (globalThis.kernelTestGoOn = resolve));
  list.add("late");
}`;
  const booting = boot([
    pluginFolder("list", LIST_MANIFEST, LIST),
    pluginFolder("hangs", USES_LIST, hangs),
    pluginFolder("whole", USES_LIST, adds("kept")),
  ]);
  while (vi.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve));
  await vi.advanceTimersByTimeAsync(LIMITS.pluginActivateMs);
  const { kernel, names } = await booting;
  expect(names).toEqual(["list", "whole"]);
  expect(kernel.failed).toEqual([
    {
      plugin: "hangs",
      errorKind: "activate_hung",
      detail: 'Plugin "hangs" 1.0.0 did not end its activation within 5000 ms.',
    },
  ]);
  (globalThis as unknown as { kernelTestGoOn: () => void }).kernelTestGoOn();
  await new Promise((resolve) => setImmediate(resolve));
  expect(shared()).toEqual(["whole:kept"]);
});

test("a plugin that requires ^1.0.0 of 2.1.0 is refused with the message, and the rest boots", async () => {
  const home = temporaryFolder();
  const { kernel, names, records } = await boot(
    [
      pluginFolder("list", LIST_MANIFEST, LIST),
      pluginFolder("@acme/old", { requires: { capabilities: { "x.list": "^1.0.0" } } }),
      pluginFolder("whole", USES_LIST, adds("kept")),
    ],
    { home },
  );
  expect(names).toEqual(["list", "whole"]);
  const detail = `Plugin "@acme/old" needs x.list ^1.0.0, but list provides 2.1.0. Update the plugin to one for 2.x (hyp plugin update @acme/old), or remove it from "plugins" in ${home}/hypaware-config.json.`;
  expect(kernel.unsatisfied).toEqual([{ plugin: "@acme/old", errorKind: "cap_version_clash", detail }]);
  expect(records.find(({ event }) => event === "dep_graph.reject")).toMatchObject({
    level: "error",
    fields: { hyp_plugin: "@acme/old", error_kind: "cap_version_clash", message: detail },
  });
});

const ask = (range: string): string =>
  `export const activate = (context) => void context.requireCapability("x.list", "${range}");`;

test("what a manifest did not announce is refused at the call, in the same words", async () => {
  const { kernel } = await boot([
    pluginFolder("list", LIST_MANIFEST, LIST),
    pluginFolder(
      "m-missing",
      {},
      `export const activate = (context) => void context.requireCapability("x.none", "*");`,
    ),
    pluginFolder("m-clash", {}, ask("^1.0.0")),
    pluginFolder("m-fine", {}, ask("~2.1.0")),
    pluginFolder(
      "m-liar",
      {},
      `export const activate = (context) => context.provideCapability("x.b", "1.0.0", 1);`,
    ),
    pluginFolder("m-empty", {}, "export const nothing = 1;"),
    pluginFolder("m-syntax", {}, "export const = ;"),
  ]);
  expect(kernel.failed.map(({ plugin, errorKind }) => [plugin, errorKind])).toEqual([
    ["m-clash", "cap_version_clash"],
    ["m-empty", "activate_missing"],
    ["m-liar", "manifest_invalid"],
    ["m-missing", "cap_missing"],
    ["m-syntax", "activate_failed"],
  ]);
  expect(kernel.failed[0]?.detail).toContain(
    'Plugin "m-clash" needs x.list ^1.0.0, but list provides 2.1.0.',
  );
  expect(kernel.failed[2]?.detail).toContain("provides x.b 1.0.0, and its manifest declares none");
});

test("who requires a plugin that failed fails with it", async () => {
  const { kernel, names } = await boot([
    pluginFolder("base", {}, "export function activate() { throw new Error('no') }"),
    pluginFolder("top", { requires: { plugins: { base: "*" } } }),
  ]);
  expect(names).toEqual([]);
  expect(kernel.failed).toMatchObject([
    { plugin: "base", errorKind: "activate_failed" },
    { plugin: "top", errorKind: "plugin_missing", detail: 'Plugin "top" needs plugin "base", which failed.' },
  ]);
});

const store = (name: string): string =>
  pluginFolder(
    name,
    { provides: { capabilities: { "x.store": "1.0.0" } } },
    `export const activate = (context) => context.provideCapability("x.store", "1.0.0", "${name}");`,
  );

test("disambiguate decides who of several provides", async () => {
  const user = pluginFolder(
    "user",
    { requires: { capabilities: { "x.store": "^1.0.0" } } },
    `export function activate(context) { globalThis.kernelTestStore = context.requireCapability("x.store", "^1.0.0") }`,
  );
  const chosen = async (config: Config): Promise<unknown> => {
    await boot([store("one"), store("zwei"), user], { config });
    return (globalThis as { kernelTestStore?: unknown }).kernelTestStore;
  };
  expect(await chosen({ version: 2 })).toBe("one");
  expect(await chosen({ version: 2, disambiguate: { "x.store": "zwei" } })).toBe("zwei");
});

test("the context tells a plugin who and where it is, and makes no folder", async () => {
  const folder = pluginFolder(
    "@acme/me",
    {},
    `export function activate(context) {
      globalThis.kernelTestContext = context;
      context.log.warn("i.am", { apiKey: "secret-value" });
    }`,
  );
  const config: Config = { version: 2, plugins: [{ name: "@acme/me", config: { depth: 3 } }] };
  const { home, records } = await boot([folder], { config });
  const stateDir = join(home, "hypaware", "plugins", "@acme/me");
  expect((globalThis as { kernelTestContext?: unknown }).kernelTestContext).toMatchObject({
    plugin: { name: "@acme/me", version: "1.0.0", rootDir: folder },
    config: { depth: 3 },
    env: { MARK: "env" },
    paths: { rootDir: folder, stateDir },
  });
  expect(existsSync(stateDir)).toBe(false);
  expect(records.find(({ event }) => event === "i.am")?.fields).toEqual({
    hyp_component: "plugin",
    hyp_plugin: "@acme/me",
    api_key: "[redacted]",
  });
});

test("only what the config wants runs: shipped ones by default, installed ones when they are named", async () => {
  const folders = [pluginFolder("one"), pluginFolder("two")];
  const installed = [pluginFolder("@acme/extra")];
  expect((await boot(folders, { installed })).names).toEqual(["one", "two"]);
  const config: Config = {
    version: 2,
    plugins: [{ name: "two" }, { name: "one", enabled: false }, { name: "@acme/extra" }, { name: "gone" }],
  };
  const { names, kernel } = await boot(folders, { installed, config });
  expect(names).toEqual(["@acme/extra", "two"]);
  expect(kernel.unsatisfied).toMatchObject([{ plugin: "gone", errorKind: "plugin_missing" }]);
  expect(kernel.unsatisfied[0]?.detail).toContain('lists "gone", which is neither shipped nor installed');
});

test("an installed plugin cannot take a shipped one's name: the shipped one runs", async () => {
  const shipped = pluginFolder("one");
  const { kernel, names, records } = await boot([shipped], {
    installed: [pluginFolder("one", { version: "9.0.0" })],
  });
  expect(names).toEqual(["one"]);
  expect(kernel.plugins[0]).toMatchObject({ version: "1.0.0", rootDir: shipped });
  expect(kernel.failed).toMatchObject([{ plugin: "one", errorKind: "installed_shadows_bundled" }]);
  expect(records.map(({ event }) => event)).toContain("plugin.shadow_collision");
});

test("telemetry shows the boot: spans below each other, meters, logs", async () => {
  const home = temporaryFolder();
  const folder = homePaths(home).devTelemetry;
  const telemetry = openTelemetry(folder, { HYP_DEV_TELEMETRY: "1" });
  await boot([pluginFolder("list", LIST_MANIFEST, LIST), pluginFolder("bad", {}, "export {};")], {
    telemetry,
    home,
  });
  await telemetry.close();
  const read = (kind: string): JsonObject[] =>
    readFileSync(join(folder, `${kind}-${process.pid}.jsonl`), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as JsonObject);
  const spans = read("traces");
  const root = spans.find(({ name }) => name === "kernel.boot");
  expect(root?.["attributes"]).toMatchObject({
    mode: "test",
    hyp_home: home,
    plugins_selected: 2,
    plugins_activated: 1,
    plugins_failed: 1,
  });
  expect(spans.map(({ name, status }) => [name, status])).toEqual([
    ["dep_graph.resolve", "ok"],
    ["plugin.activate", "failed"],
    ["plugin.activate", "ok"],
    ["kernel.boot", "ok"],
  ]);
  expect(spans.slice(0, 3).every(({ parent_id }) => parent_id === root?.["span_id"])).toBe(true);
  expect(read("metrics").map(({ name, attributes }) => [name, attributes])).toEqual([
    ["hyp_capabilities_provided", { hyp_plugin: "list", hyp_capability: "x.list" }],
    ["hyp_plugins_loaded", { hyp_plugin: "list" }],
  ]);
});

test("a boot without a config file loads no schema library", () => {
  const source = pathToFileURL(join(import.meta.dirname, "boot.ts")).href;
  const program = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    const { bootKernel } = await import(${JSON.stringify(source)});
    const { loadConfig } = await import(${JSON.stringify(source.replace("boot.ts", "config.ts"))});
    const { createLogger } = await import(${JSON.stringify(source.replace("boot.ts", "log.ts"))});
    const paths = { home: "/none", config: "/none/c.json", plugins: "/none/p" };
    const { config } = await loadConfig(paths);
    await bootKernel({ paths, config, bundled: [], env: {}, log: createLogger([]), mode: "test" });
    console.log(JSON.stringify(loaded.filter((url) => url.includes("/zod/"))), loaded.length > 5);`;
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  expect(run.stderr).toBe("");
  expect(run.stdout).toBe("[] true\n");
});
