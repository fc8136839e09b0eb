import { StatementType } from "@duckdb/node-api";
import type { DuckDBConnection, DuckDBPreparedStatement, DuckDBResultReader } from "@duckdb/node-api";
import type { Cell, QueryResult } from "./cell.ts";
import { CellReader } from "./convert.ts";

// The result is first made whole inside the engine, as a temporary table, and then read in slices. So a query that fails in
// its last row gives nothing, and a result larger than the memory limit goes to the scratch folder: a result that is read
// directly is outside that limit. Never the stream* functions of the engine's binding: an error in mid-query ends their
// result early, as if it were whole.

const TABLE = "hyp_result";
const SLICE_ROWS = 2048;

/** Runs `statement`, which was checked and prepared from `sql`. */
export async function readWhole(
  connection: DuckDBConnection,
  sql: string,
  statement: DuckDBPreparedStatement,
): Promise<QueryResult> {
  if (statement.statementType === StatementType.EXPLAIN) return plan(await statement.runAndReadAll());
  const names = Array.from({ length: statement.columnCount }, (_, i) => statement.columnName(i));
  const cells = new CellReader();
  const store = await storingStatement(connection, sql);
  if (store === undefined) {
    const reader = await statement.runAndReadAll();
    return { columns: columnsOf(names, reader), rows: cells.rows(reader) };
  }
  try {
    await store.run();
  } catch (error) {
    throw new Error(lineUp((error as Error).message), { cause: error });
  }
  const counted = await connection.runAndReadAll(`SELECT count(*) FROM temp.${TABLE}`);
  cells.expect(Number(counted.value(0, 0)), names.length);
  const rows: Cell[][] = [];
  for (;;) {
    const reader = await connection.runAndReadAll(
      `SELECT * FROM temp.${TABLE} WHERE rowid >= ${rows.length} AND rowid < ${rows.length + SLICE_ROWS}`,
    );
    for (const row of cells.rows(reader)) rows.push(row);
    if (reader.currentRowCount < SLICE_ROWS) return { columns: columnsOf(names, reader), rows };
  }
}

/** The plan's drawing, a row per line. */
function plan(reader: DuckDBResultReader): QueryResult {
  const lines = reader.getRows().flatMap(([, drawing]) => String(drawing).trimEnd().split("\n"));
  return { columns: [{ name: "plan", type: "VARCHAR" }], rows: lines.map((line) => [line]) };
}

/** `undefined`: a form that cannot be stored (DESCRIBE, SUMMARIZE, SHOW). Its result is small. */
async function storingStatement(
  connection: DuckDBConnection,
  sql: string,
): Promise<DuckDBPreparedStatement | undefined> {
  const statements = await connection
    .extractStatements(`CREATE TEMP TABLE ${TABLE} AS\n${sql}`)
    .catch(() => undefined);
  if (statements?.count !== 1) return undefined;
  const statement = await statements.prepare(0);
  return statement.statementType === StatementType.CREATE ? statement : undefined;
}

/** The stored table has unique names; the query's own may repeat. */
function columnsOf(names: readonly string[], reader: DuckDBResultReader): QueryResult["columns"] {
  return reader.columnTypes().map((type, i) => ({ name: names[i]!, type: type.alias ?? String(type) }));
}

/** Our own line stands before the person's first. */
function lineUp(message: string): string {
  return message.replace(/^LINE (\d+):/gm, (_, line) => `LINE ${Number(line) - 1}:`);
}
