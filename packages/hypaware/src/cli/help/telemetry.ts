import { resolveHome } from "../../kernel/home.ts";
import { createLogger } from "../../kernel/log.ts";
import { openTelemetry } from "../../kernel/telemetry.ts";
import type { CliContext } from "../context.ts";

/** Help is a command, too, though it opens no app: its run, for telemetry that is on. */
export async function tellHelp({ env }: CliContext, commandCount: number): Promise<void> {
  const started = performance.now();
  const telemetry = openTelemetry(resolveHome(env).paths.devTelemetry, env);
  const log = createLogger(telemetry.logSink === undefined ? [] : [telemetry.logSink]);
  const attributes = { command_name: "help", hyp_command: "help", exit_code: 0, status: "ok" };
  telemetry.span("command.run", attributes, () =>
    log.info("cli.help_rendered", { command_count: commandCount }),
  );
  telemetry.add("hyp_command_runs_total", 1, { command: "help", exit_code: 0 });
  telemetry.gauge("hyp_command_duration_ms", performance.now() - started, { command: "help" });
  await telemetry.close();
}
