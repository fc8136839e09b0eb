import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  DuckDBTableFunction,
  DuckDBTimestampValue,
  DuckDBVarCharType,
  INTEGER,
  TIMESTAMP,
  VARCHAR,
} from "@duckdb/node-api";
import type { DuckDBConnection, DuckDBType, DuckDBValue } from "@duckdb/node-api";
import type { ColumnType } from "../contract/dataset.ts";
import { LIMITS } from "../contract/limits.ts";

// The engine reads hot rows through table functions: it asks for the columns that the statement uses, and only those are
// read from SQLite, chunk by chunk, in the snapshot's one transaction. Against loading whole rows into a table first, a
// query of two columns over 100,000 rows takes a tenth of the time and of the memory.

/** Rows in one chunk of the engine. */
const CHUNK_ROWS = 2048;

export const ENGINE_TYPES: Record<ColumnType, DuckDBType> = {
  STRING: VARCHAR,
  INT32: INTEGER,
  INT64: BIGINT,
  DOUBLE,
  BOOLEAN,
  TIMESTAMP,
  JSON: DuckDBVarCharType.create("JSON"), // JSON in the engine is text of that name; the store keeps only valid JSON
};

type Cell = null | number | string;

/** A table that the engine can read. Values as the store keeps them. */
export interface Source {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
  readonly rowCount: number;
  /** Rows with the values of the columns with these indexes, in this order. */
  scan(columns: readonly number[]): Iterator<readonly Cell[]>;
}

interface Scan {
  readonly types: readonly ColumnType[];
  readonly rows: Iterator<readonly Cell[]>;
}

/**
 * Makes the table function `<name>()`. An error while reading ends the query with the engine's wrapping of it; `onError`
 * gets the error itself.
 */
export function registerSource(
  connection: DuckDBConnection,
  source: Source,
  onError: (error: unknown) => void,
): void {
  connection.registerTableFunction(
    DuckDBTableFunction.create({
      name: source.name,
      supportsProjectionPushdown: true,
      bindFunction(bind) {
        for (const { name, type } of source.columns) bind.addResultColumn(name, ENGINE_TYPES[type]);
        bind.setCardinality(source.rowCount, true);
      },
      initFunction(init) {
        const indexes = init.getColumnIndexes();
        const types = indexes.map((index) => source.columns[index]!.type);
        init.setInitData({ types, rows: source.scan(indexes) } satisfies Scan);
        init.setMaxThreads(1);
      },
      mainFunction(info, chunk) {
        try {
          const values = nextChunk(info.getInitData() as Scan);
          chunk.rowCount = values[0]?.length ?? 0;
          values.forEach((column, index) => chunk.setColumnValues(index, column));
        } catch (error) {
          onError(error);
          throw error;
        }
      },
    }),
  );
}

/** Column by column; empty columns at the end. */
function nextChunk({ types, rows }: Scan): DuckDBValue[][] {
  const values: DuckDBValue[][] = types.map(() => []);
  let bytes = 0;
  for (let row = 0; row < CHUNK_ROWS && bytes < LIMITS.queryChunkBytes; row += 1) {
    const next = rows.next();
    if (next.done === true) break;
    types.forEach((type, index) => {
      const stored = next.value[index]!;
      if (typeof stored === "string") bytes += stored.length;
      values[index]!.push(stored === null ? null : engineValue(type, stored));
    });
  }
  return values;
}

function engineValue(type: ColumnType, stored: number | string): DuckDBValue {
  switch (type) {
    case "TIMESTAMP":
      return new DuckDBTimestampValue(BigInt(stored) * 1000n);
    case "INT64":
      return BigInt(stored);
    case "BOOLEAN":
      return stored !== 0;
    default:
      return stored;
  }
}
