import type { DuckDBConnection } from "@duckdb/node-api";
import { DATASETS } from "../../contract/dataset.ts";
import type { DatasetName } from "../../contract/dataset.ts";
import { registerSource } from "../engine-source.ts";
import type { Source } from "../engine-source.ts";
import { hotSource } from "../hot-source.ts";
import { KEYS, sealedName } from "../layout.ts";
import { livingRows, registerLivingRows } from "../living-rows.ts";
import { sampleRows } from "../row-samples.ts";
import type { RowSample } from "../row-samples.ts";
import { withSegmentEngine } from "../segment-engine.ts";
import type { SegmentEngineOptions } from "../segment-engine.ts";
import type { Shadow } from "./shadow.ts";
import { Snapshot } from "../snapshot.ts";

// The rows of the scope, as stored (hot and sealed) and as they would be, compared by key and by the values of all columns.
// Loads the engine: for commands, never for the recorder. Whole rows are read only of what differs.

export interface DatasetDifference {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly equal: number;
  /** In how many changed rows each of these columns is another; most first. */
  readonly columns: Readonly<Record<string, number>>;
}

export interface Difference {
  readonly datasets: Readonly<Record<DatasetName, DatasetDifference>>;
  readonly samples: readonly RowSample[];
  /** What would lose native names of messages was taken out of the scope. */
  readonly kept: { readonly exchanges: number; readonly conversations: number };
}

export interface CompareOptions extends SegmentEngineOptions {
  readonly shadow: Shadow;
  /** The store in the state that the shadow has learned. */
  readonly snapshot: Snapshot;
  /** Rows to show, at most. */
  readonly samples: number;
}

/** Of a dataset: which rows are in the scope. */
const SCOPES = {
  ai_gateway_messages: { table: "scope_conversations", column: "conversation_id" },
  ai_gateway_exchanges: { table: "scope_exchanges", column: "exchange_id" },
} as const satisfies Record<DatasetName, { readonly table: string; readonly column: string }>;

/** How many changes are handed over at once. */
const SLICE_ROWS = 8192;

/** Compares and writes `row_changes` of the shadow. */
export async function compareRows(options: CompareOptions): Promise<Difference> {
  const { shadow, snapshot, samples, segmentsDir } = options;
  const now = Snapshot.open(shadow.path);
  const failures: unknown[] = [];
  try {
    return await withSegmentEngine(options, async (connection) => {
      const names = Object.keys(DATASETS) as DatasetName[];
      for (const dataset of names) {
        registerLivingRows(connection, snapshot, dataset, (error) => failures.push(error));
        registerSource(connection, hotSource(now, dataset, { name: `${dataset}_now` }), (error) =>
          failures.push(error),
        );
        registerSource(connection, scopeSource(shadow, SCOPES[dataset].table), (error) =>
          failures.push(error),
        );
        const columns = DATASETS[dataset].map(({ name }) => sealedName(name));
        await findChanges(connection, dataset, livingRows(snapshot, dataset, segmentsDir, columns));
      }
      const kept = await keepNativeNames(connection, shadow);
      const datasets = {} as Record<DatasetName, DatasetDifference>;
      const shown: RowSample[] = [];
      shadow.database.exec("DELETE FROM row_changes");
      for (const dataset of names) {
        await handOver(connection, shadow, dataset);
        datasets[dataset] = await countChanges(connection, dataset);
        shown.push(...(await sampleRows(connection, dataset, samples - shown.length, [snapshot, now])));
      }
      return { datasets, samples: shown, kept };
    });
  } catch (error) {
    throw failures[0] ?? error;
  } finally {
    now.close();
  }
}

function scopeSource({ database }: Shadow, table: string): Source {
  return {
    name: table,
    columns: [
      { name: "key", type: "STRING" },
      { name: "unit", type: "STRING" },
    ],
    rowCount: database.get<{ rows: number }>(`SELECT count(*) AS rows FROM ${table}`)!.rows,
    scan: (indexes) =>
      database.iterate(
        `SELECT ${indexes.map((index) => (index === 0 ? "key" : "unit")).join(", ")} FROM ${table}`,
      ) as Iterator<string[]>,
  };
}

