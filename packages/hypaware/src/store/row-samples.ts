import type { DuckDBConnection } from "@duckdb/node-api";
import { DATASETS } from "../contract/dataset.ts";
import type { DatasetName } from "../contract/dataset.ts";
import { sealedName } from "./layout.ts";
import type { Snapshot } from "./snapshot.ts";

export type ChangeKind = "added" | "changed" | "removed";

/** Values as text; null: no value, or no such row. */
export interface RowSample {
  readonly dataset: DatasetName;
  readonly kind: ChangeKind;
  readonly key: string;
  /** Of a changed row those that changed, of the others what tells what it is. */
  readonly columns: Readonly<Record<string, { readonly old: string | null; readonly new: string | null }>>;
}

/** What is shown of a row that comes or goes. */
const SHOWN: Readonly<Record<DatasetName, readonly string[]>> = {
  ai_gateway_messages: ["conversation_id", "role", "part_type", "content_text"],
  ai_gateway_exchanges: ["started_at", "path", "decode_status", "conversation_id"],
};

/** Some rows of every kind, from the tables that `findChanges` made. */
export async function sampleRows(
  connection: DuckDBConnection,
  dataset: DatasetName,
  limit: number,
  [before, now]: readonly [Snapshot, Snapshot],
): Promise<RowSample[]> {
  await connection.run(
    `CREATE TEMP TABLE ${dataset}_samples AS SELECT kind, key FROM (
       SELECT kind, key, row_number() OVER (PARTITION BY kind ORDER BY unit, key) AS n FROM ${dataset}_changes)
     ORDER BY n, kind LIMIT ${limit}`,
  );
  const chosen = await connection.runAndReadAll(`SELECT kind, key FROM ${dataset}_samples`);
  const rows = chosen.getRows() as [ChangeKind, string][];
  if (rows.length === 0) return [];
  const [old, fresh] = [
    await readTexts(connection, dataset, "old", before),
    await readTexts(connection, dataset, "new", now),
  ];
  return rows.map(([kind, key]) => {
    const [was, is] = [old.get(key), fresh.get(key)];
    const names =
      kind === "changed"
        ? DATASETS[dataset].map(({ name }) => name).filter((name) => was?.[name] !== is?.[name])
        : SHOWN[dataset];
    return {
      dataset,
      kind,
      key,
      columns: Object.fromEntries(
        names.map((name) => [name, { old: was?.[name] ?? null, new: is?.[name] ?? null }]),
      ),
    };
  });
}

async function readTexts(
  connection: DuckDBConnection,
  dataset: DatasetName,
  side: "old" | "new",
  snapshot: Snapshot,
): Promise<Map<string, Record<string, string | null>>> {
  const columns = DATASETS[dataset].map(({ name }) => name);
  const read = await connection.runAndReadAll(
    `SELECT key, ${columns.map((name) => `${sealedName(name)}::VARCHAR`).join(", ")}
     FROM ${dataset}_${side} WHERE key IN (SELECT key FROM ${dataset}_samples)`,
  );
  const blobs = new Map(snapshot.blobNames().map(({ id, hash }) => [hash, id]));
  return new Map(
    (read.getRows() as (string | null)[][]).map(([key, ...values]) => [
      key!,
      Object.fromEntries(
        columns.map((name, i) => {
          const id = sealedName(name) === name ? undefined : blobs.get(values[i] ?? "");
          return [name, id === undefined ? values[i]! : snapshot.blob(id)];
        }),
      ),
    ]),
  );
}
