import type { Command } from "commander";
import { compact } from "../daemon/store-owner.ts";
import { openCatalog } from "../store/catalog.ts";
import { storeStatus } from "../store/status.ts";
import { LIMITS } from "../contract/limits.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import { inUnits } from "./bytes.ts";
import { type CliContext, withApp } from "./context.ts";
import { recordingOf } from "./recording-of.ts";
import { refreshed } from "./query/refreshed.ts";

export function registerStore(program: Command, context: CliContext): void {
  const store = program
    .command("store")
    .description("the files of the history")
    .addHelpText("after", "\nExamples:\n  hyp store status\n  hyp store verify\n  hyp store compact\n");

  store
    .command("status")
    .description("hot and sealed rows, segments, bytes")
    .option("--json", "machine-readable")
    .addHelpText("after", "\nExamples:\n  hyp store status\n  hyp store status --json\n")
    .action((options: { json?: boolean }) =>
      withApp(context, "store status", {}, async (app) => {
        await refreshed(app, context, "auto");
        const catalog = openCatalog(app.paths.catalog, { readOnly: true });
        try {
          const status = storeStatus(catalog);
          if (options.json === true) {
            context.stdout.write(`${JSON.stringify(status, null, 2)}\n`);
            return;
          }
          for (const each of status.datasets)
            context.stdout.write(
              `${each.dataset.padEnd(22)} ${each.hotRows} hot (${each.settledRows} settled), ${each.sealedRows} sealed in ${each.segments} segments (${inUnits(each.segmentBytes)})\n`,
            );
          context.stdout.write(`catalog                ${inUnits(status.catalogBytes)}\n`);
          context.stdout.write(`last sealed            ${status.lastSealedAt ?? "never"}\n`);
        } finally {
          catalog.close();
        }
      }),
    );

  store
    .command("verify")
    .description("read every sealed segment and compare it with the catalog; exit 1 when something is wrong")
    .addHelpText("after", "\nExits with 1 when there is a problem.\n\nExamples:\n  hyp store verify\n")
    .action(() =>
      withApp(context, "store verify", {}, async ({ paths }) => {
        ensurePrivateFolder(paths.tmp);
        const { verifyStore } = await import("../store/verify.ts");
        const { segments, rows, problems } = await verifyStore({
          catalogPath: paths.catalog,
          segmentsDir: paths.segments,
          tmpDir: paths.tmp,
          memoryMB: LIMITS.sealMemoryMB,
        });
        for (const { kind, subject, message } of problems)
          context.stderr.write(`[${kind}] ${subject}: ${message}\n`);
        context.stdout.write(`${segments} segments with ${rows} rows, ${problems.length} problems\n`);
        // An orphan costs disk, and the recorder removes it.
        if (problems.some(({ kind }) => kind !== "orphan")) context.exitCode = 1;
      }),
    );

  store
    .command("compact")
    .description("seal all rows, merge all segments, compress all finished journals now")
    .addHelpText("after", "\nExamples:\n  hyp store compact\n")
    .action(() =>
      withApp(context, "store compact", {}, async (app) => {
        const { store: sealed, journal } = await compact(app.paths, recordingOf(app));
        context.stdout.write(
          `sealed ${sealed.sealedRows} rows into ${sealed.newSegments} segments, merged ${sealed.mergedSegments}; compressed ${journal.compressed} journal segments, removed ${journal.removed}; journals take ${inUnits(journal.bytes)}\n`,
        );
      }),
    );
}
