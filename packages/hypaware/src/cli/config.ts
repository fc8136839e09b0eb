import type { Command } from "commander";
import { GATEWAY_PLUGIN } from "../app.ts";
import { type CliContext, withApp } from "./context.ts";

export function registerConfig(program: Command, context: CliContext): void {
  const config = program
    .command("config")
    .description("the config file")
    .addHelpText("after", "\nExamples:\n  hyp config validate\n");
  config
    .command("validate")
    .description("check the config file; prints every problem with its place")
    .option("--path <file>", "another file than <HYP_HOME>/hypaware-config.json")
    .addHelpText(
      "after",
      "\nExamples:\n  hyp config validate\n  hyp config validate --path ./hypaware.json\n",
    )
    .action((options: { path?: string }) =>
      withApp(context, "config validate", { configFile: options.path }, async (app) => {
        const errors = app.findings.filter((finding) => finding.severity === "error");
        const { config: values, path, exists } = app.loaded;
        for (const { severity, kind, pointer, message } of app.findings) {
          const stream = severity === "error" ? context.stderr : context.stdout;
          stream.write(`${severity === "error" ? "" : "note "}  [${kind}] ${pointer || "/"}: ${message}\n`);
        }
        if (errors.length > 0) {
          context.stderr.write(`config invalid: ${path} (${errors.length} problems)\n`);
          context.exitCode = 1;
        } else if (exists) {
          const sinks = Object.keys(values.sinks ?? {}).length;
          context.stdout.write(
            `config ok: ${path} (plugins=${values.plugins?.length ?? 0}, sinks=${sinks})\n`,
          );
        } else
          context.stdout.write(
            `no config file at ${path}: the default is used (all adapters, ${GATEWAY_PLUGIN} on its own address)\n`,
          );
      }),
    );
}
