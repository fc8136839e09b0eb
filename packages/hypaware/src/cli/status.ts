import type { Command } from "commander";
import { DATASETS } from "../contract/dataset.ts";
import { type StatusReport, statusReport } from "../daemon/status.ts";
import type { App } from "../app.ts";
import { catchUp } from "../daemon/catch-up.ts";
import { inUnits } from "./bytes.ts";
import { clientRecordsOf } from "./client-records.ts";
import { compareRecords } from "./compare-records.ts";
import { recordingOf } from "./recording-of.ts";
import { type CliContext, withApp } from "./context.ts";

export function registerStatus(program: Command, context: CliContext): void {
  program
    .command("status")
    .description("what runs, what was recorded, what needs attention")
    .option("--json", "machine-readable, stable keys")
    .addHelpText("after", "\nExamples:\n  hyp status\n  hyp status --json\n")
    .action((options: { json?: boolean }) =>
      withApp(context, "status", {}, async (app) => {
        const status = app.telemetry.span("status.render", {}, () =>
          statusReport({
            paths: app.paths,
            loaded: app.loaded,
            findings: app.findings,
            kernel: app.kernel,
            clients: app.registry.clients().map(({ name }) => name),
            projectors: app.registry.projectors().length,
            datasets: Object.keys(DATASETS),
          }),
        );
        const report = { ...status, records: await recordsInBrief(app, status) };
        context.stdout.write(options.json === true ? `${JSON.stringify(report, null, 2)}\n` : asText(report));
      }),
    );
}

/** How the newest of what a client wrote down compares with the store. */
interface RecordStatus {
  readonly client: string;
  readonly sessions: number;
  readonly messages: number;
  readonly differences: number;
}

const LATEST_MS = 86_400_000;
const LATEST = { files: 10, bytes: 8 * 1024 * 1024 };

/** Where no recorder follows the records they are ahead of the store, and nothing can be said. */
async function recordsInBrief(app: App, { daemon }: StatusReport): Promise<readonly RecordStatus[]> {
  if (!daemon.running || !(await catchUp(app.paths, "auto", recordingOf(app)))) return [];
  const followed = clientRecordsOf(app, undefined).filter(({ isFollowed }) => isFollowed !== false);
  const latest = { since: Date.now() - LATEST_MS, ...LATEST };
  const reports = await compareRecords(app, followed, { latest });
  return reports.flatMap(({ client, sessions }) =>
    sessions.length === 0
      ? []
      : [
          {
            client,
            sessions: sessions.length,
            messages: sessions.reduce((sum, { messages }) => sum + messages, 0),
            differences: sessions.reduce((sum, { differences }) => sum + differences.length, 0),
          },
        ],
  );
}

function recordLine({ client, sessions, messages, differences }: RecordStatus): string {
  const counts = `${sessions} ${sessions === 1 ? "session" : "sessions"}, ${messages} messages of the last day`;
  return differences === 0
    ? `  record:     ${client}: ${counts}, no difference`
    : `  record:     ${client}: ${counts}, ${differences} differences (hyp verify ${client})`;
}

function asText(report: StatusReport & { readonly records: readonly RecordStatus[] }): string {
  const { config, daemon, history } = report;
  const configState = !config.exists ? "default, no file" : config.valid ? "ok" : "invalid";
  const lines = [
    "hypaware",
    `  overall:    ${report.overall}`,
    `  config:     ${config.path} (${configState})`,
    `  gateway:    ${daemon.running ? `${daemon.address} (pid ${daemon.pid})` : "not running"}`,
    `  plugins:    ${report.active_plugins.map(({ name }) => name).join(", ") || "none"}`,
    `  clients:    ${report.clients.join(", ") || "none"}`,
    `  history:    ${history.exchanges} exchanges, ${history.rows} rows, ${history.unprojected} unprojected, ${history.quarantined} quarantined`,
    `  disk:       journal ${inUnits(history.journal_bytes)}, store ${inUnits(history.store_bytes)}`,
    `  last:       ${history.last_exchange_at ?? "nothing recorded yet"}`,
    ...report.seen.map(
      ({ client, exchanges, last_at }) =>
        `  seen:       ${client ?? "unnamed client"}: ${exchanges} exchanges, last ${last_at ?? "-"}`,
    ),
    ...report.records.map(recordLine),
  ];
  if (report.diagnostics.length > 0) lines.push("  diagnostics:");
  for (const { severity, kind, message, repair } of report.diagnostics) {
    lines.push(`    [${severity === "error" ? "ERROR" : "WARN "}] ${kind}: ${message}`);
    for (const command of repair) lines.push(`            repair: ${command}`);
  }
  return `${lines.join("\n")}\n`;
}
