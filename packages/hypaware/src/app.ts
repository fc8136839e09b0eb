// The composition root: reads the config, boots the kernel with the plugins that ship and those that the person installed, and hands out
// what they registered.
// Every process of HypAware is this and then one thing more: a gateway, a recorder, or a command.

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { BUNDLED_ADAPTERS } from "./adapters/bundled.ts";
import { DATASETS } from "./contract/dataset.ts";
import { type Finding, HypError } from "./contract/errors.ts";
import type { HomePaths } from "./contract/home.ts";
import type { PluginModule } from "./contract/plugin.ts";
import { type AiGatewayRegistry, createAiGateway } from "./gateway/capability.ts";
import { DEFAULT_GATEWAY_CONFIG, type GatewayConfig } from "./gateway/config-defaults.ts";
import { gatewayPlugin } from "./gateway/plugin.ts";
import { type Kernel, bootKernel } from "./kernel/boot.ts";
import { type Config, DEFAULT_CONFIG, type LoadedConfig, loadConfig } from "./kernel/config.ts";
import { resolveHome } from "./kernel/home.ts";
import { JsonlFile } from "./kernel/jsonl.ts";
import { type LogSink, type Logger, createLogger, fileSink } from "./kernel/log.ts";
import { MANIFEST_FILE, type Manifest, type PluginSource } from "./kernel/manifest.ts";
import { type Observer, type Telemetry, openTelemetry } from "./kernel/telemetry.ts";
import { type NotesRegistry, createNotes } from "./notes/registry.ts";
import { type SettingsRegistry, createSettings } from "./settings/attachable.ts";
import { hypCommand } from "./settings/hyp-command.ts";

export const GATEWAY_PLUGIN = "@hypaware/ai-gateway";

export interface AppOptions {
  readonly env: NodeJS.ProcessEnv;
  /** `--config`. */
  readonly configFile?: string | undefined;
  /** As if there were no config file: for what must work with any. */
  readonly ignoreConfig?: boolean;
  /** Which process this is: `gateway`, `recorder`, `cli`. Its log is `logs/<mode>.log`. */
  readonly mode: "gateway" | "recorder" | "cli";
  /** Beside the log file. */
  readonly logSinks?: readonly LogSink[];
  /** Run no code of installed plugins: for commands that mend or remove them. */
  readonly withoutInstalled?: boolean;
  /** Where the gateway of this process listens, once it does. */
  readonly endpoint?: () => { readonly host: string; readonly port: number } | undefined;
}

export interface App {
  readonly paths: HomePaths;
  readonly loaded: LoadedConfig;
  /** What is wrong with the config, and what could be better. */
  readonly findings: readonly Finding[];
  readonly gatewayConfig: GatewayConfig;
  /** Names of the plugins that ship. */
  readonly shipped: readonly string[];
  /** Their manifests. */
  readonly bundled: readonly Manifest[];
  /** The installed plugins that the config lists, and such as have a shipped one's name. */
  readonly installed: readonly PluginSource[];
  readonly kernel: Kernel;
  readonly registry: AiGatewayRegistry;
  readonly notes: NotesRegistry;
  readonly log: Logger;
  readonly telemetry: Telemetry;
  close(): Promise<void>;
}

const HERE = dirname(fileURLToPath(import.meta.url));

/** Never rejects for a wrong config or a failing plugin: `findings`, `kernel.unsatisfied` and `kernel.failed` say so. */
export async function openApp(options: AppOptions): Promise<App> {
  const { env, mode } = options;
  const { paths, explicitConfig } = resolveHome(env, options.configFile);
  const telemetry = openTelemetry(paths.devTelemetry, env);
  const logFile = new JsonlFile(join(paths.logs, `${mode}.log`));
  const sinks = [fileSink("info", logFile), ...(telemetry.logSink === undefined ? [] : [telemetry.logSink])];
  // What goes wrong at boot reaches the person as findings and failures, once, and not as log lines, too.
  const bootLog = createLogger(sinks);
  const log = createLogger([...sinks, ...(options.logSinks ?? [])]);

  const observer = { log: bootLog, telemetry };
  const loaded =
    options.ignoreConfig === true
      ? { config: DEFAULT_CONFIG, path: paths.config, exists: false, findings: [] }
      : await loadConfig(paths, { explicit: explicitConfig, observer });
  const registry = createAiGateway({ endpoint: options.endpoint ?? (() => undefined) });
  const notes = createNotes();
  const hyp = hypCommand(env, join(HERE, "..", "bin", "hyp.js"));
  const settings = createSettings({ state: paths.state, hyp, env, observer: { log, telemetry } });
  const bundled = await bundledPlugins(registry, notes, settings);
  const manifests = bundled.map(({ manifest }) => manifest);
  const shipped = manifests.map(({ name }) => name);
  const found = await installedFor(loaded, paths, shipped, observer);
  const isOut = options.withoutInstalled === true;
  const checked = isOut ? found.map(unloaded) : found;
  const findings = [...loaded.findings, ...(await validate(loaded, bundled, checked, observer))];
  const installed = isOut ? [] : found;
  const config = isOut ? onlyShipped(loaded.config, shipped) : loaded.config;
  const boot = { paths, config, bundled, installed, env, log: bootLog, telemetry, mode };
  const kernel = await bootKernel(boot);
  findings.push(...takenOver(registry));
  return {
    paths,
    loaded,
    findings,
    gatewayConfig: await gatewayConfigOf(loaded),
    shipped,
    bundled: manifests,
    installed,
    kernel,
    registry,
    notes,
    log,
    telemetry,
    async close() {
      await kernel.dispose();
      await Promise.all([logFile.close(), telemetry.close()]);
    },
  };
}

