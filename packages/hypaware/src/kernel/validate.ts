import type { Finding, FindingKind } from "../contract/errors.ts";
import { LIMITS } from "../contract/limits.ts";
import type { PluginModule, SectionFinding } from "../contract/plugin.ts";
import type { JsonObject } from "../contract/projection.ts";
import { type Config, type SinkEntry, enabledPlugins } from "./config.ts";
import type { Manifest, PluginSource } from "./manifest.ts";
import { offersOf } from "./order.ts";
import { jsonPointer } from "./pointer.ts";
import { isSchedule } from "./schedule.ts";
import { didYouMean } from "./suggest.ts";
import { type Observer, QUIET } from "./telemetry.ts";
import { within } from "./within.ts";

/** What the config's names can mean. */
export interface Known {
  /** All that could run. */
  readonly plugins: readonly PluginSource[];
  /** Of those that ship: they run when the config lists none, and one of them that cannot check its section is an error. */
  readonly bundled: readonly Manifest[];
  readonly datasets: readonly string[];
}

type Find = (
  kind: FindingKind,
  path: readonly PropertyKey[],
  message: string,
  severity?: Finding["severity"],
) => void;
type Sources = ReadonlyMap<string, PluginSource>;

const GATEWAY = "hypaware.ai-gateway";

/** What a well-formed config means that cannot be. Loads the modules of the listed plugins, activates none. */
export function validateConfig(
  config: Config,
  known: Known,
  observer: Observer = QUIET,
): Promise<readonly Finding[]> {
  return observer.telemetry.span("config.validate", {}, async (span) => {
    const findings: Finding[] = [];
    const find: Find = (kind, path, message, severity = "error") => {
      const pointer = jsonPointer(...path);
      findings.push({ severity, kind, pointer, message });
      if (severity === "warning") return;
      span.set({ status: "failed", error_kind: kind });
      const event = kind === "config_section_invalid" ? "config.section_error" : "config.validate.error";
      observer.log.error(event, { error_kind: kind, pointer, message });
    };
    const sources = new Map(known.plugins.map((source) => [source.manifest.name, source]));
    await checkPlugins(config, sources, known.bundled, find);
    for (const [name, sink] of Object.entries(config.sinks ?? {})) checkSink(name, sink, sources, find);
    for (const name of Object.keys(config.query?.cache?.retention?.datasets ?? {}))
      if (!known.datasets.includes(name))
        find(
          "dataset_unknown",
          ["query", "cache", "retention", "datasets", name],
          `no table is called "${name}".${didYouMean(name, known.datasets)}`,
        );
    const enabled = [...new Set(enabledPlugins(config, known.bundled))].flatMap(
      (name) => sources.get(name) ?? [],
    );
    checkCapabilities(config, enabled, find);
    return findings;
  });
}

const unknown = (name: string, sources: Sources): string =>
  `plugin "${name}" is neither shipped nor installed.${didYouMean(name, sources.keys())}`;

async function checkPlugins(
  config: Config,
  sources: Sources,
  shipped: readonly Manifest[],
  find: Find,
): Promise<void> {
  const seen = new Set<string>();
  for (const [index, { name, enabled, config: section = {} }] of (config.plugins ?? []).entries()) {
    const source = sources.get(name);
    if (seen.has(name)) find("duplicate_plugin", ["plugins", index], `plugin "${name}" is listed twice`);
    seen.add(name);
    if (source === undefined) find("plugin_unknown", ["plugins", index, "name"], unknown(name, sources));
    if (source === undefined || enabled === false) continue;
    let isLoaded = false;
    try {
      const module = await source.load();
      isLoaded = true;
      for (const { severity, pointer, message } of await sectionFindings(name, module, section)) {
        const inside = pointer.split("/").slice(1);
        const path = inside.map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
        find("config_section_invalid", ["plugins", index, "config", ...path], message, severity);
      }
    } catch (error) {
      // One that was installed is no reason that nothing runs: it fails alone, and where it does not even load, boot says so.
      const ships = shipped.some((manifest) => manifest.name === name);
      const message = `plugin "${name}" cannot check its config: ${String(error)}`;
      if (ships || isLoaded)
        find("config_section_invalid", ["plugins", index, "config"], message, ships ? "error" : "warning");
    }
  }
}

