import type { Diagnostic } from "../contract/diagnostics.ts";
import type { ClientStatus } from "../status/clients.ts";
import type { RecordStatus, StatusReport } from "../status/report.ts";
import { inUnits } from "./bytes.ts";

/** `hyp status` for people. */
export function statusText(report: StatusReport, now: Date): string {
  const { config, daemon, history } = report;
  const configState = !config.exists ? "default, no file" : config.valid ? "ok" : "invalid";
  const lines = [
    "hypaware",
    `  overall:    ${report.overall}`,
    `  config:     ${config.path} (${configState})`,
    `  gateway:    ${daemon.running ? `${daemon.address} (pid ${daemon.pid})` : "not running"}`,
    `  service:    ${daemon.installed ? `installed, ${daemon.loaded ? "loaded" : "not loaded"}` : "not installed"}`,
    `  plugins:    ${report.active_plugins.map(({ name }) => name).join(", ") || "none"}`,
    `  history:    ${history.exchanges} exchanges, ${history.rows} rows, ${history.unprojected} unprojected, ${history.quarantined} quarantined`,
    `  disk:       journal ${inUnits(history.journal_bytes)}, store ${inUnits(history.store_bytes)}`,
    `  last:       ${history.last_exchange_at ?? "nothing recorded yet"}`,
    "  clients:",
    ...report.client_attach.map((client) => `    ${clientLine(client, now)}`),
    ...report.seen
      .filter(({ client }) => report.client_attach.every(({ name }) => name !== client))
      .map(
        ({ client, exchanges, last_at }) =>
          `    ${client ?? "unnamed client"}: ${exchanges} exchanges, last ${ago(last_at, now)}`,
      ),
    ...report.records.map((record) => `    ${recordLine(record)}`),
  ];
  if (report.diagnostics.length > 0)
    lines.push("  diagnostics:", ...report.diagnostics.flatMap(diagnosticLines));
  return `${lines.join("\n")}\n`;
}

function clientLine(client: ClientStatus, now: Date): string {
  const { name, attached, port, installed, error, exchanges, entrypoints } = client;
  const isHere = installed === false ? "not on this machine" : "not attached";
  const settings =
    error !== undefined
      ? `settings cannot be read (${error})`
      : attached
        ? `attached${port === undefined ? "" : ` to port ${port}`}`
        : isHere;
  const by = entrypoints.length === 0 ? "" : ` by ${entrypoints.join(", ")}`;
  const traffic =
    exchanges === 0
      ? "no traffic seen"
      : `${exchanges} exchanges${by}, last ${ago(client.last_exchange_at, now)}`;
  const record = client.last_record_at === null ? "" : `; own record ${ago(client.last_record_at, now)}`;
  return `${name}: ${settings}; ${traffic}${record}`;
}

function recordLine({ client, sessions, messages, differences }: RecordStatus): string {
  const counts = `${sessions} ${sessions === 1 ? "session" : "sessions"}, ${messages} messages of the last day`;
  return differences === 0
    ? `${client}'s own record: ${counts}, no difference`
    : `${client}'s own record: ${counts}, ${differences} differences (hyp verify ${client})`;
}

export function diagnosticLines({ severity, kind, message, repair }: Diagnostic): string[] {
  return [
    `    [${severity === "error" ? "ERROR" : "WARN "}] ${kind}: ${message}`,
    ...repair.map((command) => `            repair: ${command}`),
  ];
}

const UNITS = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
] as const;

function ago(at: string | null, now: Date): string {
  const passed = now.getTime() - Date.parse(at ?? "");
  if (Number.isNaN(passed)) return "never";
  const unit = UNITS.find(([ms]) => passed >= ms);
  if (unit === undefined) return "just now";
  const count = Math.floor(passed / unit[0]);
  return `${count} ${unit[1]}${count === 1 ? "" : "s"} ago`;
}
