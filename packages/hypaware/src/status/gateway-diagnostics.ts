import type { ExchangeRow } from "../contract/dataset.ts";
import { type Diagnostic, diagnostic } from "../contract/diagnostics.ts";
import type { JsonObject } from "../contract/projection.ts";
import type { AiGatewayRegistry } from "../gateway/capability.ts";
import type { GatewayConfig } from "../gateway/config-defaults.ts";
import { isListening } from "../gateway/is-listening.ts";
import { missingUpstreams } from "../gateway/missing-upstreams.ts";
import { portHolder } from "../gateway/port-holder.ts";
import { buildRoutes, overlappingRoutes } from "../gateway/router.ts";

const CONNECT_MS = 500;

/** Upstreams that are missing, or want the same requests. Routes that cannot be built are the config's finding. */
export function routeDiagnostics(registry: AiGatewayRegistry, config: GatewayConfig): readonly Diagnostic[] {
  const { upstreams } = config;
  const missing = missingUpstreams(registry.clients(), [...registry.presets(), ...upstreams]).map(
    ({ kind, message }): Diagnostic => {
      const name = /^gateway_missing_(.*)_upstream$/.exec(kind)?.[1];
      return {
        ...diagnostic("gateway_missing_upstream", message),
        kind,
        repair: [upstreamsCommand([...upstreams, { name, base_url: "https://<its address>" }])],
      };
    },
  );
  return [...missing, ...presetOverlaps(registry, config)];
}

const upstreamsCommand = (upstreams: readonly object[]): string =>
  `hyp config set @hypaware/ai-gateway upstreams '${JSON.stringify(upstreams)}'`;

function presetOverlaps(registry: AiGatewayRegistry, config: GatewayConfig): readonly Diagnostic[] {
  const presets = registry.presets();
  if (presets.length + config.upstreams.length === 0) return [];
  try {
    const { routes } = buildRoutes({ presets, upstreams: config.upstreams });
    return overlappingRoutes(routes).map(([first, second]) => {
      const preset = presets.find(({ name }) => name === second.name);
      const plugin = preset && registry.pluginOf(preset);
      const others = config.upstreams.filter(({ name }) => name !== second.name);
      const repair =
        plugin === undefined || others.length < config.upstreams.length
          ? upstreamsCommand(others)
          : `hyp config disable ${plugin}`;
      const message = `Upstreams "${first.name}" and "${second.name}" want the same requests at equal rank; "${first.name}" gets them.`;
      return diagnostic("preset_overlap", message, repair);
    });
  } catch {
    return [];
  }
}

/** Adapters that want the same exchanges, as far as the newest ones showed it. */
export function projectorOverlaps(
  registry: AiGatewayRegistry,
  newest: readonly ExchangeRow[],
): readonly Diagnostic[] {
  const projectors = registry.projectors();
  const pairs = new Map<string, Diagnostic>();
  for (const { projector, attributes } of newest) {
    const winner = projectors.find(({ name }) => name === projector);
    const others = ((attributes?.["gateway"] as JsonObject | undefined)?.["co_matches"] ?? []) as string[];
    for (const other of projectors) {
      if (!others.includes(other.name) || winner === undefined) continue;
      if ((other.priority ?? 0) !== (winner.priority ?? 0)) continue;
      const message = `Adapters "${winner.name}" and "${other.name}" want the same exchanges at equal priority; "${winner.name}" gets them.`;
      const plugin = registry.pluginOf(other) ?? other.name;
      pairs.set(message, diagnostic("projector_overlap", message, `hyp config disable ${plugin}`));
    }
  }
  return [...pairs.values()];
}

/** Somebody else where the gateway would listen. */
export async function portDiagnostics({
  host,
  port,
}: GatewayConfig["listen"]): Promise<readonly Diagnostic[]> {
  if (port === 0 || !(await isListening(host, port, CONNECT_MS))) return [];
  const holder = (await portHolder(port)) ?? "another program";
  const free = await freePort(host, port + 1);
  return [
    diagnostic(
      "port_taken",
      `${holder} listens on ${host}:${port}, where the gateway would.`,
      `hyp config set @hypaware/ai-gateway listen ${host}:${free}`,
    ),
  ];
}

async function freePort(host: string, port: number): Promise<number> {
  return (await isListening(host, port, CONNECT_MS)) ? freePort(host, port + 1) : port;
}
