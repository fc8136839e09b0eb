import type { Command } from "commander";
import { openCatalog } from "../../store/catalog.ts";
import { type CliContext, withApp } from "../context.ts";
import { refreshed } from "./refreshed.ts";

export function registerQueryStatus(query: Command, context: CliContext): void {
  query
    .command("status")
    .description("what the store holds")
    .addHelpText("after", "\nExamples:\n  hyp query status\n")
    .action(() =>
      withApp(context, "query status", {}, async (app) => {
        await refreshed(app, context, "auto");
        const catalog = openCatalog(app.paths.catalog, { readOnly: true });
        try {
          const counts = catalog.counts();
          const lines = [
            ["store", app.paths.store],
            ["exchanges", counts.exchanges],
            ["rows", counts.rows],
            ["unprojected", counts.unprojected],
            ["quarantined", counts.quarantined],
            ["bytes", counts.storeBytes],
          ];
          for (const [name, value] of lines) context.stdout.write(`${`${name}:`.padEnd(13)}${value}\n`);
        } finally {
          catalog.close();
        }
      }),
    );
}
