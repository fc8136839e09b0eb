import type { DuckDBConnection } from "@duckdb/node-api";
import { DATASETS } from "../contract/dataset.ts";
import type { Column, DatasetName } from "../contract/dataset.ts";
import { BLOB_COLUMNS } from "../store/layout.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { registerSource } from "./scan.ts";
import type { Source } from "./scan.ts";
import { VIEWS } from "./views.ts";

/** Gives the engine everything that can stand after FROM. */
export async function makeTables(
  connection: DuckDBConnection,
  snapshot: Snapshot,
  onError: (error: unknown) => void,
): Promise<void> {
  registerSource(connection, blobSource(snapshot), onError);
  for (const dataset of Object.keys(DATASETS) as DatasetName[]) {
    registerSource(connection, hotSource(snapshot, dataset), onError);
    await connection.run(`CREATE VIEW ${dataset} AS ${datasetSelect(dataset)}`);
  }
  for (const { name, select } of VIEWS) await connection.run(`CREATE VIEW ${name} AS ${select}`);
}

function hotSource(snapshot: Snapshot, dataset: DatasetName): Source {
  const columns: readonly Column[] = DATASETS[dataset];
  return {
    name: `${dataset}_hot`,
    columns: columns.map(({ name, type }) => ({ name, type: BLOB_COLUMNS.has(name) ? "INT32" : type })),
    rowCount: snapshot.count(dataset),
    scan: (indexes) =>
      snapshot.scan(
        dataset,
        indexes.map((index) => columns[index]!.name),
      ),
  };
}

/** The shared texts, as what the columns that use them are. */
function blobSource(snapshot: Snapshot): Source {
  const ids = snapshot.blobIds();
  return {
    name: "blobs",
    columns: [
      { name: "id", type: "INT32" },
      { name: "string", type: "STRING" },
      { name: "json", type: "JSON" },
    ],
    rowCount: ids.length,
    scan: (indexes) =>
      ids.values().map((id) => indexes.map((index) => (index === 0 ? id : snapshot.blob(id)))),
  };
}

/** The dataset with its shared texts put back. The join reads only numbers when they are not asked for. */
function datasetSelect(dataset: DatasetName): string {
  const columns: readonly Column[] = DATASETS[dataset];
  const shared = columns.filter(({ name }) => BLOB_COLUMNS.has(name));
  const values = columns.map(({ name, type }) =>
    BLOB_COLUMNS.has(name) ? `b_${name}.${type === "JSON" ? "json" : "string"} AS ${name}` : `hot.${name}`,
  );
  const joins = shared.map(({ name }) => `LEFT JOIN blobs() AS b_${name} ON b_${name}.id = hot.${name}`);
  return `SELECT ${values.join(", ")} FROM ${dataset}_hot() AS hot ${joins.join(" ")}`;
}
