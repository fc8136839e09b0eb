// What `hyp status` shows. Reads files, one snapshot of the catalog and clients' settings; writes nothing and needs no daemon.

import { type Diagnostic, diagnostic, entryOf } from "../contract/diagnostics.ts";
import type { Finding } from "../contract/errors.ts";
import type { HomePaths } from "../contract/home.ts";
import type { AnyClientRecord } from "../contract/record.ts";
import { type DaemonStatus, readGatewayFile, readPidFile, readStatusFile } from "../daemon/run-files.ts";
import type { AiGatewayRegistry } from "../gateway/capability.ts";
import type { GatewayConfig } from "../gateway/config-defaults.ts";
import type { Kernel } from "../kernel/boot.ts";
import type { LoadedConfig } from "../kernel/config.ts";
import type { Manifest } from "../kernel/manifest.ts";
import type { ServiceState } from "../service/service-manager.ts";
import { withToldRoots } from "../notes/record-roots.ts";
import { type ClientStatus, clientsFound } from "./clients.ts";
import { configDiagnostics } from "./config-diagnostics.ts";
import { portDiagnostics, projectorOverlaps, routeDiagnostics } from "./gateway-diagnostics.ts";
import { newsSince } from "./acknowledged.ts";
import { historyDiagnostics, isError, recorderBehind } from "./history-diagnostics.ts";
import { type HistoryCounts, type SeenClient, readHistory } from "./history.ts";
import { logLines } from "./log-lines.ts";
import { pluginDiagnostics } from "./plugin-diagnostics.ts";

/** How the newest of what a client wrote down compares with the store. */
export interface RecordStatus {
  readonly client: string;
  readonly sessions: number;
  readonly messages: number;
  readonly differences: number;
}

/** Keys and meanings are the contract of `hyp status --json`; docs/status.schema.json has them. */
export interface StatusReport {
  readonly overall: "healthy" | "degraded";
  readonly config: { readonly path: string; readonly exists: boolean; readonly valid: boolean };
  readonly active_plugins: readonly { readonly name: string }[];
  readonly daemon: {
    readonly installed: boolean;
    readonly loaded: boolean;
    readonly running: boolean;
    readonly state: string;
    readonly pid: number | null;
    readonly mode: string | null;
    readonly run_id: string | null;
    readonly platform: string;
    readonly address: string | null;
  };
  readonly sources: readonly {
    readonly name: string;
    readonly plugin: string;
    readonly state: string;
    readonly error?: string;
  }[];
  readonly sinks: readonly never[];
  readonly clients: readonly string[];
  readonly client_attach: readonly ClientStatus[];
  readonly seen: readonly SeenClient[];
  readonly datasets: readonly { readonly name: string; readonly plugin: string }[];
  readonly history: HistoryCounts;
  readonly cache: {
    readonly dir: string;
    readonly retention_days: number | null;
    readonly retention_source: "config" | "default";
    readonly size_bytes: number;
    readonly oldest_partition_date: string | null;
  };
  readonly records: readonly RecordStatus[];
  readonly recent_error_count: number;
  readonly diagnostics: readonly Diagnostic[];
}

export interface StatusInput {
  readonly paths: HomePaths;
  readonly loaded: LoadedConfig;
  readonly findings: readonly Finding[];
  readonly kernel: Kernel;
  /** Of the plugins that ship. */
  readonly bundled: readonly Manifest[];
  readonly gatewayConfig: GatewayConfig;
  readonly registry: AiGatewayRegistry;
  readonly clientRecords: readonly AnyClientRecord[];
  readonly datasets: readonly string[];
  /** `missing`: the program that the service would start and that is not there. */
  readonly service: Pick<ServiceState, "installed" | "loaded"> & { readonly missing?: string };
  /** Lets the store catch up with a running gateway, for a bounded time; false: it did not. */
  readonly catchUp: () => Promise<boolean>;
  /** Asked once the store has caught up. */
  readonly compareRecords: () => Promise<readonly RecordStatus[]>;
}

export async function statusReport(input: StatusInput): Promise<StatusReport> {
  const { paths, loaded, findings, kernel, registry, gatewayConfig, service } = input;
  const gateway = readGatewayFile(paths);
  const pid = readPidFile(paths);
  const status = readStatusFile(paths);
  const isCurrent = gateway === undefined || (await input.catchUp());
  const history = readHistory(paths);
  const everywhere = input.clientRecords.map((record) => withToldRoots(record, history.recordRoots));
  const clients = await clientsFound(registry.clients(), everywhere, history.seen);
  // Where no recorder follows the records they are ahead of the store, and nothing can be said.
  const canCompare = gateway !== undefined && isCurrent && history.problem === undefined;
  const records = canCompare ? await input.compareRecords() : [];
  const diagnostics = [
    ...configDiagnostics(findings, loaded.path),
    ...(await pluginDiagnostics({ paths, config: loaded.config, shipped: input.bundled, kernel })),
    ...serviceDiagnostics(service, gateway !== undefined),
    ...(gateway === undefined ? await portDiagnostics(gatewayConfig.listen) : []),
    ...routeDiagnostics(registry, gatewayConfig),
    ...projectorOverlaps(registry, history.newest),
    ...(isCurrent ? [] : [recorderBehind()]),
    ...historyDiagnostics(paths, history, registry.projectors().length > 0),
    ...clients.diagnostics,
  ];
  const retention = loaded.config.query?.cache?.retention?.default_days;
  return {
    overall: diagnostics.some((each) => entryOf(each).degrades) ? "degraded" : "healthy",
    config: {
      path: loaded.path,
      exists: loaded.exists,
      valid: !findings.some(({ severity }) => severity === "error"),
    },
    active_plugins: kernel.plugins.map(({ name }) => ({ name })),
    daemon: {
      installed: service.installed,
      loaded: service.loaded,
      running: gateway !== undefined,
      state: pid === undefined && status?.state !== "stopped" ? "unknown" : (status?.state ?? "unknown"),
      pid: gateway?.pid ?? null,
      mode: pid?.mode ?? null,
      run_id: gateway?.run_id ?? null,
      platform: process.platform,
      address: gateway === undefined ? null : `http://${gateway.host}:${gateway.port}`,
    },
    sources: gateway === undefined ? [] : (status?.sources ?? []).map(withoutDetails),
    sinks: [],
    clients: clients.clients.map(({ name }) => name),
    client_attach: clients.clients,
    seen: history.seen,
    datasets: input.datasets.map((name) => ({ name, plugin: "@hypaware/ai-gateway" })),
    history: history.counts,
    cache: {
      dir: paths.store,
      retention_days: retention ?? null,
      retention_source: retention === undefined ? "default" : "config",
      size_bytes: history.counts.store_bytes,
      oldest_partition_date: null,
    },
    records,
    recent_error_count: logLines(paths, newsSince(paths)).filter(isError).length,
    diagnostics,
  };
}

function serviceDiagnostics(
  { installed, missing }: StatusInput["service"],
  isRunning: boolean,
): readonly Diagnostic[] {
  if (missing !== undefined)
    return [
      diagnostic(
        "daemon_binary_missing",
        `The installed service starts ${missing}, which is not there.`,
        "hyp daemon install",
      ),
    ];
  if (!installed || isRunning) return [];
  return [
    diagnostic("daemon_loaded_no_pid", "The service is installed, and no daemon runs.", "hyp daemon start"),
  ];
}

function withoutDetails({
  name,
  plugin,
  state,
  error,
}: DaemonStatus["sources"][number]): StatusReport["sources"][number] {
  return { name, plugin, state, ...(error !== undefined && { error }) };
}
