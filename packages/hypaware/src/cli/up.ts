import type { Command } from "commander";
import { type CliContext, warningsOnStderr, withApp } from "./context.ts";

export function registerUp(program: Command, context: CliContext): void {
  program
    .command("up")
    .description("run the gateway and its recorder in this terminal, until Ctrl-C")
    .option("--config <file>", "config file (default: <HYP_HOME>/hypaware-config.json)")
    .addHelpText(
      "after",
      `
Examples:
  hyp up                           listen on the configured address (default 127.0.0.1:18521)
  HYP_HOME=/tmp/try hyp up         keep everything in another folder
`,
    )
    .action(async (options: { config?: string }) => {
      await withApp(
        context,
        "up",
        { mode: "gateway", configFile: options.config, logSinks: warningsOnStderr(context) },
        async (app) => {
          const { runDaemon } = await import("./daemon/run-daemon.ts");
          await runDaemon(context, app, { greet: true, configFile: options.config, mode: "foreground" });
        },
      );
    });
}
