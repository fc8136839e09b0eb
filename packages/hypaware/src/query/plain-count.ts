import { DATASETS } from "../contract/dataset.ts";
import type { DatasetName } from "../contract/dataset.ts";

const PLAIN_COUNT =
  /^\s*select\s+count\s*\(\s*\*?\s*\)(?:\s+as\s+([a-z_]\w*))?\s+from\s+([a-z_]\w*)\s*;?\s*$/i;

/** The dataset and the result's column name, if all that is asked is how many rows a dataset has. */
export function plainCount(sql: string): { dataset: DatasetName; name: string } | undefined {
  const [, name = "count_star()", table = ""] = PLAIN_COUNT.exec(sql) ?? [];
  const dataset = table.toLowerCase();
  return Object.hasOwn(DATASETS, dataset) ? { dataset: dataset as DatasetName, name } : undefined;
}
