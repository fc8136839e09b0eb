import type { Command } from "commander";
import { HypError } from "../../contract/errors.ts";
import { type CliContext, warningsOnStderr, withApp } from "../context.ts";
import { registerDaemonControl } from "./control.ts";
import { registerDaemonService } from "./service.ts";
import { registerDaemonStatus } from "./status.ts";

export function registerDaemon(program: Command, context: CliContext): void {
  const daemon = program
    .command("daemon")
    .description("the gateway that goes on when this terminal is closed")
    .addHelpText(
      "after",
      "\nExamples:\n  hyp daemon install\n  hyp daemon restart\n  hyp daemon run --foreground\n",
    );
  registerDaemonService(daemon, context);
  registerDaemonControl(daemon, context);
  registerDaemonStatus(daemon, context);
  daemon
    .command("run")
    .description(
      "run gateway and recorder as a service manager would start them; SIGHUP reads the config again",
    )
    .option("-f, --foreground", "stay in the foreground (required: there is no other mode)")
    .option("--config <file>", "config file (default: <HYP_HOME>/hypaware-config.json)")
    .addOption(daemon.createOption("--detached").hideHelp())
    .addHelpText(
      "after",
      `
Examples:
  hyp daemon run --foreground
  hyp daemon run --foreground --config /etc/hypaware.json
`,
    )
    .action(async (options: { foreground?: boolean; config?: string; detached?: boolean }) => {
      if (options.foreground !== true)
        throw new HypError(
          "usage",
          "hyp daemon run needs --foreground: it does not detach by itself, hyp daemon start does.",
        );
      const mode = options.detached === true ? "detached" : "foreground";
      await withApp(
        context,
        "daemon run",
        { mode: "gateway", configFile: options.config, logSinks: warningsOnStderr(context) },
        (app) =>
          app.telemetry.span("daemon.run", {}, async () => {
            const { runDaemon } = await import("./run-daemon.ts");
            await runDaemon(context, app, { greet: false, configFile: options.config, mode });
          }),
      );
    });
}
