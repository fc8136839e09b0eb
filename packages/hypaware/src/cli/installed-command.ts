import type { Command } from "commander";
import { join } from "node:path";
import { HypError } from "../contract/errors.ts";
import { enabledPlugins, loadConfig } from "../kernel/config.ts";
import { resolveHome } from "../kernel/home.ts";
import type { CliContext } from "./context.ts";

/**
 * Adds the commands of the installed plugins that the config enables. A name that the program has stays its own. Nothing of a plugin is
 * run for that, and all its files are checked before its command is.
 */
export async function addInstalledCommands(program: Command, context: CliContext): Promise<void> {
  const { paths } = resolveHome(context.env);
  const { config } = await loadConfig(paths);
  if (config.plugins === undefined) return;
  const { installedCommands } = await import("../plugins/installed-commands.ts");
  const taken = program.commands.flatMap((command) => [command.name(), ...command.aliases()]);
  for (const command of await installedCommands(paths, enabledPlugins(config, []))) {
    const { name, plugin } = command;
    if (taken.includes(name)) continue;
    program
      .command(name)
      .description(`(plugin ${plugin})`)
      .argument("[args...]")
      .helpOption(false)
      .allowUnknownOption()
      .passThroughOptions()
      .action(async (args: readonly string[]) => {
        const { stdout, stderr, env } = context;
        const stateDir = join(paths.plugins, plugin);
        const module = await command.load();
        context.hasInstalled = true;
        try {
          context.exitCode = await module.run({ args, env, stateDir, stdin: process.stdin, stdout, stderr });
        } catch (error) {
          const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
          throw new HypError(
            "plugin_command_failed",
            `Command "${name}" of plugin "${plugin}" failed: ${why}`,
            {
              next: `It is the plugin's to mend: hyp plugin update ${plugin}`,
              cause: error,
            },
          );
        }
      });
  }
}
