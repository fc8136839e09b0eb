import type { Command } from "commander";
import { HypError } from "../contract/errors.ts";
import { type CliContext, warningsOnStderr, withApp } from "./context.ts";
import { runDaemon } from "./run-daemon.ts";

export function registerDaemon(program: Command, context: CliContext): void {
  const daemon = program
    .command("daemon")
    .description("the long-running gateway")
    .addHelpText("after", "\nExamples:\n  hyp daemon run --foreground\n");
  daemon
    .command("run")
    .description("run gateway and recorder as a service manager would start them")
    .option("-f, --foreground", "stay in the foreground (required: there is no other mode)")
    .option("--config <file>", "config file (default: <HYP_HOME>/hypaware-config.json)")
    .addHelpText(
      "after",
      `
Examples:
  hyp daemon run --foreground
  hyp daemon run --foreground --config /etc/hypaware.json
`,
    )
    .action(async (options: { foreground?: boolean; config?: string }) => {
      if (options.foreground !== true)
        throw new HypError("usage", "hyp daemon run needs --foreground: it does not detach by itself.");
      await withApp(
        context,
        "daemon run",
        { mode: "gateway", configFile: options.config, logSinks: warningsOnStderr(context) },
        (app) =>
          app.telemetry.span("daemon.run", {}, () =>
            runDaemon(context, app, { greet: false, configFile: options.config }),
          ),
      );
    });
}
