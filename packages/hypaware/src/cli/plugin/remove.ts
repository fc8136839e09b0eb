import type { Command } from "commander";
import { HypError } from "../../contract/errors.ts";
import { type CliContext, withApp } from "../context.ts";
import { changeConfig } from "../change-config.ts";

export function registerPluginRemove(plugin: Command, context: CliContext): void {
  plugin
    .command("remove")
    .argument("<name>", "as hyp plugin list shows it")
    .description("remove an installed plugin and its entry in the config; what it wrote stays")
    .addHelpText("after", "\nExamples:\n  hyp plugin remove my-client\n")
    .action((name: string) =>
      withApp(context, "plugin remove", { withoutInstalled: true }, async (app) => {
        const { removePlugin } = await import("../../plugins/remove.ts");
        const ships = app.shipped.includes(name);
        const entry = app.loaded.config.plugins?.find((each) => each.name === name);
        try {
          const { version } = await removePlugin(name, app.paths, app);
          context.stdout.write(`removed ${name} ${version}\n`);
        } catch (error) {
          // A config that names what is not there keeps the daemon from starting: that can be mended all the same.
          const isGone = error instanceof HypError && error.code === "plugin_not_installed";
          if (!isGone || entry === undefined || ships) throw error;
        }
        // The entry of one that ships is not ours to take, whatever was installed under its name.
        if (entry === undefined || ships) return;
        await changeConfig(app, context.env, { kind: "remove", plugin: name });
        context.stdout.write(`taken out of ${app.paths.config}: ${JSON.stringify(entry)}\n`);
      }),
    );
}
