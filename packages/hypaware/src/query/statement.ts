import { StatementType } from "@duckdb/node-api";
import type { DuckDBConnection, DuckDBPreparedStatement } from "@duckdb/node-api";
import { HypError } from "../contract/errors.ts";

// What a person may run: one SELECT. The engine's own parser decides, never ours: its syntax tree says what each statement
// is and which table functions it calls. Locked settings are not enough, because some of the engine's table functions
// change its state from inside a SELECT (`FROM enable_profiling()`), or run SQL that is hidden in a string (`query('…')`),
// so those that may be called are listed.

const TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  "range",
  "generate_series",
  "unnest",
  "repeat",
  "json_each",
  "json_tree",
  "histogram",
  "histogram_values",
  "pragma_table_info",
  "pg_timezone_names",
  "duckdb_columns",
  "duckdb_functions",
  "duckdb_tables",
  "duckdb_types",
  "duckdb_views",
]);

/** The engine opens what is named like a file and no table, and a segment it could open. No table of ours is named so. */
const FILE_NAME = /[./\\]/;

const EXPLAIN = /^(?:\s|--[^\n]*(?:\n|$)|\/\*(?:[^*/]|\*(?!\/)|\/(?!\*))*\*\/|;)*explain\b(?!\s*\()/i;

type SyntaxTree =
  | { readonly error: true; readonly error_type: string; readonly error_message: string }
  | { readonly error: false; readonly statements: readonly unknown[] };

/** The one statement of `sql`, ready to run. Throws HypError `query_not_select`, or the engine's error for bad SQL. */
export async function prepareSelect(
  connection: DuckDBConnection,
  sql: string,
): Promise<DuckDBPreparedStatement> {
  const explained = EXPLAIN.exec(sql);
  const select = explained === null ? sql : sql.slice(explained[0].length);
  await requireSelect(connection, select, explained === null ? "Statement" : "Statement after EXPLAIN");
  // What was checked is what runs: EXPLAIN is put before the checked text again.
  const statements = await connection.extractStatements(explained === null ? sql : `EXPLAIN ${select}`);
  if (statements.count !== 1) throw notOne(statements.count);
  const prepared = await statements.prepare(0);
  const wanted = explained === null ? StatementType.SELECT : StatementType.EXPLAIN;
  if (prepared.statementType !== wanted)
    throw new HypError("query_not_select", `This is ${StatementType[prepared.statementType]}, not SELECT.`);
  return prepared;
}

async function requireSelect(connection: DuckDBConnection, sql: string, what: string): Promise<void> {
  const reader = await connection.runAndReadAll("SELECT json_serialize_sql($1::VARCHAR)", [sql]);
  const tree = JSON.parse(reader.value(0, 0) as string) as SyntaxTree;
  if (tree.error) {
    // Bad SQL: let the engine say where, with its own picture of the line.
    if (tree.error_type === "parser") await connection.extractStatements(sql);
    throw new HypError("query_not_select", `${what} is not a SELECT.`);
  }
  if (tree.statements.length !== 1) throw notOne(tree.statements.length);
  const file = namedTables(tree.statements).find((name) => FILE_NAME.test(name));
  if (file !== undefined)
    throw new HypError("query_not_select", `A query may not read "${file}": it reads recorded history only.`);
  const forbidden = calledTableFunctions(tree.statements).find((name) => !TABLE_FUNCTIONS.has(name));
  if (forbidden !== undefined)
    throw new HypError(
      "query_not_select",
      `A query may not call ${forbidden}(): it reads recorded history only.`,
    );
}

function calledTableFunctions(node: unknown): string[] {
  if (typeof node !== "object" || node === null) return [];
  const { type, function: called } = node as { type?: unknown; function?: { function_name?: unknown } };
  const own = type === "TABLE_FUNCTION" ? [String(called?.function_name).toLowerCase()] : [];
  return [...own, ...Object.values(node).flatMap(calledTableFunctions)];
}

function namedTables(node: unknown): string[] {
  if (typeof node !== "object" || node === null) return [];
  const { type, table_name: name } = node as { type?: unknown; table_name?: unknown };
  return [...(type === "BASE_TABLE" ? [String(name)] : []), ...Object.values(node).flatMap(namedTables)];
}

function notOne(count: number): HypError {
  return new HypError(
    "query_not_select",
    count === 0 ? "There is no statement." : `There are ${count} statements; one is run at a time.`,
  );
}
