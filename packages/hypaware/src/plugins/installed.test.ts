import { appendFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bootKernel } from "../kernel/boot.ts";
import { pluginFromFolder } from "../kernel/manifest.ts";
import { manifestOf, pluginFolder } from "../kernel/plugin-folder.testkit.ts";
import { pluginProblems } from "./doctor.ts";
import { installPlugin } from "./install.ts";
import { installedCommands } from "./installed-commands.ts";
import { installedPlugins } from "./installed.ts";
import type { LockEntry } from "./plugin-lock.ts";
import { type PluginWorld, pluginWorld, sourceOf } from "./plugin-world.testkit.ts";

async function installed(
  world: PluginWorld,
  name: string,
  more: object = {},
  code?: string,
): Promise<LockEntry> {
  const folder = pluginFolder(name, more as Record<string, unknown>, code);
  return (await installPlugin(sourceOf(folder), world)).entry;
}

/** Boots with these names in the config, as the app does. */
async function boot(world: PluginWorld, ...names: readonly string[]) {
  const { observer, paths } = world;
  const sources = await installedPlugins(paths, { wanted: names, shipped: world.shipped }, observer);
  const config = { version: 2, plugins: names.map((name) => ({ name })) } as const;
  const kernel = await bootKernel({
    paths,
    config,
    bundled: [],
    installed: sources,
    env: {},
    log: observer.log,
    mode: "test",
  });
  const problems = await pluginProblems({ paths, config, shipped: [], kernel });
  return { kernel, problems, active: kernel.plugins.map(({ name }) => name) };
}

test("installed plugins run when the config names them, and only then", async () => {
  const world = pluginWorld();
  await installed(world, "a");
  await installed(world, "b");
  const { active, problems } = await boot(world, "b");
  expect(active).toEqual(["b"]);
  expect(problems).toEqual([]);
  expect(world.records).toContainEqual(
    expect.objectContaining({
      event: "plugin.installed_active",
      fields: expect.objectContaining({ hyp_plugin: "b" }),
    }),
  );
});

test.each<[string, (entry: LockEntry) => void]>([
  ["a file that changed", ({ install_dir }) => appendFileSync(join(install_dir, "index.mjs"), "//")],
  ["a file more", ({ install_dir }) => writeFileSync(join(install_dir, "more.mjs"), "")],
  [
    "a manifest that changed",
    ({ install_dir }) =>
      writeFileSync(
        join(install_dir, "hypaware.plugin.json"),
        JSON.stringify(manifestOf("a", { version: "6.6.6" })),
      ),
  ],
  ["a link in it", ({ install_dir }) => symlinkSync("/etc", join(install_dir, "etc"))],
  ["no folder", ({ install_dir }) => rmSync(install_dir, { recursive: true })],
])("with %s it is not loaded, the rest is, and doctor says what mends it", async (_, spoil) => {
  const world = pluginWorld();
  const code =
    "globalThis.pluginTestRan = (globalThis.pluginTestRan ?? 0) + 1; export function activate() {}";
  spoil(await installed(world, "a", { contributes: { commands: { a: "index.mjs" } } }, code));
  await installed(world, "b");
  const { active, kernel, problems } = await boot(world, "a", "b");
  expect(active).toEqual(["b"]);
  expect(kernel.failed).toMatchObject([{ plugin: "a", errorKind: "plugin_changed" }]);
  expect(kernel.failed[0]!.detail).toContain("hyp plugin update a");
  expect(problems).toMatchObject([
    { plugin: "a", kind: "plugin_changed", repair: ["hyp plugin update a", "hyp plugin remove a"] },
  ]);
  expect((globalThis as { pluginTestRan?: number }).pluginTestRan).toBeUndefined();
  // Not enabled, it is told all the same.
  expect((await boot(world, "b")).problems).toMatchObject([{ plugin: "a", kind: "plugin_changed" }]);
  for (const command of await installedCommands(world.paths, ["a"]))
    await expect(command.load()).rejects.toMatchObject({ code: "plugin_changed" });
});

