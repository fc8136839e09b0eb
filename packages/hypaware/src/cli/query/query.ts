import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { registerQuerySchema } from "./schema.ts";
import { registerQuerySql } from "./sql.ts";
import { registerQueryRefresh } from "./refresh.ts";
import { registerQueryStatus } from "./status.ts";

export function registerQuery(program: Command, context: CliContext): void {
  const query = program
    .command("query")
    .description("SQL over the recorded history")
    .addHelpText(
      "after",
      '\nExamples:\n  hyp query sql "from sessions"\n  hyp query schema\n  hyp query status\n',
    );
  registerQuerySql(query, context);
  registerQuerySchema(query, context);
  registerQueryStatus(query, context);
  registerQueryRefresh(query, context);
}
