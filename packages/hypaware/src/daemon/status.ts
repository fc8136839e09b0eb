// What `hyp status` shows. Reads files and one snapshot of the catalog; activates nothing and needs no daemon.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Finding, HypError } from "../contract/errors.ts";
import type { HomePaths } from "../contract/home.ts";
import type { Kernel } from "../kernel/boot.ts";
import type { LoadedConfig } from "../kernel/config.ts";
import { openCatalog } from "../store/catalog.ts";
import { type DaemonStatus, readGatewayFile, readPidFile, readStatusFile } from "./run-files.ts";

export interface Diagnostic {
  readonly severity: "error" | "warning";
  readonly kind: string;
  readonly message: string;
  /** Commands that mend it. */
  readonly repair: readonly string[];
  readonly pointer?: string;
}

/** Keys and meanings are the contract of `hyp status --json`. */
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
  readonly client_attach: readonly {
    readonly name: string;
    readonly configured: boolean;
    readonly attached: boolean;
  }[];
  readonly seen: readonly {
    readonly client: string | null;
    readonly exchanges: number;
    readonly last_at: string | null;
  }[];
  readonly datasets: readonly { readonly name: string; readonly plugin: string }[];
  readonly history: {
    readonly exchanges: number;
    readonly rows: number;
    readonly unprojected: number;
    readonly quarantined: number;
    readonly journal_bytes: number;
    readonly store_bytes: number;
    readonly last_exchange_at: string | null;
  };
  readonly cache: {
    readonly dir: string;
    readonly retention_days: number | null;
    readonly retention_source: "config" | "default";
    readonly size_bytes: number;
    readonly oldest_partition_date: string | null;
  };
  readonly recent_error_count: number;
  readonly diagnostics: readonly Diagnostic[];
}

export interface StatusInput {
  readonly paths: HomePaths;
  readonly loaded: LoadedConfig;
  readonly findings: readonly Finding[];
  readonly kernel: Kernel;
  readonly clients: readonly string[];
  readonly projectors: number;
  readonly datasets: readonly string[];
}

export function statusReport(input: StatusInput): StatusReport {
  const { paths, loaded, findings, kernel } = input;
  const gateway = readGatewayFile(paths);
  const pid = readPidFile(paths);
  const status = readStatusFile(paths);
  const history = historyOf(paths);
  const diagnostics = [
    ...pluginDiagnostics(kernel),
    ...findings.map(ofFinding),
    ...historyDiagnostics(input, history),
  ];
  const retention = loaded.config.query?.cache?.retention?.default_days;
  return {
    overall: diagnostics.some(({ kind }) => kind !== "gateway_without_projector") ? "degraded" : "healthy",
    config: {
      path: loaded.path,
      exists: loaded.exists,
      valid: !findings.some(({ severity }) => severity === "error"),
    },
    active_plugins: kernel.plugins.map(({ name }) => ({ name })),
    daemon: {
      installed: false,
      loaded: false,
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
    clients: input.clients,
    // Attaching writes the client's own settings; nothing does that yet.
    client_attach: input.clients.map((name) => ({ name, configured: true, attached: false })),
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
    recent_error_count: 0,
    diagnostics,
  };
}

function withoutDetails({
  name,
  plugin,
  state,
  error,
}: DaemonStatus["sources"][number]): StatusReport["sources"][number] {
  return { name, plugin, state, ...(error !== undefined && { error }) };
}

interface History {
  readonly counts: StatusReport["history"];
  readonly seen: StatusReport["seen"];
  /** Why the store could not be read. */
  readonly problem?: Diagnostic;
}

const NO_HISTORY = {
  exchanges: 0,
  rows: 0,
  unprojected: 0,
  quarantined: 0,
  store_bytes: 0,
  last_exchange_at: null,
};

/** A store that cannot be read is a finding of the status, not its end. */
function historyOf(paths: HomePaths): History {
  try {
    return readHistory(paths);
  } catch (error) {
    if (!(error instanceof HypError)) throw error;
    const { code, message, next } = error;
    const counts = { ...NO_HISTORY, journal_bytes: bytesBelow(paths.journal) };
    return { counts, seen: [], problem: { severity: "error", kind: code, message, repair: [next] } };
  }
}

function readHistory(paths: HomePaths): History {
  const catalog = openCatalog(paths.catalog, { readOnly: true });
  try {
    const { exchanges, rows, unprojected, quarantined, storeBytes } = catalog.counts();
    return {
      counts: {
        exchanges,
        rows,
        unprojected,
        quarantined,
        journal_bytes: bytesBelow(paths.journal),
        store_bytes: storeBytes,
        last_exchange_at: catalog.lastExchangeAt(),
      },
      seen: catalog
        .clients()
        .map(({ client, exchanges, lastAt }) => ({ client, exchanges, last_at: lastAt })),
    };
  } finally {
    catalog.close();
  }
}

function bytesBelow(folder: string): number {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, entry) => sum + (sizeOf(join(entry.parentPath, entry.name)) ?? 0), 0);
  } catch {
    return 0;
  }
}

const sizeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.size;

function ofFinding({ severity, kind, pointer, message }: Finding): Diagnostic {
  return { severity, kind, message, repair: ["hyp config validate"], ...(pointer !== "" && { pointer }) };
}

function pluginDiagnostics({ unsatisfied, failed }: Kernel): readonly Diagnostic[] {
  return [...unsatisfied, ...failed].map(({ plugin, errorKind, detail }) => ({
    severity: "error",
    kind: errorKind,
    message: `${plugin}: ${detail}`,
    repair: ["hyp config validate"],
  }));
}

function historyDiagnostics(
  { projectors }: StatusInput,
  { counts, problem }: History,
): readonly Diagnostic[] {
  const found: Diagnostic[] = problem === undefined ? [] : [problem];
  const warn = (kind: string, message: string, ...repair: string[]): void =>
    void found.push({ severity: "warning", kind, message, repair });
  if (projectors === 0)
    warn(
      "gateway_without_projector",
      `No adapter is active, so exchanges make no rows (${counts.unprojected} so far). They are kept and can be projected later.`,
      "hyp reproject",
    );
  if (counts.quarantined > 0)
    warn(
      "quarantined",
      `${counts.quarantined} exchanges were set aside because projecting them failed.`,
      "hyp reproject",
    );
  return found;
}
