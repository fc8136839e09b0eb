import { HypError } from "../contract/errors.ts";
import { didYouMean } from "../kernel/suggest.ts";
import { describeDatasets } from "./describe.ts";

const UNKNOWN_TABLE = /Table with name "?([^\s"]+)"? does not exist/;
const UNKNOWN_COLUMN = /column "([^"]+)" not found|does not have a column named "([^"]+)"/;
const OUT_OF_MEMORY = /^Out of Memory/;
/** The engine's own guess is among its system tables. */
const ENGINE_GUESS = /\nDid you mean "[^"]*"\?/;

/** The engine's message, with what to do next where we know better than the table of errors. */
export function queryFailed(error: unknown): HypError {
  if (error instanceof HypError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const tables = describeDatasets();

  const table = UNKNOWN_TABLE.exec(message)?.[1];
  if (table !== undefined) {
    const names = tables.map(({ name }) => name);
    const guess = didYouMean(table, names).trim();
    return new HypError("query_failed", message.replace(ENGINE_GUESS, ""), {
      next: `${guess} Tables: ${names.join(", ")}. Columns: hyp query schema <table>`.trim(),
      cause: error,
    });
  }
  const unknown = UNKNOWN_COLUMN.exec(message);
  if (unknown !== null) {
    const columns = new Set(tables.flatMap(({ columns }) => columns.map(({ name }) => name)));
    const guess = didYouMean(unknown[1] ?? unknown[2] ?? "", columns).trim();
    return new HypError("query_failed", message, {
      next: `${guess} Columns: hyp query schema <table>`.trim(),
      cause: error,
    });
  }
  if (OUT_OF_MEMORY.test(message))
    return new HypError("query_failed", message.split("\n", 1)[0]!, {
      next: "Select fewer columns or rows, or aggregate.",
      cause: error,
    });
  return new HypError("query_failed", message, { cause: error });
}
