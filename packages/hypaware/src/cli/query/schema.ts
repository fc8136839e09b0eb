import type { Command } from "commander";
import { type CliContext, withApp } from "../context.ts";
import { writeFitted } from "../terminal.ts";

export function registerQuerySchema(query: Command, context: CliContext): void {
  query
    .command("schema")
    .argument("[table]", "one table or view")
    .description("tables and their columns")
    .addHelpText("after", "\nExamples:\n  hyp query schema\n  hyp query schema ai_gateway_messages\n")
    .action((table: string | undefined) =>
      withApp(context, "query schema", {}, async () => {
        const { describeDataset, describeDatasets } = await import("../../query/describe.ts");
        const lines =
          table === undefined
            ? describeDatasets().map(({ name, description }) => `${name.padEnd(22)} ${description}`)
            : describeDataset(table).columns.map(
                ({ name, type, nullable }) => `${name.padEnd(28)} ${type}${nullable ? "" : " not null"}`,
              );
        writeFitted(`${lines.join("\n")}\n`, context.stdout);
      }),
    );
}
