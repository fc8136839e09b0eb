import { existsSync } from "node:fs";
import type { App, AppOptions } from "../app.ts";
import { HypError } from "../contract/errors.ts";
import { type LogSink, consoleSink } from "../kernel/log.ts";

/** What a command has to do with the world. */
export interface CliContext {
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** The code the process will exit with; a command sets it when it did not throw and yet did not succeed. */
  exitCode: number;
  /** Plugins are installed, so that code of theirs may have run in this process. */
  hasInstalled?: boolean;
}

/** Opens the app for one command, inside its telemetry span, and closes it. */
export async function withApp(
  context: CliContext,
  command: string,
  options: Omit<AppOptions, "env" | "mode"> & { readonly mode?: AppOptions["mode"] },
  run: (app: App) => Promise<void>,
): Promise<void> {
  const { openApp } = await import("../app.ts");
  const app = await openApp({ env: context.env, mode: "cli", ...options });
  context.hasInstalled = existsSync(app.paths.pluginLock);
  const started = performance.now();
  let failure: unknown;
  try {
    await app.telemetry.span("command.run", { command_name: command, hyp_command: command }, async (span) => {
      try {
        await run(app);
      } catch (error) {
        failure = error;
        context.exitCode = error instanceof HypError ? error.exitCode : 1;
        if (error instanceof HypError) span.set({ error_kind: error.code });
      }
      span.set({ exit_code: context.exitCode, status: context.exitCode === 0 ? "ok" : "failed" });
    });
    app.telemetry.add("hyp_command_runs_total", 1, { command, exit_code: context.exitCode });
    app.telemetry.gauge("hyp_command_duration_ms", performance.now() - started, { command });
  } finally {
    await app.close();
  }
  if (failure !== undefined) throw failure;
}

/** Warnings and errors of a long-running command, for the person who started it. */
export const warningsOnStderr = (context: CliContext): readonly LogSink[] => [
  consoleSink("warn", context.stderr),
];
