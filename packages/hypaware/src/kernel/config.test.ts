import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { homePaths } from "../contract/home.ts";
import { DEFAULT_CONFIG, enabledPlugins, loadConfig } from "./config.ts";
import { createLogger } from "./log.ts";
import { temporaryFolder } from "./plugin-folder.testkit.ts";
import { NO_TELEMETRY } from "./telemetry.ts";

function load(text: string) {
  const config = join(temporaryFolder(), "hypaware-config.json");
  writeFileSync(config, text);
  return loadConfig({ config });
}

const shape = async (value: unknown) => (await load(JSON.stringify(value))).findings;

test("without a file the default holds; a file that a person named must exist", async () => {
  const paths = homePaths(temporaryFolder());
  expect(await loadConfig(paths)).toEqual({
    config: DEFAULT_CONFIG,
    path: paths.config,
    exists: false,
    findings: [],
  });
  expect(await loadConfig(paths, { explicit: true })).toMatchObject({
    exists: false,
    findings: [{ kind: "config_missing", message: `config not found at ${paths.config}` }],
  });
});

test("a file that cannot be read is a finding", async () => {
  const config = join(temporaryFolder(), "folder.json");
  mkdirSync(config);
  expect(await loadConfig({ config })).toMatchObject({
    exists: true,
    findings: [{ severity: "error", kind: "config_unreadable" }],
  });
});

test("bad JSON is named by line and column", async () => {
  const { findings, path } = await load('{\n  "version": 2,\n  "plugins": [}\n}');
  expect(findings).toEqual([
    {
      severity: "error",
      kind: "config_invalid_json",
      pointer: "",
      message: `${path}:3:15: not JSON here; expected a value or "]"`,
    },
  ]);
});

test("a byte order mark is no error", async () => {
  const { config, findings } = await load('\uFEFF{"version": 2, "plugins": []}');
  expect(findings).toEqual([]);
  expect(config).toEqual({ version: 2, plugins: [] });
});

test("every part of version 2 is accepted as it is", async () => {
  const whole = {
    version: 2,
    plugins: [
      { name: "@hypaware/ai-gateway", config: { listen: "127.0.0.1:0", upstreams: [] } },
      { name: "@acme/x", enabled: false },
    ],
    sinks: {
      daily: { writer: "@acme/parquet", destination: "@acme/s3", config: { schedule: "0 3 * * *" } },
      push: { plugin: "@acme/push" },
    },
    query: { cache: { dir: "/data", retention: { default_days: 30, datasets: { ai_gateway_messages: 7 } } } },
    disambiguate: { "x.store": "@acme/s3" },
  };
  const { config, findings } = await load(JSON.stringify(whole));
  expect(findings).toEqual([]);
  expect(config).toEqual(whole);
});

test("all wrong places are listed at once, unknown keys with a suggestion", async () => {
  const found = await shape({
    version: 3,
    plugin: [],
    plugins: [{ name: "x", enable: true }, { enabled: "yes" }],
    sinks: { s: { writer: 1, zzzzzz: 2 } },
    query: { cache: { retention: {} } },
    "a/b~c": 1,
  });
  expect(found.map(({ pointer, message }) => `${pointer} ${message}`).toSorted()).toEqual([
    '/a~1b~0c unknown key "a/b~c".',
    '/plugin unknown key "plugin". Did you mean "plugins"?',
    '/plugins/0/enable unknown key "enable". Did you mean "enabled"?',
    "/plugins/1/enabled expected boolean, received string",
    "/plugins/1/name expected string, received undefined",
    "/query/cache/retention/default_days expected number, received undefined",
    "/sinks/s/writer expected string, received number",
    '/sinks/s/zzzzzz unknown key "zzzzzz".',
    "/version expected 2",
  ]);
  expect(new Set(found.map(({ kind }) => kind))).toEqual(new Set(["config_invalid_shape"]));
});

test.each([[null], [[]], ["text"], [{}], [{ version: "2" }]])(
  "%j is no config, and the default stands in for it",
  async (value) => {
    const { config, findings } = await load(JSON.stringify(value));
    expect(findings.length).toBeGreaterThan(0);
    expect(config).toBe(DEFAULT_CONFIG);
  },
);

test("what is wrong is told to the observer", async () => {
  const config = join(temporaryFolder(), "c.json");
  writeFileSync(config, '{"version": 2, "x": 1}');
  const events: string[] = [];
  const log = createLogger([{ level: "error", write: ({ event }) => void events.push(event) }]);
  await loadConfig({ config }, { observer: { log, telemetry: NO_TELEMETRY } });
  await loadConfig(
    { config: `${config}.none` },
    { explicit: true, observer: { log, telemetry: NO_TELEMETRY } },
  );
  expect(events).toEqual(["config.shape_error", "config.load_failed"]);
});

test("no plugin list means all that ship, an empty one means none", () => {
  const [a, b] = [{ name: "a" }, { name: "b" }];
  expect(enabledPlugins({ version: 2 }, [a, b])).toEqual(["a", "b"]);
  expect(enabledPlugins({ version: 2, plugins: [] }, [a])).toEqual([]);
  const plugins = [{ name: "b" }, { name: "a", enabled: false }];
  expect(enabledPlugins({ version: 2, plugins }, [a])).toEqual(["b"]);
});

test("a plugin that accompanies others runs with each of them, unless the config says something else of it", () => {
  const shipped = [{ name: "a" }, { name: "rest", accompanies: ["a", "b"] }];
  const enabled = (...plugins: { name: string; enabled?: boolean }[]): readonly string[] =>
    enabledPlugins({ version: 2, plugins }, shipped);
  expect(enabled({ name: "a" })).toEqual(["a", "rest"]);
  expect(enabled({ name: "a", enabled: false })).toEqual([]);
  expect(enabled({ name: "c" })).toEqual(["c"]);
  expect(enabled({ name: "a" }, { name: "rest", enabled: false })).toEqual(["a"]);
  expect(enabled({ name: "rest" })).toEqual(["rest"]);
  expect(enabledPlugins({ version: 2 }, shipped)).toEqual(["a", "rest"]);
});
