import type { Command } from "commander";
import { reproject } from "../daemon/store-owner.ts";
import { type CliContext, withApp } from "./context.ts";
import { recordingOf } from "./recording-of.ts";

const PROGRESS_EVERY = 100;

export function registerReproject(program: Command, context: CliContext): void {
  program
    .command("reproject")
    .description("build all rows again from the journal, e.g. after adding a plugin")
    .addHelpText("after", "\nExamples:\n  hyp reproject\n")
    .action(() =>
      withApp(context, "reproject", {}, async (app) => {
        const isTty = context.stderr.isTTY;
        const { before, after } = await reproject(app.paths, recordingOf(app), (exchanges) => {
          if (isTty && exchanges % PROGRESS_EVERY === 0) context.stderr.write(`\r${exchanges} exchanges …`);
        });
        if (isTty) context.stderr.write("\r\u001b[K");
        context.stdout.write(
          `reprojected ${after.exchanges} exchanges into ${after.rows} rows (before: ${before.exchanges} and ${before.rows})\n`,
        );
      }),
    );
}
