import type { Command } from "commander";
import { resolve } from "node:path";
import { type CliContext, withApp } from "../context.ts";
import { ownVersion } from "../own-version.ts";

export function registerPluginNew(plugin: Command, context: CliContext): void {
  plugin
    .command("new")
    .argument("<name>", 'like "my-client" or "@me/my-client"')
    .description("write a working adapter with a fixture and its tests, to be changed into yours")
    .option("--dir <folder>", "where to (default: ./<last part of the name>)")
    .addHelpText(
      "after",
      "\nExamples:\n  hyp plugin new my-client\n  hyp plugin new @me/my-client --dir ./adapter\n",
    )
    .action((name: string, options: { dir?: string }) =>
      withApp(context, "plugin new", { withoutInstalled: true }, async () => {
        const { newPlugin, shortName } = await import("../../plugins/new-plugin.ts");
        const folder = resolve(options.dir ?? shortName(name));
        const files = await newPlugin(name, folder, ownVersion());
        context.stdout.write(`${files.map((file) => `  ${file}\n`).join("")}
Next, in ${folder}:
  npm install && npm test
  hyp plugin install . --enable
README.md says how to make it yours.
`);
      }),
    );
}
