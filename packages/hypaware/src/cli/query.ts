import type { Command } from "commander";
import type { CliContext } from "./context.ts";
import { registerQuerySchema } from "./query-schema.ts";
import { registerQuerySql } from "./query-sql.ts";
import { registerQueryRefresh } from "./query-refresh.ts";
import { registerQueryStatus } from "./query-status.ts";

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
