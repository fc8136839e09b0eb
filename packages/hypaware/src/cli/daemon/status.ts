import type { Command } from "commander";
import type { HomePaths } from "../../contract/home.ts";
import {
  type DaemonStatus,
  type GatewayFile,
  readGatewayFile,
  readStatusFile,
} from "../../daemon/run-files.ts";
import { runningDaemon } from "../../daemon/running-daemon.ts";
import { type ServiceState, serviceState } from "../../service/service-manager.ts";
import { type CliContext, withApp } from "../context.ts";

export function registerDaemonStatus(daemon: Command, context: CliContext): void {
  daemon
    .command("status")
    .description("whether the daemon and its service run")
    .option("--json", "machine-readable, stable keys")
    .addHelpText("after", "\nExamples:\n  hyp daemon status\n  hyp daemon status --json\n")
    .action((options: { json?: boolean }) =>
      withApp(context, "daemon status", {}, async ({ paths }) => {
        const report = daemonReport(paths);
        const service = await serviceState(paths.home, context.env);
        context.stdout.write(
          options.json === true
            ? `${JSON.stringify({ ...report, service }, null, 2)}\n`
            : asText(report, service, readGatewayFile(paths)),
        );
      }),
    );
}

/** Keys of `hyp daemon status --json`; the rest is there once a daemon has run in this home. */
type DaemonReport = { readonly running: boolean; readonly state: string } & Partial<
  Omit<DaemonStatus, "state">
>;

function daemonReport(paths: HomePaths): DaemonReport {
  const running = runningDaemon(paths) !== undefined;
  const file = readStatusFile(paths);
  if (file === undefined) return { running, state: "unknown" };
  // The file of a daemon that was killed says what was true before.
  const state = running || file.state === "stopped" ? file.state : "unknown";
  const uptimeMs = running ? Date.now() - Date.parse(file.startedAt) : file.uptimeMs;
  return { ...file, running, state, uptimeMs };
}

function asText(report: DaemonReport, service: ServiceState, gateway: GatewayFile | undefined): string {
  const address = gateway === undefined ? "" : `, http://${gateway.host}:${gateway.port}`;
  const seconds = Math.round((report.uptimeMs ?? 0) / 1_000);
  const lines = [
    report.running
      ? `running (pid ${report.pid ?? "unknown"}, ${report.state}, ${report.mode ?? "unknown"}${address}, ${seconds} s)`
      : `not running (${report.state})`,
    !service.installed
      ? "no service is installed (hyp daemon install)"
      : `service: ${service.running ? `running (pid ${service.pid ?? "unknown"})` : service.loaded ? "not running" : "not loaded"}`,
    ...(report.running ? (report.warnings ?? []) : []).map((warning) => `warning: ${warning}`),
  ];
  return `${lines.join("\n")}\n`;
}
