import type { Command } from "commander";
import { visible } from "../../query/formats/cell-text.ts";
import { type CliContext, withApp } from "../context.ts";

export function registerPluginDoctor(plugin: Command, context: CliContext): void {
  plugin
    .command("doctor")
    .description(
      "what keeps plugins from running, each with the command that mends it; exit 1 when there is any",
    )
    .option("--json", "machine-readable")
    .addHelpText("after", "\nExamples:\n  hyp plugin doctor\n  hyp plugin doctor --json\n")
    .action((options: { json?: boolean }) =>
      withApp(context, "plugin doctor", {}, async (app) => {
        const { pluginProblems } = await import("../../plugins/doctor.ts");
        const { paths, loaded, bundled, kernel } = app;
        const problems = await pluginProblems({ paths, config: loaded.config, shipped: bundled, kernel });
        if (problems.length > 0) context.exitCode = 1;
        if (options.json === true) {
          context.stdout.write(`${JSON.stringify({ problems }, null, 2)}\n`);
          return;
        }
        if (problems.length === 0) context.stdout.write("nothing keeps a plugin from running\n");
        for (const { plugin: name, kind, message, repair } of problems)
          context.stdout.write(
            `[${kind}] ${name === "" ? "" : `${name}: `}${visible(message)}\n${repair.map((command) => `    ${command}\n`).join("")}`,
          );
      }),
    );
}
