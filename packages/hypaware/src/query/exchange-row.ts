import type { ExchangeRow } from "../contract/dataset.ts";
import { JsonText } from "./cell.ts";
import type { Cell } from "./cell.ts";
import { runQuery } from "./run.ts";
import type { QueryOptions } from "./run.ts";

/** An exchange's row, hot or sealed; undefined when there is none. Rejects as `runQuery` does. */
export async function exchangeRow(
  options: Omit<QueryOptions, "sql">,
  exchangeId: string,
): Promise<ExchangeRow | undefined> {
  const { columns, rows } = await runQuery({
    ...options,
    sql: `SELECT * FROM ai_gateway_exchanges WHERE exchange_id = '${exchangeId.replaceAll("'", "''")}'`,
  });
  const [row] = rows;
  if (row === undefined) return undefined;
  return Object.fromEntries(columns.map(({ name }, i) => [name, valueOf(row[i]!)])) as unknown as ExchangeRow;
}

/** As projection made it. The store keeps no integer that a number does not hold. */
function valueOf(cell: Cell): unknown {
  if (cell instanceof JsonText) return cell.value;
  return typeof cell === "bigint" ? Number(cell) : cell;
}
