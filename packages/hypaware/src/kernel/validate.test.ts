import { expect, test } from "vitest";
import type { Config } from "./config.ts";
import { pluginFromFolder } from "./manifest.ts";
import { pluginFolder } from "./plugin-folder.testkit.ts";
import { validateConfig } from "./validate.ts";

const provides = (...names: string[]) => ({
  provides: { capabilities: Object.fromEntries(names.map((name) => [name, "1.0.0"])) },
});

const PICKY = `
export const activate = () => { throw new Error("validation must not activate") };
export const configSection = (section) =>
  section.ok === true ? [] : [{ severity: "error", pointer: "/a~1b", message: "is wrong" }];`;

async function findingsOf(config: Omit<Config, "version">) {
  const plugins = await Promise.all(
    [
      pluginFolder("@hypaware/ai-gateway", provides("hypaware.ai-gateway")),
      pluginFolder("@acme/client", { requires: { capabilities: { "hypaware.ai-gateway": "^1.0.0" } } }),
      pluginFolder("@acme/parquet", provides("hypaware.encoder")),
      pluginFolder("@acme/disk", provides("hypaware.blob-store")),
      pluginFolder("@acme/cloud", provides("hypaware.blob-store")),
      pluginFolder("@acme/picky", {}, PICKY),
    ].map((folder) => pluginFromFolder(folder)),
  );
  const bundled = plugins.slice(0, 2).map(({ manifest }) => manifest);
  const known = { plugins, bundled, datasets: ["ai_gateway_messages", "ai_gateway_exchanges"] };
  const found = await validateConfig({ version: 2, ...config }, known);
  return found.map(({ severity, kind, pointer, message }) => `${severity} ${kind} ${pointer}: ${message}`);
}

test("the default config and a sensible one have no findings", async () => {
  expect(await findingsOf({})).toEqual([]);
  expect(
    await findingsOf({
      plugins: [
        { name: "@hypaware/ai-gateway" },
        { name: "@acme/client" },
        { name: "@acme/picky", config: { ok: true } },
      ],
      sinks: {
        s: { writer: "@acme/parquet", destination: "@acme/disk", config: { schedule: "*/5 0-6,22 * * 1-5" } },
      },
      query: { cache: { retention: { default_days: 30, datasets: { ai_gateway_messages: 7 } } } },
    }),
  ).toEqual([]);
});

test("a plugin that is unknown or listed twice is named, with a suggestion", async () => {
  expect(
    await findingsOf({
      plugins: [
        { name: "@hypaware/ai-gatway" },
        { name: "client" },
        { name: "@acme/disk" },
        { name: "@acme/disk" },
      ],
    }),
  ).toEqual([
    'error plugin_unknown /plugins/0/name: plugin "@hypaware/ai-gatway" is neither shipped nor installed. Did you mean "@hypaware/ai-gateway"?',
    'error plugin_unknown /plugins/1/name: plugin "client" is neither shipped nor installed. Did you mean "@acme/client"?',
    'error duplicate_plugin /plugins/3: plugin "@acme/disk" is listed twice',
  ]);
});

test("a plugin checks its own section without being activated, unless it is disabled", async () => {
  expect(
    await findingsOf({
      plugins: [
        { name: "@acme/picky", config: { ok: false } },
        { name: "@acme/disk", enabled: false },
      ],
    }),
  ).toEqual(["error config_section_invalid /plugins/0/config/a~1b: is wrong"]);
  expect(await findingsOf({ plugins: [{ name: "@acme/picky", enabled: false }] })).toEqual([]);
});

test("one that ships must be able to check its section; of an installed one that cannot, nothing depends", async () => {
  const words = 'plugin "@acme/broken" cannot check its config: Error: no start';
  const broken = await pluginFromFolder(pluginFolder("@acme/broken", {}, "throw new Error('no start')"));
  const clueless = await pluginFromFolder(
    pluginFolder("@acme/clueless", {}, "export const configSection = () => { throw new Error('no idea'); };"),
  );
  const config = { version: 2, plugins: [{ name: "@acme/broken" }, { name: "@acme/clueless" }] } as const;
  const known = { plugins: [broken, clueless], bundled: [], datasets: [] };
  expect(await validateConfig(config, known)).toEqual([
    {
      severity: "warning",
      kind: "config_section_invalid",
      pointer: "/plugins/1/config",
      message: 'plugin "@acme/clueless" cannot check its config: Error: no idea',
    },
  ]);
  expect(await validateConfig(config, { ...known, bundled: [broken.manifest] })).toMatchObject([
    { severity: "error", message: words },
    { severity: "warning" },
  ]);
});

