import type { Command } from "commander";
import { DATASETS } from "../contract/dataset.ts";
import { type StatusReport, statusReport } from "../daemon/status.ts";
import { inUnits } from "./bytes.ts";
import { type CliContext, withApp } from "./context.ts";

export function registerStatus(program: Command, context: CliContext): void {
  program
    .command("status")
    .description("what runs, what was recorded, what needs attention")
    .option("--json", "machine-readable, stable keys")
    .addHelpText("after", "\nExamples:\n  hyp status\n  hyp status --json\n")
    .action((options: { json?: boolean }) =>
      withApp(context, "status", {}, async (app) => {
        const report = app.telemetry.span("status.render", {}, () =>
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
        context.stdout.write(options.json === true ? `${JSON.stringify(report, null, 2)}\n` : asText(report));
      }),
    );
}

function asText(report: StatusReport): string {
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
  ];
  if (report.diagnostics.length > 0) lines.push("  diagnostics:");
  for (const { severity, kind, message, repair } of report.diagnostics) {
    lines.push(`    [${severity === "error" ? "ERROR" : "WARN "}] ${kind}: ${message}`);
    for (const command of repair) lines.push(`            repair: ${command}`);
  }
  return `${lines.join("\n")}\n`;
}