/** No plugin takes over where another one's requests go without it being told. */
function takenOver(registry: AiGatewayRegistry): readonly Finding[] {
  return registry.takenOver().map(({ by, from }) => ({
    severity: "warning",
    kind: "upstream_taken_over",
    pointer: "/plugins",
    message: `plugin "${registry.pluginOf(by)}" sends what goes to upstream "${by.name}" to ${by.base_url} in the place of ${from.base_url}`,
  }));
}

/** For whoever listens: a config with an error is not used, not even in part. Throws a HypError that lists what is wrong. */
export function requireValidConfig(app: App): void {
  const errors = app.findings.filter((finding) => finding.severity === "error");
  const [first] = errors;
  if (first === undefined) return;
  const code =
    first.kind === "config_missing" ||
    first.kind === "config_unreadable" ||
    first.kind === "config_invalid_json" ||
    first.kind === "config_invalid_shape"
      ? first.kind
      : "config_invalid";
  const lines = errors.map(({ kind, pointer, message }) => `\n  [${kind}] ${pointer || "/"}: ${message}`);
  throw new HypError(code, `${app.paths.config} cannot be used:${lines.join("")}`);
}

async function validate(
  loaded: LoadedConfig,
  bundled: readonly PluginSource[],
  installed: readonly PluginSource[],
  observer: Observer,
): Promise<readonly Finding[]> {
  if (!loaded.exists || loaded.findings.length > 0) return [];
  const { validateConfig } = await import("./kernel/validate.ts");
  const known = {
    // Of two with one name the later counts: the shipped one.
    plugins: [...installed, ...bundled],
    bundled: bundled.map(({ manifest }) => manifest),
    datasets: Object.keys(DATASETS),
  };
  return validateConfig(loaded.config, known, observer);
}

/** Costs nothing where no config lists plugins. */
async function installedFor(
  { config }: LoadedConfig,
  paths: HomePaths,
  shipped: readonly string[],
  observer: Observer,
): Promise<readonly PluginSource[]> {
  if (config.plugins === undefined) return [];
  const { installedPlugins } = await import("./plugins/installed.ts");
  const wanted = config.plugins.map(({ name }) => name).filter((name) => !shipped.includes(name));
  return installedPlugins(paths, { wanted, shipped }, observer);
}

/** Known by its name, and none of its code can run. */
const unloaded = (source: PluginSource): PluginSource => ({
  ...source,
  load: () => Promise.reject(new Error("it is left out on purpose")),
});

/** The config without the plugins that are left out on purpose, so that nobody calls them missing. */
function onlyShipped(config: Config, shipped: readonly string[]): Config {
  if (config.plugins === undefined) return config;
  return { ...config, plugins: config.plugins.filter(({ name }) => shipped.includes(name)) };
}

async function gatewayConfigOf({ config }: LoadedConfig): Promise<GatewayConfig> {
  const section = config.plugins?.find(({ name }) => name === GATEWAY_PLUGIN)?.config;
  if (section === undefined) return DEFAULT_GATEWAY_CONFIG;
  const { parseGatewayConfig } = await import("./gateway/config.ts");
  return parseGatewayConfig(section).config;
}

function bundledPlugins(
  registry: AiGatewayRegistry,
  notes: NotesRegistry,
  settings: SettingsRegistry,
): Promise<readonly PluginSource[]> {
  const adapter = (name: string): Promise<PluginSource> =>
    shipped(join(HERE, "adapters", name), async (manifest, folder) => {
      return (await import(pathToFileURL(join(folder, manifest.entrypoint)).href)) as PluginModule;
    });
  return Promise.all([
    shipped(join(HERE, "gateway"), async () => gatewayPlugin(registry, notes, settings)),
    ...BUNDLED_ADAPTERS.map(adapter),
  ]);
}

/** A plugin of ours: its manifest was checked when it was built, so that a start need not load the schema library. */
async function shipped(
  folder: string,
  load: (manifest: Manifest, folder: string) => Promise<PluginModule>,
): Promise<PluginSource> {
  const manifest = JSON.parse(await readFile(join(folder, MANIFEST_FILE), "utf8")) as Manifest;
  return { manifest, rootDir: folder, load: () => load(manifest, folder) };
}
