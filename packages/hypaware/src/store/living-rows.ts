import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { DatasetName } from "../contract/dataset.ts";
import { registerSource } from "./engine-source.ts";
import type { Source } from "./engine-source.ts";
import { hotSource } from "./hot-source.ts";
import { fromSealed, sealedName } from "./layout.ts";
import { parquet } from "./segment-engine.ts";
import type { Snapshot } from "./snapshot.ts";

// A dataset as the engine reads it: hot rows and sealed ones that are not dead, with a segment's columns.

/** Makes what `livingRows` of this dataset reads. */
export function registerLivingRows(
  connection: DuckDBConnection,
  snapshot: Snapshot,
  dataset: DatasetName,
  onError: (error: unknown) => void,
): void {
  registerSource(connection, hotSource(snapshot, dataset, { name: `${dataset}_hot` }), onError);
  registerSource(connection, tombstoneSource(snapshot, dataset), onError);
}

/** As a SELECT. Segments without a dead row are scanned plainly, the others through the filter. */
export function livingRows(
  snapshot: Snapshot,
  dataset: DatasetName,
  segmentsDir: string,
  columns: readonly string[],
): string {
  const names = columns.map((column) => `"${sealedName(column)}"`).join(", ");
  const sealed = columns.map(fromSealed).join(", ");
  const own = snapshot.segments.filter((segment) => segment.dataset === dataset);
  const paths = (isDirty: boolean) =>
    own.filter(({ dead }) => dead > 0 === isDirty).map(({ file }) => join(segmentsDir, file));
  const parts = [`SELECT ${names} FROM ${dataset}_hot()`];
  const clean = paths(false);
  if (clean.length > 0) parts.push(`SELECT ${sealed} FROM ${parquet(clean)}`);
  const dirty = paths(true);
  if (dirty.length > 0)
    parts.push(
      `SELECT ${sealed} FROM ${parquet(dirty)} AS s ANTI JOIN ${dataset}_dead() AS t ON t.seq = s._seq`,
    );
  return parts.join(" UNION ALL ");
}

function tombstoneSource(snapshot: Snapshot, dataset: DatasetName): Source {
  const seqs = snapshot.tombstones(dataset);
  return {
    name: `${dataset}_dead`,
    columns: [{ name: "seq", type: "INT64" }],
    rowCount: seqs.length,
    scan: (indexes) => seqs.values().map((seq) => indexes.map(() => seq)),
  };
}
