import { cellToJson } from "../cell.ts";
import type { QueryResult } from "../cell.ts";

/** One array of objects, one object a line. */
export function* renderJson(result: QueryResult): Generator<string, void> {
  let before = "[\n";
  for (const object of objects(result)) {
    yield `${before}${object}`;
    before = ",\n";
  }
  yield result.rows.length === 0 ? "[]\n" : "\n]\n";
}

/** One object per line. */
export function* renderJsonl(result: QueryResult): Generator<string, void> {
  for (const object of objects(result)) yield `${object}\n`;
}

function* objects({ columns, rows }: QueryResult): Generator<string, void> {
  const keys = uniqueNames(columns.map(({ name }) => name)).map((name) => cellToJson(name));
  for (const row of rows) yield `{${row.map((cell, i) => `${keys[i]}:${cellToJson(cell)}`).join(",")}}`;
}

/** A repeated name gets `_1`, `_2`, … so that no value hides another. */
function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set(names);
  const seen = new Set<string>();
  return names.map((name) => {
    let unique = name;
    for (let n = 1; seen.has(unique) || (unique !== name && taken.has(unique)); n += 1)
      unique = `${name}_${n}`;
    seen.add(unique);
    return unique;
  });
}
