import type { Command } from "commander";
import type { App } from "../app.ts";
import { DATASETS } from "../contract/dataset.ts";
import { HypError } from "../contract/errors.ts";
import { catchUp } from "../daemon/catch-up.ts";
import { serviceState } from "../service/service-manager.ts";
import { type RecordStatus, type StatusReport, statusReport } from "../status/report.ts";
import { clientRecordsOf } from "./client-records.ts";
import { compareRecords } from "./compare-records.ts";
import { type CliContext, withApp } from "./context.ts";
import { recordingOf } from "./recording-of.ts";
import { statusText } from "./status-text.ts";
import { writeFitted } from "./terminal.ts";

export function registerStatus(program: Command, context: CliContext): void {
  program
    .command("status")
    .description("what runs, what was recorded, what needs attention")
    .option("--json", "machine-readable, stable keys (docs/status.schema.json)")
    .addHelpText("after", "\nExamples:\n  hyp status\n  hyp status --json\n")
    .action((options: { json?: boolean }) =>
      withApp(context, "status", {}, async (app) => {
        const report = await statusOf(app, context.env, options.json === true ? "json" : "text");
        if (options.json === true) context.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
        else writeFitted(statusText(report, new Date()), context.stdout);
      }),
    );
}

/** `format`: for telemetry. */
export function statusOf(app: App, env: NodeJS.ProcessEnv, format: string): Promise<StatusReport> {
  return app.telemetry.span("status.render", { format }, async (span) => {
    const report = await statusReport({
      ...app,
      clientRecords: app.notes.clientRecords(),
      datasets: Object.keys(DATASETS),
      service: await serviceState(app.paths.home, env),
      catchUp: () => caughtUp(app),
      compareRecords: () => recordsInBrief(app),
    });
    span.set({
      overall: report.overall,
      daemon_state: report.daemon.state,
      source_count: report.sources.length,
      sink_count: report.sinks.length,
      client_count: report.clients.length,
      dataset_count: report.datasets.length,
      active_plugin_count: report.active_plugins.length,
      cache_size_bytes: report.cache.size_bytes,
      diagnostics_count: report.diagnostics.length,
    });
    return report;
  });
}

/** A store that cannot be read is the history's finding, not a recorder that is late. */
async function caughtUp(app: App): Promise<boolean> {
  try {
    return await catchUp(app.paths, "auto", recordingOf(app));
  } catch (error) {
    if (error instanceof HypError) return true;
    throw error;
  }
}

const LATEST_MS = 86_400_000;
const LATEST = { files: 10, bytes: 8 * 1024 * 1024 };

async function recordsInBrief(app: App): Promise<readonly RecordStatus[]> {
  const followed = clientRecordsOf(app, undefined).filter(({ isFollowed }) => isFollowed !== false);
  const latest = { since: Date.now() - LATEST_MS, ...LATEST };
  const { records } = await compareRecords(app, followed, { latest });
  return records.flatMap(({ client, sessions }) =>
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
