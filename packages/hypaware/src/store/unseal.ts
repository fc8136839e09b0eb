import type { DuckDBConnection } from "@duckdb/node-api";
import type { Column } from "../contract/dataset.ts";
import { LIMITS } from "../contract/limits.ts";
import { type Compact, nameOf } from "./compact.ts";
import type { Stored } from "./encoding.ts";
import { BLOB_COLUMNS, fromSealed, sealedName, storedColumns } from "./layout.ts";
import type { UnsealExchangeManifest, UnsealManifest } from "./manifest.ts";
import { sealedKey } from "./sealed-rows.ts";
import { parquet, type SegmentEngineOptions, withSegmentEngine } from "./segment-engine.ts";
import { Snapshot } from "./snapshot.ts";

export interface UnsealOptions extends SegmentEngineOptions {
  readonly catalogPath: string;
}

interface Place {
  readonly seq: number;
  readonly file: string;
}

const MESSAGE = storedColumns("ai_gateway_messages");
const EXCHANGE = storedColumns("ai_gateway_exchanges");

/**
 * Reads the sealed rows that have to change: of messages (table `unsealing`), message by message, and of exchanges, up to about
 * LIMITS.unsealBytes: who asks again gets the next ones.
 */
export async function unsealStore(
  options: UnsealOptions,
  onManifest: (manifest: UnsealManifest | UnsealExchangeManifest) => void,
): Promise<void> {
  const snapshot = Snapshot.open(options.catalogPath);
  try {
    const waiting = snapshot.database.all<{ node: number; name: Compact }>(
      "SELECT node, message_id AS name FROM unsealing JOIN nodes ON id = node ORDER BY node",
    );
    const exchanges = snapshot.database.all<Place>(
      `SELECT seq, file FROM unsealing_exchanges JOIN sealed_exchanges USING (exchange_id)
       JOIN batches b ON b.id = batch JOIN segments s ON s.id = b.segment ORDER BY seq`,
    );
    if (waiting.length + exchanges.length === 0) return;
    const { generation } = snapshot;
    await withSegmentEngine(options, async (connection) => {
      let bytes = 0;
      const read = async (columns: readonly Column[], places: readonly Place[]): Promise<readonly Row[]> => {
        const rows = await readRows(connection, options.segmentsDir, columns, places);
        bytes += JSON.stringify(rows).length;
        return rows;
      };
      for (const place of exchanges) {
        for (const row of await read(EXCHANGE, [place]))
          onManifest({ kind: "unseal_exchange", generation, ...row });
        if (bytes > LIMITS.unsealBytes) return;
      }
      for (const { node, name } of waiting) {
        const rows = await read(MESSAGE, placesOf(snapshot, nameOf(name)));
        onManifest({ kind: "unseal", generation, node, rows });
        if (bytes > LIMITS.unsealBytes) return;
      }
    });
  } finally {
    snapshot.close();
  }
}

interface Row {
  readonly seq: number;
  readonly values: readonly Stored[];
}

/** In the order of `places`. */
async function readRows(
  connection: DuckDBConnection,
  segmentsDir: string,
  columns: readonly Column[],
  places: readonly Place[],
): Promise<readonly Row[]> {
  if (places.length === 0) return [];
  const files = [...new Set(places.map(({ file }) => `${segmentsDir}/${file}`))];
  const read = await connection.runAndReadAll(
    `SELECT _seq, ${columns.map(selected).join(", ")} FROM ${parquet(files)}
     WHERE _seq IN (${places.map(({ seq }) => seq).join(", ")})`,
  );
  const rows = read
    .getRows()
    .map(([seq, ...values]) => [Number(seq), { seq: Number(seq), values: values.map(stored) }] as const);
  const bySeq = new Map(rows);
  return places.flatMap(({ seq }) => bySeq.get(seq) ?? []);
}

function placesOf(snapshot: Snapshot, messageId: string): readonly Place[] {
  const places: Place[] = [];
  for (;;) {
    const place = snapshot.database.get<Place>(
      `SELECT seq, file FROM sealed_keys k JOIN batches b ON b.id = k.batch JOIN segments s ON s.id = b.segment WHERE key = ?`,
      sealedKey(`${messageId}#${places.length}`),
    );
    if (place === undefined) return places;
    places.push(place);
  }
}

/** As the hot table keeps it. */
function selected({ name, type }: Column): string {
  const column = `"${sealedName(name)}"`;
  if (BLOB_COLUMNS.has(name)) return column;
  switch (type) {
    case "TIMESTAMP":
      return `epoch_ms(${column})`;
    case "BOOLEAN":
      return `${column}::INTEGER`;
    case "JSON":
      return `${column}::VARCHAR`;
    default:
      return fromSealed(name);
  }
}

function stored(value: unknown): Stored {
  return typeof value === "bigint" ? Number(value) : (value as Stored);
}
