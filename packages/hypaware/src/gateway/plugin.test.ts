import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { homePaths } from "../contract/home.ts";
import { bootKernel } from "../kernel/boot.ts";
import { createLogger } from "../kernel/log.ts";
import { parseManifest, pluginFromFolder } from "../kernel/manifest.ts";
import { pluginFolder, temporaryFolder } from "../kernel/plugin-folder.testkit.ts";
import { validateConfig } from "../kernel/validate.ts";
import { createAiGateway } from "./capability.ts";
import { QUIET } from "../kernel/telemetry.ts";
import { createNotes } from "../notes/registry.ts";
import { createSettings } from "../settings/attachable.ts";
import { gatewayPlugin } from "./plugin.ts";

async function gateway() {
  const registry = createAiGateway({ endpoint: () => ({ host: "127.0.0.1", port: 9 }) });
  const value: unknown = JSON.parse(readFileSync(join(import.meta.dirname, "hypaware.plugin.json"), "utf8"));
  const source = {
    manifest: await parseManifest(value, "gateway/hypaware.plugin.json"),
    rootDir: import.meta.dirname,
    load: async () =>
      gatewayPlugin(
        registry,
        createNotes(),
        createSettings({ state: "/nowhere", hyp: "/nowhere/hyp", env: {}, observer: QUIET }),
      ),
  };
  return { registry, source };
}

const needs = (range: string) => ({ requires: { capabilities: { "hypaware.ai-gateway": range } } });
const ADAPTER = `
export function activate(context) {
  const gateway = context.requireCapability("hypaware.ai-gateway", "^2.0.0");
  gateway.registerUpstreamPreset({ name: "u", base_url: "https://u.test", path_prefix: "/" });
  gateway.registerClient({ name: "c", defaultUpstream: "u", attach() {}, detach() {} });
  gateway.registerExchangeProjector({ name: "j", match: () => true, project: () => undefined });
  if (context.config.fail) gateway.registerExchangeProjector({ name: "broken" });
}`;

test("provides 2.0.0; a 1.x adapter is refused by name with both versions and the way out, the others run", async () => {
  const { registry, source } = await gateway();
  const bundled = [
    source,
    await pluginFromFolder(pluginFolder("@acme/adapter", needs("^2.0.0"), ADAPTER)),
    await pluginFromFolder(pluginFolder("@acme/x", needs("^1.0.0"))),
  ];
  const paths = homePaths(temporaryFolder());
  const kernel = await bootKernel({
    paths,
    config: { version: 2 },
    bundled,
    env: {},
    log: createLogger([]),
    mode: "test",
  });
  expect(kernel.plugins.map(({ name, version }) => `${name} ${version}`)).toEqual([
    "@hypaware/ai-gateway 2.0.0",
    "@acme/adapter 1.0.0",
  ]);
  expect(kernel.unsatisfied.map(({ detail }) => detail)).toEqual([
    `Plugin "@acme/x" needs hypaware.ai-gateway ^1.0.0, but @hypaware/ai-gateway provides 2.0.0. Update the plugin to one for 2.x (hyp plugin update @acme/x), or remove it from "plugins" in ${paths.config}.`,
  ]);
  expect(kernel.gateway?.localEndpoint()).toBe("http://127.0.0.1:9");
  expect(kernel.gateway?.getClient("c")?.defaultUpstream).toBe("u");
  expect(registry.presets().map(({ name }) => name)).toEqual(["u"]);
  await kernel.dispose();
  expect([...registry.presets(), ...registry.clients(), ...registry.projectors()]).toEqual([]);
});

test("an adapter that fails half way leaves nothing registered", async () => {
  const { registry, source } = await gateway();
  const adapter = await pluginFromFolder(pluginFolder("@acme/adapter", needs("^2.0.0"), ADAPTER));
  const kernel = await bootKernel({
    paths: homePaths(temporaryFolder()),
    config: {
      version: 2,
      plugins: [{ name: "@acme/adapter", config: { fail: true } }, { name: "@hypaware/ai-gateway" }],
    },
    bundled: [source, adapter],
    env: {},
    log: createLogger([]),
    mode: "test",
  });
  expect(kernel.failed).toEqual([
    {
      plugin: "@acme/adapter",
      errorKind: "activate_failed",
      detail: "registerExchangeProjector 'broken': match() is required",
    },
  ]);
  expect([...registry.presets(), ...registry.clients(), ...registry.projectors()]).toEqual([]);
});

test("its section is checked by config validation", async () => {
  const { source } = await gateway();
  const known = { plugins: [source], bundled: [source.manifest], datasets: [] };
  const plugins = [{ name: "@hypaware/ai-gateway", config: { upstrems: [], listen: "0.0.0.0:80" } }];
  expect(await validateConfig({ version: 2, plugins }, known)).toEqual([
    {
      severity: "error",
      kind: "config_section_invalid",
      pointer: "/plugins/0/config/upstrems",
      message: 'unknown key "upstrems". Did you mean "upstreams"?',
    },
  ]);
});
