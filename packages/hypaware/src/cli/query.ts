import { type Command, Option } from "commander";
import type { App } from "../app.ts";
import { REFRESH, type Refresh, catchUp } from "../daemon/catch-up.ts";
import { openCatalog } from "../store/catalog.ts";
import { type CliContext, withApp } from "./context.ts";

const FORMATS = ["table", "json", "jsonl"] as const;
const DEFAULT_WIDTH = 120;

export function registerQuery(program: Command, context: CliContext): void {
  const query = program
    .command("query")
    .description("SQL over the recorded history")
    .addHelpText(
      "after",
      '\nExamples:\n  hyp query sql "from sessions"\n  hyp query schema\n  hyp query status\n',
    );

  query
    .command("sql")
    .argument("<sql...>", "one SELECT statement (DuckDB's dialect)")
    .addOption(new Option("--format <format>", "how to print the result").choices(FORMATS).default("table"))
    .addOption(
      new Option("--refresh <mode>", "wait for what is being recorded: never, up to 5 s, until done")
        .choices(REFRESH)
        .default("auto"),
    )
    .description("run one SELECT; works with or without a running gateway")
    .addHelpText(
      "after",
      `
Examples:
  hyp query sql "select role, content_text from ai_gateway_messages order by message_created_at desc limit 20"
  hyp query sql "select model, sum(output_tokens) from ai_gateway_exchanges group by all" --format json
  hyp query sql "from sessions" --format jsonl --refresh always
`,
    )
    .action((words: string[], options: { format: (typeof FORMATS)[number]; refresh: Refresh }) =>
      withApp(context, "query sql", {}, async (app) => {
        await refreshed(app, context, options.refresh);
        const { runQuery } = await import("../query/run.ts");
        const { renderResult } = await import("../query/formats/render.ts");
        const result = await runQuery({
          catalogPath: app.paths.catalog,
          tmpDir: app.paths.tmp,
          sql: words.join(" "),
        });
        const width = context.stdout.isTTY ? context.stdout.columns : DEFAULT_WIDTH;
        for (const piece of renderResult(result, options.format, { width })) context.stdout.write(piece);
      }),
    );

  query
    .command("schema")
    .argument("[table]", "one table or view")
    .description("tables and their columns")
    .addHelpText("after", "\nExamples:\n  hyp query schema\n  hyp query schema ai_gateway_messages\n")
    .action((table: string | undefined) =>
      withApp(context, "query schema", {}, async () => {
        const { describeDataset, describeDatasets } = await import("../query/describe.ts");
        if (table === undefined)
          for (const { name, description } of describeDatasets())
            context.stdout.write(`${name.padEnd(22)} ${description}\n`);
        else
          for (const { name, type, nullable } of describeDataset(table).columns)
            context.stdout.write(`${name.padEnd(28)} ${type}${nullable ? "" : " not null"}\n`);
      }),
    );

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
          context.stdout.write(
            [
              `store:       ${app.paths.store}`,
              `exchanges:   ${counts.exchanges}`,
              `rows:        ${counts.rows}`,
              `unprojected: ${counts.unprojected}`,
              `quarantined: ${counts.quarantined}`,
              `bytes:       ${counts.storeBytes}`,
              "",
            ].join("\n"),
          );
        } finally {
          catalog.close();
        }
      }),
    );
}

/** Lets the store catch up with the journals; says so on stderr when it could not in time. */
export async function refreshed(app: App, context: CliContext, refresh: Refresh): Promise<void> {
  const { log, telemetry } = app;
  const projectors = app.registry.projectors();
  const isCurrent = await catchUp(app.paths, refresh, { projectors, log, telemetry });
  if (!isCurrent)
    context.stderr.write(
      "hyp: the recorder is behind; the newest exchanges are missing (--refresh always waits)\n",
    );
}