function sectionFindings(
  name: string,
  module: PluginModule,
  section: JsonObject,
): Promise<readonly SectionFinding[]> {
  const late = (): Error =>
    new Error(`plugin "${name}" did not say within ${LIMITS.pluginActivateMs} ms what is wrong`);
  return within(LIMITS.pluginActivateMs, module.configSection?.(section) ?? [], late);
}

function checkSink(sink: string, entry: SinkEntry, sources: Sources, find: Find): void {
  const { writer, destination, plugin, config = {} } = entry;
  /** The named plugin must be there and provide one of the capabilities. */
  function role(
    path: string[],
    name: unknown,
    kind: FindingKind,
    lacks: string,
    ...capabilities: string[]
  ): void {
    if (typeof name !== "string") return;
    const source = sources.get(name);
    const provided = source?.manifest.provides?.capabilities ?? {};
    if (source === undefined) find("sink_plugin_unknown", ["sinks", sink, ...path], unknown(name, sources));
    else if (!capabilities.some((one) => Object.hasOwn(provided, one)))
      find(kind, ["sinks", sink, ...path], `plugin "${name}" ${lacks}`);
  }
  if (plugin !== undefined && (writer ?? destination) !== undefined)
    find("request_sink_invalid_keys", ["sinks", sink], 'use either "writer" and "destination", or "plugin"');
  else if (plugin === undefined && (writer === undefined || destination === undefined))
    find("sink_pair_incompatible", ["sinks", sink], 'needs "writer" and "destination", or "plugin"');
  role(["plugin"], plugin, "sink_pair_incompatible", "sends nothing", "hypaware.http-endpoint");
  role(
    ["writer"],
    writer,
    "sink_writer_invalid",
    "encodes nothing",
    "hypaware.encoder",
    "hypaware.table-format",
  );
  role(["destination"], destination, "sink_destination_invalid", "stores nothing", "hypaware.blob-store");
  role(
    ["config", "encoder"],
    config["encoder"],
    "sink_encoder_invalid",
    "encodes nothing",
    "hypaware.encoder",
  );
  const { schedule = "* * * * *" } = config;
  if (typeof schedule !== "string" || !isSchedule(schedule))
    find(
      "sink_schedule_invalid",
      ["sinks", sink, "config", "schedule"],
      'expected five cron fields like "*/5 * * * *"',
    );
}

function checkCapabilities(config: Config, enabled: readonly PluginSource[], find: Find): void {
  const manifests = enabled.map(({ manifest }) => manifest);
  const offers = Map.groupBy(manifests.flatMap(offersOf), ({ capability }) => capability);
  const pins = config.disambiguate ?? {};
  for (const capability of new Set([...offers.keys(), ...Object.keys(pins)])) {
    const providers = offers.get(capability)?.map(({ plugin }) => plugin) ?? [];
    const pin = Object.hasOwn(pins, capability) ? pins[capability] : undefined;
    if (pin === undefined ? providers.length < 2 : providers.includes(pin)) continue;
    const message =
      providers.length === 0
        ? `no enabled plugin provides ${capability}`
        : `name the plugin that shall provide ${capability}: ${providers.join(" or ")}`;
    find("capability_ambiguous", ["disambiguate", capability], message);
  }
  for (const { name, requires } of manifests)
    if (requires?.capabilities?.[GATEWAY] !== undefined && !offers.has(GATEWAY))
      find(
        "client_without_gateway",
        ["plugins"],
        `plugin "${name}" needs the gateway, and no enabled plugin provides it`,
        "warning",
      );
}