test("a lock that cannot be read keeps installed plugins out, and nothing else", async () => {
  const world = pluginWorld();
  await installed(world, "a");
  writeFileSync(world.paths.pluginLock, "{");
  const { kernel, problems } = await boot(world, "a");
  expect(kernel.failed).toMatchObject([{ plugin: "a", errorKind: "plugin_lock_unreadable" }]);
  expect(problems).toMatchObject([
    {
      kind: "plugin_lock_unreadable",
      repair: [`mv '${world.paths.pluginLock}' '${world.paths.pluginLock}.unreadable'`],
    },
  ]);
  expect(world.records.map(({ event }) => event)).toContain("plugin.lock_unreadable");
  expect(await installedCommands(world.paths, ["a"])).toEqual([]);
});

test("an installed plugin with the name of one that ships by now is told, and never read", async () => {
  const world = pluginWorld();
  const { install_dir } = await installed(world, "later");
  rmSync(install_dir, { recursive: true });
  const { paths, observer } = world;
  const sources = await installedPlugins(paths, { wanted: [], shipped: ["later"] }, observer);
  const bundled = [await pluginFromFolder(pluginFolder("later"))];
  const config = { version: 2, plugins: [{ name: "later" }] } as const;
  const { log } = observer;
  const kernel = await bootKernel({ paths, config, bundled, installed: sources, env: {}, log, mode: "test" });
  expect(kernel.plugins).toMatchObject([{ name: "later", rootDir: bundled[0]!.rootDir }]);
  const shipped = bundled.map(({ manifest }) => manifest);
  expect(await pluginProblems({ paths, config, shipped, kernel })).toMatchObject([
    { plugin: "later", kind: "installed_shadows_bundled", repair: ["hyp plugin remove later"] },
  ]);
});

test("one that throws, one that clashes and one that was removed are told with what mends them", async () => {
  const world = pluginWorld();
  await installed(world, "throws", {}, "throw new Error('at once')");
  await installed(world, "clash", { requires: { capabilities: { "hypaware.ai-gateway": "^1.0.0" } } });
  await installed(
    world,
    "gateway",
    { provides: { capabilities: { "hypaware.ai-gateway": "2.0.0" } } },
    "export function activate(context) { context.provideCapability('hypaware.ai-gateway', '2.0.0', {}); }",
  );
  const { active, problems } = await boot(world, "throws", "clash", "gateway", "gone");
  expect(active).toEqual(["gateway"]);
  expect(problems.map(({ plugin, kind, repair }) => [plugin, kind, repair[0]])).toEqual([
    ["gone", "plugin_missing", "hyp config remove gone"],
    ["clash", "cap_version_clash", "hyp plugin update clash"],
    ["throws", "activate_failed", "hyp plugin update throws"],
  ]);
  expect(problems[1]!.message).toContain(
    'Plugin "clash" needs hypaware.ai-gateway ^1.0.0, but gateway provides 2.0.0. Update the plugin to one for 2.x (hyp plugin update clash)',
  );
});

test("a module is imported once, whoever asks for it, and its commands after everything was checked", async () => {
  const world = pluginWorld();
  await installed(
    world,
    "a",
    {
      contributes: {
        commands: { greet: "index.mjs", "../x": "index.mjs", out: "../x.mjs", gone: "gone.mjs" },
      },
    },
    "export const activate = () => {}; export const run = async ({ args }) => args.length;",
  );
  const [source] = await installedPlugins(world.paths, { wanted: ["a"], shipped: [] }, world.observer);
  expect(source!.load()).toBe(source!.load());
  const commands = await installedCommands(world.paths, ["a"]);
  expect(commands.map(({ name, plugin }) => [name, plugin])).toEqual([
    ["gone", "a"],
    ["greet", "a"],
  ]);
  const greet = await commands[1]!.load();
  expect(await greet.run({ args: ["x"] } as never)).toBe(1);
  await expect(commands[0]!.load()).rejects.toMatchObject({ code: "manifest_invalid" });
  expect(await installedCommands(world.paths, [])).toEqual([]);
});
