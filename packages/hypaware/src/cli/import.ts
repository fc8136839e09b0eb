import { Argument, type Command } from "commander";
import type { App } from "../app.ts";
import type { AnyClientRecord } from "../contract/record.ts";
import type { ImportProgress } from "../daemon/record-import.ts";
import { importRecords } from "../daemon/store-owner.ts";
import { withToldRoots } from "../notes/record-roots.ts";
import { readRecordFile, recordPaths } from "../notes/whole-record.ts";
import { openCatalog } from "../store/catalog.ts";
import { clientRecordsOf } from "./client-records.ts";
import { type CliContext, withApp } from "./context.ts";
import { type Progress, progressOn } from "./progress.ts";
import { recordingOf } from "./recording-of.ts";
import { sinceWhen } from "./since-option.ts";

const ALL = "all";

interface ImportOptions {
  readonly since?: number;
  readonly dryRun?: boolean;
}

export function registerImport(program: Command, context: CliContext): void {
  program
    .command("import")
    .addArgument(new Argument("[client]", "whose record; all of them without").default(ALL))
    .option("--since <time>", "only files and sessions that changed since: 7d, 2026-03-01", (text) =>
      sinceWhen(text),
    )
    .option("--dry-run", "say what is there and what would be new; change nothing")
    .description("read what clients wrote down of their sessions themselves into the history")
    .addHelpText(
      "after",
      `
Goes on where it was read before, so it can be ended and called again; what is known is not stored twice.
A recorder that runs reads the same by itself, as far as the config does not say otherwise.

Examples:
  hyp import
  hyp import <client> --since 30d --dry-run
`,
    )
    .action((client: string, options: ImportOptions) =>
      withApp(context, "import", {}, async (app) => {
        const progress = progressOn(context.stderr);
        const wanted = clientRecordsOf(app, client === ALL ? undefined : client);
        try {
          for (const record of wanted) {
            const found =
              options.dryRun === true
                ? await lookAt(app, record, options, progress)
                : await read(app, record, options, progress);
            progress.end();
            context.stdout.write(reportOf(record.client, found, options.dryRun === true));
          }
        } finally {
          progress.end();
        }
        if (wanted.length === 0) context.stdout.write("No client keeps a record that is read.\n");
      }),
    );
}

interface Found {
  readonly files: number;
  readonly messages: number;
  readonly newMessages: number;
}

async function read(
  app: App,
  { client }: AnyClientRecord,
  { since }: ImportOptions,
  progress: Progress,
): Promise<Found> {
  const wanted = { client, ...(since === undefined ? {} : { changed_since: since }) };
  const show = ({ files, files_read: read, new_messages: fresh }: ImportProgress): void =>
    progress.show(`importing ${client}: ${fresh} new messages, files`, read, files);
  const done = await importRecords(app.paths, recordingOf(app), wanted, show);
  return { files: done.files, messages: done.messages, newMessages: done.new_messages };
}

/** What an import would read, counted; nothing is stored. */
async function lookAt(
  app: App,
  record: AnyClientRecord,
  { since = 0 }: ImportOptions,
  progress: Progress,
): Promise<Found> {
  const catalog = openCatalog(app.paths.catalog, { readOnly: true });
  try {
    const everywhere = withToldRoots(record, catalog.recordRoots.all());
    const paths = (await recordPaths(everywhere)).filter(({ changedMs }) => changedMs >= since);
    const seen = new Set<string>();
    let newMessages = 0;
    for (const [index, path] of paths.entries()) {
      progress.show(`reading ${record.client}: files`, index, paths.length);
      for await (const { reading } of readRecordFile(record, path))
        for (const { message } of reading.entries ?? []) {
          if (seen.has(message.message_id)) continue;
          seen.add(message.message_id);
          if (catalog.records.home(message.message_id) === undefined) newMessages += 1;
        }
    }
    return { files: paths.length, messages: seen.size, newMessages };
  } finally {
    catalog.close();
  }
}

function reportOf(client: string, { files, messages, newMessages }: Found, isDryRun: boolean): string {
  const what = isDryRun ? "would be new" : "new";
  return `${client}: ${files} ${files === 1 ? "file" : "files"}, ${messages} messages read, ${newMessages} ${what}\n`;
}
