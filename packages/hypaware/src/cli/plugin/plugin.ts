import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { registerPluginDoctor } from "./doctor.ts";
import { registerPluginInfo } from "./info.ts";
import { registerPluginInstall } from "./install.ts";
import { registerPluginList } from "./list.ts";
import { registerPluginNew } from "./new.ts";
import { registerPluginOutdated } from "./outdated.ts";
import { registerPluginRemove } from "./remove.ts";
import { registerPluginUpdate } from "./update.ts";

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
