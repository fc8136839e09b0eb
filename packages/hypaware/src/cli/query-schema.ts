import type { Command } from "commander";
import { type CliContext, withApp } from "./context.ts";

export function registerQuerySchema(query: Command, context: CliContext): void {
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
}
