import { Argument, type Command } from "commander";
import { DATASETS } from "../../contract/dataset.ts";
import { HypError } from "../../contract/errors.ts";
import { catchUp } from "../../daemon/catch-up.ts";
import { didYouMean } from "../../kernel/suggest.ts";
import { openCatalog } from "../../store/catalog.ts";
import { type CliContext, withApp } from "../context.ts";
import { progressOn } from "../progress.ts";
import { recordingOf } from "../recording-of.ts";

export function registerQueryRefresh(query: Command, context: CliContext): void {
  query
    .command("refresh")
    .addArgument(new Argument("[dataset]", "one table; all are refreshed together"))
    .description("wait until everything that was carried and written down is in the tables")
    .addHelpText("after", "\nExamples:\n  hyp query refresh\n")
    .action((dataset: string | undefined) =>
      withApp(context, "query refresh", {}, async (app) => {
        const names = Object.keys(DATASETS);
        if (dataset !== undefined && !names.includes(dataset))
          throw new HypError(
            "unknown_dataset",
            `There is no table "${dataset}".${didYouMean(dataset, names)}`,
          );
        const rows = (): number => {
          const catalog = openCatalog(app.paths.catalog, { readOnly: true });
          try {
            return catalog.rowCount("ai_gateway_messages") + catalog.rowCount("ai_gateway_exchanges");
          } finally {
            catalog.close();
          }
        };
        const before = rows();
        const progress = progressOn(context.stderr);
        const ticking = setInterval(() => progress.show("refreshing: rows", rows()), 500);
        try {
          await catchUp(app.paths, "always", recordingOf(app));
        } finally {
          clearInterval(ticking);
          progress.end();
        }
        const count = dataset === undefined ? names.length : 1;
        context.stdout.write(`refreshed ${count} dataset(s), wrote ${rows() - before} row(s)\n`);
      }),
    );
}