/** `<dataset>_changes` (key, unit, kind), `<dataset>_old` and `<dataset>_new` (whole rows of these keys). */
async function findChanges(
  connection: DuckDBConnection,
  dataset: DatasetName,
  living: string,
): Promise<void> {
  const { table, column } = SCOPES[dataset];
  const key = KEYS[dataset];
  const values = DATASETS[dataset].map(({ name }) => sealedName(name)).join(", ");
  await connection.run(`CREATE TEMP VIEW ${dataset}_stored AS ${living}`);
  await connection.run(`CREATE TEMP TABLE ${dataset}_scope AS SELECT * FROM ${table}()`);
  // Of 2^64: two different rows of a key have the same hash less often than a disk misreads one.
  const hashed = (rows: string): string =>
    `SELECT s.unit, r.${key} AS key, hash(${values}) AS value FROM ${rows} AS r
     JOIN ${dataset}_scope AS s ON s.key = r.${column}`;
  await connection.run(
    `CREATE TEMP TABLE ${dataset}_compared AS
     SELECT key, coalesce(n.unit, o.unit) AS unit, CASE
       WHEN o.value IS NULL THEN 'added' WHEN n.value IS NULL THEN 'removed'
       WHEN o.value = n.value THEN 'equal' ELSE 'changed' END AS kind
     FROM (${hashed(`${dataset}_stored`)}) AS o FULL JOIN (${hashed(`${dataset}_now()`)}) AS n USING (key)`,
  );
  await connection.run(
    `CREATE TEMP VIEW ${dataset}_changes AS SELECT key, unit, kind FROM ${dataset}_compared WHERE kind <> 'equal'`,
  );
  const whole = (rows: string): string =>
    `SELECT r.*, c.key, c.unit, c.kind FROM ${rows} AS r JOIN ${dataset}_changes AS c ON c.key = r.${key}`;
  await connection.run(`CREATE TEMP VIEW ${dataset}_old AS ${whole(`${dataset}_stored`)}`);
  await connection.run(`CREATE TEMP VIEW ${dataset}_new AS ${whole(`${dataset}_now()`)}`);
}

/**
 * A native name never becomes a fallback one: units in which messages of one exchange and role would have fewer native and more
 * fallback names than before are taken out of the scope and of the comparison.
 */
async function keepNativeNames(
  connection: DuckDBConnection,
  { database }: Shadow,
): Promise<Difference["kept"]> {
  const named = (side: "old" | "new"): string => `
    SELECT unit, (attributes->'gateway'->>'exchange_id') AS exchange, role, message_id, '${side}' AS side,
      provider_uuid IS NULL AND (attributes->'gateway'->>'identity_source') IS NOT DISTINCT FROM 'gateway_fallback' AS fallback
    FROM ai_gateway_messages_${side}`;
  const count = (side: "old" | "new", isFallback: boolean): string =>
    `count(DISTINCT message_id) FILTER (side = '${side}' AND ${isFallback ? "" : "NOT "}fallback)`;
  await connection.run(
    `CREATE TEMP TABLE native_units AS SELECT DISTINCT unit FROM (
       SELECT unit FROM (${named("old")} UNION ALL ${named("new")}) GROUP BY unit, exchange, role
       HAVING ${count("old", false)} > ${count("new", false)} AND ${count("new", true)} > ${count("old", true)})`,
  );
  const read = await connection.runAndReadAll("SELECT unit FROM native_units");
  let [exchanges, conversations] = [0, 0];
  for (const [unit] of read.getRows() as [string][]) {
    conversations += database.run("DELETE FROM scope_conversations WHERE unit = ?", unit);
    exchanges += database.run("DELETE FROM scope_exchanges WHERE unit = ?", unit);
  }
  for (const dataset of Object.keys(DATASETS))
    await connection.run(`DELETE FROM ${dataset}_compared WHERE unit IN (SELECT unit FROM native_units)`);
  return { exchanges, conversations };
}

async function handOver(
  connection: DuckDBConnection,
  { database }: Shadow,
  dataset: DatasetName,
): Promise<void> {
  // In slices of a table: a result that the engine's binding streams may end early without a word.
  await connection.run(`CREATE TEMP TABLE ${dataset}_slices AS SELECT key, kind FROM ${dataset}_changes`);
  for (let at = 0; ; at += SLICE_ROWS) {
    const slice = await connection.runAndReadAll(
      `SELECT key, kind FROM ${dataset}_slices WHERE rowid >= ${at} AND rowid < ${at + SLICE_ROWS}`,
    );
    database.transaction(() => {
      for (const [key, kind] of slice.getRows() as [string, string][])
        database.run("INSERT INTO row_changes VALUES (?, ?, ?)", dataset, key, kind);
    });
    if (slice.currentRowCount < SLICE_ROWS) return;
  }
}

async function countChanges(connection: DuckDBConnection, dataset: DatasetName): Promise<DatasetDifference> {
  const kinds = await connection.runAndReadAll(
    `SELECT kind, count(*) FROM ${dataset}_compared GROUP BY kind`,
  );
  const counts = { added: 0, changed: 0, removed: 0, equal: 0 };
  for (const [kind, rows] of kinds.getRows() as [keyof typeof counts, bigint][]) counts[kind] = Number(rows);
  const names = DATASETS[dataset].map(({ name }) => name);
  if (counts.changed === 0) return { ...counts, columns: {} };
  const differing = names.map((name) => {
    const column = sealedName(name);
    return `count(*) FILTER (o.${column} IS DISTINCT FROM n.${column})`;
  });
  const read = await connection.runAndReadAll(
    `SELECT ${differing.join(", ")} FROM ${dataset}_old AS o JOIN ${dataset}_new AS n USING (key)`,
  );
  const columns = (read.getRows()[0] as bigint[])
    .map((rows, i) => [names[i]!, Number(rows)] as const)
    .filter(([, rows]) => rows > 0)
    .sort(([, a], [, b]) => b - a);
  return { ...counts, columns: Object.fromEntries(columns) };
}
