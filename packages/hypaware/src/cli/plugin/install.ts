import type { Command } from "commander";
import type { App } from "../../app.ts";
import { enabledPlugins } from "../../kernel/config.ts";
import type { Installed } from "../../plugins/install.ts";
import { visible } from "../../query/formats/cell-text.ts";
import { type CliContext, withApp } from "../context.ts";
import { changeConfig } from "../change-config.ts";
import { installWorld } from "./install-world.ts";

interface Options {
  readonly ref?: string;
  readonly path?: string;
  readonly yes?: boolean;
  readonly enable?: boolean;
}

export function registerPluginInstall(plugin: Command, context: CliContext): void {
  plugin
    .command("install")
    .argument("<source>", "a folder, a git URL, a .tgz file, or npm:<name>@<version>")
    .description(
      "install a plugin: copy it, pin it by its hash; nothing of it runs until the config names it",
    )
    .option("--ref <ref>", "tag, branch or commit of a git source")
    .option("--path <folder>", "the plugin's folder inside a git repository")
    .option("-y, --yes", "agree to what a plugin from elsewhere says it needs")
    .option("--enable", "name it in the config, too")
    .addHelpText(
      "after",
      `
Examples:
  hyp plugin install ./my-client --enable
  hyp plugin install github:owner/my-client --ref v1.2.0
  hyp plugin install https://git.example/tools.git --path plugins/my-client
  hyp plugin install npm:hypaware-plugin-my-client@1.2.0 --yes
`,
    )
    .action((source: string, options: Options) =>
      withApp(context, "plugin install", { withoutInstalled: true }, async (app) => {
        const [{ parseSource }, { installPlugin }] = await Promise.all([
          import("../../plugins/source.ts"),
          import("../../plugins/install.ts"),
        ]);
        const { HOME: home } = context.env;
        const parsed = parseSource(source, {
          ref: options.ref,
          path: options.path,
          cwd: process.cwd(),
          home,
        });
        const installed = await installPlugin(
          parsed,
          installWorld(app, context, { yes: options.yes === true }),
        );
        context.stdout.write(told(installed));
        if (options.enable === true) await enable(app, context, installed.entry.name);
        else if (!enabledPlugins(app.loaded.config, []).includes(installed.entry.name))
          context.stdout.write(toEnable(app, installed.entry.name));
        else context.stdout.write(RESTART);
      }),
    );
}

const RESTART = "A daemon that runs already takes it up after: hyp daemon restart\n";

/** What was done, in words. */
export function told({ entry, candidate: { manifest }, outcome }: Installed): string {
  const what = { installed: "installed", replaced: "updated to", unchanged: "unchanged:" }[outcome];
  const from = visible(
    entry.resolved_ref === undefined ? entry.source.raw : `${entry.source.raw} (${entry.resolved_ref})`,
  );
  const permissions = visible(manifest.permissions?.join(", ") || "none");
  return `${what} ${entry.name} ${entry.version} from ${from}\n  permissions  ${permissions}\n  content      ${entry.content_hash}\n`;
}

function toEnable({ loaded, paths }: App, name: string): string {
  const caution =
    loaded.config.plugins === undefined ? ", beside all that shall run: a list runs what it names" : "";
  return `It does not run yet. Run: hyp config enable ${name}
or add to "plugins" in ${paths.config}${caution}:
  { "name": ${JSON.stringify(name)} }
`;
}

async function enable(app: App, context: CliContext, plugin: string): Promise<void> {
  const isNew = await changeConfig(app, context.env, { kind: "enable", plugin });
  context.stdout.write(`${isNew ? "enabled" : "enabled already"} in ${app.paths.config}\n${RESTART}`);
}
