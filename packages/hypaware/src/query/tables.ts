import type { DuckDBConnection } from "@duckdb/node-api";
import { join } from "node:path";
import { DATASETS } from "../contract/dataset.ts";
import type { Column, DatasetName } from "../contract/dataset.ts";
import { registerSource } from "../store/engine-source.ts";
import type { Source } from "../store/engine-source.ts";
import { hotSource } from "../store/hot-source.ts";
import { BLOB_COLUMNS, fromSealed, sealedName } from "../store/layout.ts";
import { parquet } from "../store/segment-engine.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { VIEWS } from "./views.ts";

/** Gives the engine everything that can stand after FROM. */
export async function makeTables(
  connection: DuckDBConnection,
  snapshot: Snapshot,
  segmentsDir: string,
  onError: (error: unknown) => void,
): Promise<void> {
  registerSource(connection, blobSource(snapshot), onError);
  for (const dataset of Object.keys(DATASETS) as DatasetName[]) {
    registerSource(connection, hotSource(snapshot, dataset, { name: `${dataset}_hot` }), onError);
    registerSource(connection, tombstoneSource(snapshot, dataset), onError);
    await connection.run(`CREATE VIEW ${dataset} AS ${datasetSelect(snapshot, dataset, segmentsDir)}`);
  }
  for (const { name, select } of VIEWS) await connection.run(`CREATE VIEW ${name} AS ${select}`);
}

/** The files that the engine must be able to read, and no others. */
export function segmentPaths(snapshot: Snapshot, segmentsDir: string): string[] {
  return snapshot.segments
    .filter(({ dataset }) => dataset !== "blobs")
    .map(({ file }) => join(segmentsDir, file));
}

/** The shared texts, as what the columns that use them are. */
function blobSource(snapshot: Snapshot): Source {
  return {
    name: "blobs",
    columns: [
      { name: "sha256", type: "STRING" },
      { name: "string", type: "STRING" },
      { name: "json", type: "JSON" },
    ],
    rowCount: snapshot.blobNames().length,
    // Where no text is asked for, nobody sees whether one was found, and a join with nothing costs nothing.
    scan: (indexes) =>
      (indexes.every((index) => index === 0) ? [] : snapshot.blobNames())
        .values()
        .map(({ id, hash }) => indexes.map((index) => (index === 0 ? hash : snapshot.blob(id)))),
  };
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

/** The dataset, hot and sealed, with its shared texts put back. */
function datasetSelect(snapshot: Snapshot, dataset: DatasetName, segmentsDir: string): string {
  const columns: readonly Column[] = DATASETS[dataset];
  const shared = columns.filter(({ name }) => BLOB_COLUMNS.has(name));
  const values = columns.map(({ name, type }) =>
    BLOB_COLUMNS.has(name) ? `b_${name}.${type === "JSON" ? "json" : "string"} AS ${name}` : `stored.${name}`,
  );
  const joins = shared.map(
    ({ name }) => `LEFT JOIN blobs() AS b_${name} ON b_${name}.sha256 = stored.${sealedName(name)}`,
  );
  const from = unionOf(snapshot, dataset, segmentsDir);
  return `SELECT ${values.join(", ")} FROM (${from}) AS stored ${joins.join(" ")}`;
}

/** Segments without a dead row are scanned plainly, the others through the filter. */
function unionOf(snapshot: Snapshot, dataset: DatasetName, segmentsDir: string): string {
  const columns: readonly Column[] = DATASETS[dataset];
  const names = columns.map(({ name }) => sealedName(name)).join(", ");
  const sealed = columns.map(({ name }) => fromSealed(name)).join(", ");
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