test("a sink has exactly one shape, known plugins of the right kind, and a cron schedule", async () => {
  expect(
    await findingsOf({
      sinks: {
        a: { writer: "@acme/parquet", destination: "@acme/disk", plugin: "@acme/push" },
        b: { writer: "@acme/parquet" },
        c: { writer: "@acme/disk", destination: "@acme/parquet" },
        d: { plugin: "@acme/client" },
        "e/f": {
          writer: "@acme/parquett",
          destination: "@acme/disk",
          config: { schedule: "@daily", encoder: "@acme/disk" },
        },
      },
    }),
  ).toEqual([
    'error request_sink_invalid_keys /sinks/a: use either "writer" and "destination", or "plugin"',
    'error sink_plugin_unknown /sinks/a/plugin: plugin "@acme/push" is neither shipped nor installed.',
    'error sink_pair_incompatible /sinks/b: needs "writer" and "destination", or "plugin"',
    'error sink_writer_invalid /sinks/c/writer: plugin "@acme/disk" encodes nothing',
    'error sink_destination_invalid /sinks/c/destination: plugin "@acme/parquet" stores nothing',
    'error sink_pair_incompatible /sinks/d/plugin: plugin "@acme/client" sends nothing',
    'error sink_plugin_unknown /sinks/e~1f/writer: plugin "@acme/parquett" is neither shipped nor installed. Did you mean "@acme/parquet"?',
    'error sink_encoder_invalid /sinks/e~1f/config/encoder: plugin "@acme/disk" encodes nothing',
    'error sink_schedule_invalid /sinks/e~1f/config/schedule: expected five cron fields like "*/5 * * * *"',
  ]);
});

test.each([
  "* * * *",
  "60 * * * *",
  "* 24 * * *",
  "* * 0 * *",
  "5-1 * * * *",
  "*/0 * * * *",
  "1,,2 * * * *",
  "a * * * *",
])("%s is no schedule", async (schedule) => {
  const sinks = { s: { writer: "@acme/parquet", destination: "@acme/disk", config: { schedule } } };
  expect(await findingsOf({ sinks })).toHaveLength(1);
});

test("retention for a table that does not exist is found, one that exists is not", async () => {
  const datasets = { ai_gateway_message: 3, ai_gateway_exchanges: 3 };
  expect(await findingsOf({ query: { cache: { retention: { default_days: 1, datasets } } } })).toEqual([
    'error dataset_unknown /query/cache/retention/datasets/ai_gateway_message: no table is called "ai_gateway_message". Did you mean "ai_gateway_messages"?',
  ]);
});

test("two enabled providers of one capability need a pin, and a pin needs a provider", async () => {
  const plugins = [{ name: "@acme/disk" }, { name: "@acme/cloud" }];
  const ambiguous =
    "error capability_ambiguous /disambiguate/hypaware.blob-store: name the plugin that shall provide hypaware.blob-store: @acme/disk or @acme/cloud";
  expect(await findingsOf({ plugins })).toEqual([ambiguous]);
  expect(await findingsOf({ plugins, disambiguate: { "hypaware.blob-store": "@acme/parquet" } })).toEqual([
    ambiguous,
  ]);
  expect(await findingsOf({ plugins, disambiguate: { "hypaware.blob-store": "@acme/disk" } })).toEqual([]);
  expect(await findingsOf({ plugins: [], disambiguate: { "x.y": "@acme/disk" } })).toEqual([
    "error capability_ambiguous /disambiguate/x.y: no enabled plugin provides x.y",
  ]);
});

test("a client without the gateway is advice, not an error", async () => {
  expect(await findingsOf({ plugins: [{ name: "@acme/client" }] })).toEqual([
    'warning client_without_gateway /plugins: plugin "@acme/client" needs the gateway, and no enabled plugin provides it',
  ]);
});
