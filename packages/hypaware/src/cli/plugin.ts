import type { Command } from "commander";
import type { CliContext } from "./context.ts";
import { registerPluginDoctor } from "./plugin-doctor.ts";
import { registerPluginInfo } from "./plugin-info.ts";
import { registerPluginInstall } from "./plugin-install.ts";
import { registerPluginList } from "./plugin-list.ts";
import { registerPluginNew } from "./plugin-new.ts";
import { registerPluginOutdated } from "./plugin-outdated.ts";
import { registerPluginRemove } from "./plugin-remove.ts";
import { registerPluginUpdate } from "./plugin-update.ts";

export function registerPlugin(program: Command, context: CliContext): void {
  const plugin = program
    .command("plugin")
    .description("adapters of others: install, list, mend, write")
    .addHelpText(
      "after",
      "\nExamples:\n  hyp plugin list\n  hyp plugin install ./my-client --enable\n  hyp plugin new my-client\n",
    );
  for (const register of [
    registerPluginList,
    registerPluginInfo,
    registerPluginInstall,
    registerPluginRemove,
    registerPluginUpdate,
    registerPluginOutdated,
    registerPluginDoctor,
    registerPluginNew,
  ])
    register(plugin, context);
}
