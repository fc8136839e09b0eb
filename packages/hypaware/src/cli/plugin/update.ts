import type { Command } from "commander";
import { type CliContext, withApp } from "../context.ts";
import { installWorld } from "./install-world.ts";
import { told } from "./install.ts";
import { showOutdated } from "./outdated.ts";

export function registerPluginUpdate(plugin: Command, context: CliContext): void {
  plugin
    .command("update")
    .argument("[name]", "without one only looks what is newer")
    .description("install a plugin again from where it came from, newest or as it was")
    .option("-y, --yes", "agree to what a plugin from elsewhere says it needs")
    .addHelpText("after", "\nExamples:\n  hyp plugin update\n  hyp plugin update my-client --yes\n")
    .action((name: string | undefined, options: { yes?: boolean }) =>
      withApp(context, "plugin update", { withoutInstalled: true }, async (app) => {
        if (name === undefined) return showOutdated(app, context, { force: true, json: false });
        const { updatePlugin } = await import("../../plugins/update.ts");
        const updated = await updatePlugin(name, installWorld(app, context, { yes: options.yes === true }));
        context.stdout.write(told(updated));
        if (updated.outcome === "replaced")
          context.stdout.write("A daemon that runs already takes it up after: hyp daemon restart\n");
      }),
    );
}
