import { createHash } from "node:crypto";
import { join } from "node:path";
import { type ErrorCode, HypError } from "../contract/errors.ts";
import type { HomePaths } from "../contract/home.ts";
import { LIMITS } from "../contract/limits.ts";
import type { AiGateway, CapabilityConsumer, PluginContext } from "../contract/plugin.ts";
import { CapabilityRegistry } from "./capabilities.ts";
import { type Config, enabledPlugins } from "./config.ts";
import type { Logger } from "./log.ts";
import type { PluginSource } from "./manifest.ts";
import { type Unsatisfied, resolveOrder } from "./order.ts";
import { Scope } from "./scope.ts";
import { NO_TELEMETRY, type Telemetry } from "./telemetry.ts";
import { within } from "./within.ts";

export interface BootOptions {
  readonly paths: HomePaths;
  readonly config: Config;
  /** Plugins that ship. */
  readonly bundled: readonly PluginSource[];
  /** Plugins that the person installed. They run only when the config names them, and cannot take a shipped one's name. */
  readonly installed?: readonly PluginSource[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  readonly telemetry?: Telemetry;
  /** Which process this is, for telemetry: `gateway`, `recorder`, `cli`. */
  readonly mode: string;
}

/** A plugin that was to run and does not. */
export interface PluginFailure {
  readonly plugin: string;
  readonly errorKind: ErrorCode;
  readonly detail: string;
}

export interface Kernel {
  /** Active, in the order of activation. */
  readonly plugins: readonly { readonly name: string; readonly version: string; readonly rootDir: string }[];
  /** Left out before activation. */
  readonly unsatisfied: readonly Unsatisfied[];
  /** Failed at activation. */
  readonly failed: readonly PluginFailure[];
  readonly capabilities: CapabilityRegistry;
  /** Capability `hypaware.ai-gateway`, when it is provided. */
  readonly gateway: AiGateway | undefined;
  /** Undoes every registration, last plugin first. */
  dispose(): Promise<void>;
}

/** Activates the plugins that the config wants. One plugin's failure is that plugin's failure: this never rejects for it. */
export function bootKernel(options: BootOptions): Promise<Kernel> {
  const { paths, config, mode, bundled, installed = [], telemetry = NO_TELEMETRY } = options;
  const attributes = { mode, hyp_home: paths.home, config_path: paths.config };
  return telemetry.span("kernel.boot", attributes, async (span) => {
    const log = options.log.child({ hyp_component: "kernel" });
    const rules = { disambiguate: config.disambiguate ?? {}, configPath: paths.config };
    const failed: PluginFailure[] = [];
    const { selected, missing } = select(options, log, failed);
    const shadowed = failed.length;
    const { order, unsatisfied } = telemetry.span("dep_graph.resolve", {}, (resolving) => {
      const result = resolveOrder(
        selected.map(({ manifest }) => manifest),
        rules,
      );
      const hash = createHash("sha256").update(result.order.join("\n")).digest("hex").slice(0, 16);
      resolving.set({ hyp_plugin_count: result.order.length, hyp_resolve_order_hash: hash });
      return result;
    });
    for (const { plugin, errorKind, detail } of [...missing, ...unsatisfied])
      log.error("dep_graph.reject", { hyp_plugin: plugin, error_kind: errorKind, message: detail });

    const capabilities = new CapabilityRegistry(rules, log, telemetry);
    const active: { source: PluginSource; scope: Scope }[] = [];
    for (const name of order) {
      const source = selected.find(({ manifest }) => manifest.name === name);
      if (source === undefined) continue;
      const fields = { hyp_plugin: name, hyp_plugin_version: source.manifest.version };
      const scope = new Scope((error) => log.warn("plugin.undo_failed", { ...fields, error: String(error) }));
      try {
        await telemetry.span("plugin.activate", fields, async () => {
          const module = await source.load();
          if (typeof module.activate !== "function")
            throw new HypError(
              "activate_missing",
              `Plugin "${name}": its entry point exports no activate function.`,
            );
          for (const needed of Object.keys(source.manifest.requires?.plugins ?? {}))
            if (!active.some((other) => other.source.manifest.name === needed))
              throw new HypError(
                "plugin_missing",
                `Plugin "${name}" needs plugin "${needed}", which failed.`,
              );
          const hung = (): HypError =>
            new HypError(
              "activate_hung",
              `Plugin "${name}" ${source.manifest.version} did not end its activation within ${LIMITS.pluginActivateMs} ms.`,
            );
          const activating = module.activate(contextFor(source, scope, capabilities, options));
          await within(LIMITS.pluginActivateMs, activating, hung);
        });
        active.push({ source, scope });
        telemetry.add("hyp_plugins_loaded", 1, { hyp_plugin: name });
        if (installed.includes(source)) log.info("plugin.installed_active", { ...fields, status: "ok" });
      } catch (error) {
        await scope.close();
        const errorKind = error instanceof HypError ? error.code : "activate_failed";
        const detail = error instanceof Error ? error.message : String(error);
        failed.push({ plugin: name, errorKind, detail });
        log.error("plugin.activate_failed", { ...fields, error_kind: errorKind, message: detail });
      }
    }
    span.set({
      bundled_available: bundled.length,
      installed_available: installed.length,
      installed_selected: selected.filter((source) => installed.includes(source)).length,
      installed_shadow_collisions: shadowed,
      plugins_selected: selected.length,
      plugins_resolved: order.length,
      plugins_activated: active.length,
    });
    span.set({ plugins_failed: failed.length, unsatisfied_count: missing.length + unsatisfied.length });

    const host = new Scope(() => {});
    return {
      plugins: active.map(({ source: { manifest, rootDir } }) => ({
        name: manifest.name,
        version: manifest.version,
        rootDir,
      })),
      unsatisfied: [...missing, ...unsatisfied],
      failed,
      capabilities,
      gateway: capabilities.has("hypaware.ai-gateway")
        ? (capabilities.require(consumer("hypaware", host), "hypaware.ai-gateway", "*") as AiGateway)
        : undefined,
      async dispose() {
        await host.close();
        for (const { scope } of active.toReversed()) await scope.close();
      },
    };
  });
}

const consumer = (plugin: string, scope: Scope): CapabilityConsumer => ({
  plugin,
  onDispose: (undo) => scope.onDispose(undo),
});

/** The sources that the config wants, and the names that no source has. */
function select(
  { config, bundled, installed = [], paths }: BootOptions,
  log: Logger,
  failed: PluginFailure[],
): { selected: PluginSource[]; missing: Unsatisfied[] } {
  const sources = new Map(bundled.map((source) => [source.manifest.name, source]));
  const shipped = bundled.map(({ manifest }) => manifest);
  for (const source of installed) {
    const { name } = source.manifest;
    if (shipped.some((manifest) => manifest.name === name)) {
      const detail = `Installed plugin "${name}" in ${source.rootDir} has the name of one that ships with HypAware.`;
      failed.push({ plugin: name, errorKind: "installed_shadows_bundled", detail });
      log.error("plugin.shadow_collision", { hyp_plugin: name, message: detail });
    } else sources.set(name, source);
  }
  const wanted = new Set(enabledPlugins(config, shipped));
  for (const name of sources.keys())
    if (!wanted.has(name))
      log.debug("plugin.skipped", { hyp_plugin: name, status: "skipped", hyp_reason: "not_configured" });
  const selected: PluginSource[] = [];
  const missing: Unsatisfied[] = [];
  for (const plugin of wanted) {
    const source = sources.get(plugin);
    if (source !== undefined) selected.push(source);
    else {
      const detail = `"plugins" in ${paths.config} lists "${plugin}", which is neither shipped nor installed.`;
      missing.push({ plugin, errorKind: "plugin_missing", detail });
    }
  }
  return { selected, missing };
}

function contextFor(
  { manifest, rootDir }: PluginSource,
  scope: Scope,
  capabilities: CapabilityRegistry,
  { config, env, paths, log }: BootOptions,
): PluginContext {
  const { name, version } = manifest;
  const me = consumer(name, scope);
  function provide(
    capability: string,
    offered: string,
    make: (consumer: CapabilityConsumer) => unknown,
  ): void {
    // The order of activation was decided by what manifests declare.
    const declared = manifest.provides?.capabilities?.[capability];
    if (declared !== offered)
      throw new HypError(
        "manifest_invalid",
        `Plugin "${name}" provides ${capability} ${offered}, and its manifest declares ${declared ?? "none"}.`,
      );
    scope.onDispose(capabilities.provide({ capability, version: offered, plugin: name }, make));
  }
  return {
    plugin: { name, version, rootDir },
    config: config.plugins?.find((entry) => entry.name === name)?.config ?? {},
    env,
    paths: { rootDir, stateDir: join(paths.plugins, name) },
    log: log.child({ hyp_component: "plugin", hyp_plugin: name }),
    // Which type it is, only the plugin that asks can say.
    requireCapability: (capability, range) => capabilities.require(me, capability, range) as never,
    provideCapability: (capability, offered, value) => provide(capability, offered, () => value),
    provideCapabilityPerPlugin: provide,
    onDispose: (undo) => me.onDispose(undo),
  };
}
