import { type Command, Option } from "commander";
import { REFRESH, type Refresh } from "../../daemon/catch-up.ts";
import { FORMATS, type Format, renderResult } from "../../query/formats/render.ts";
import { withinBudget } from "../../query/formats/budget.ts";
import { type CliContext, withApp } from "../context.ts";
import { wholeNumber } from "../number-option.ts";
import { refreshed } from "./refreshed.ts";
import { tableWidth } from "../terminal.ts";

interface SqlOptions {
  readonly format: Format;
  readonly refresh: Refresh;
  readonly maxCell?: number;
  readonly maxBytes?: number;
}

export function registerQuerySql(query: Command, context: CliContext): void {
  query
    .command("sql")
    .argument("<sql...>", "one SELECT statement (DuckDB's dialect)")
    .addOption(new Option("--format <format>", "how to print the result").choices(FORMATS).default("table"))
    .addOption(
      new Option("--refresh <mode>", "wait for what is being recorded: never, up to 5 s, until done")
        .choices(REFRESH)
        .default("auto"),
    )
    .option("--max-cell <characters>", "cut longer cells (for callers with a small context)", wholeNumber)
    .option("--max-bytes <bytes>", "leave out the rows beyond so many bytes", wholeNumber)
    .description("run one SELECT; works with or without a running gateway")
    .addHelpText(
      "after",
      `
Examples:
  hyp query sql "select role, content_text from ai_gateway_messages order by message_created_at desc limit 20"
  hyp query sql "select model, sum(output_tokens) from ai_gateway_exchanges group by all" --format json
  hyp query sql "from sessions" --format jsonl --refresh always
  hyp query sql "from tool_calls" --format markdown --max-cell 200 --max-bytes 20000
`,
    )
    .action((words: string[], options: SqlOptions) =>
      withApp(context, "query sql", {}, async (app) => {
        await refreshed(app, context, options.refresh);
        const { runQuery } = await import("../../query/run.ts");
        const whole = await runQuery({
          catalogPath: app.paths.catalog,
          tmpDir: app.paths.tmp,
          sql: words.join(" "),
        });
        const { result, cutCells, omittedRows } = withinBudget(whole, options);
        const width = tableWidth(context.stdout);
        for (const piece of renderResult(result, options.format, { width })) context.stdout.write(piece);
        if (cutCells > 0) context.stderr.write(`hyp: ${cutCells} cells are cut (--max-cell)\n`);
        if (omittedRows > 0)
          context.stderr.write(
            `hyp: ${omittedRows} of ${whole.rows.length} rows are left out (--max-bytes)\n`,
          );
      }),
    );
}
