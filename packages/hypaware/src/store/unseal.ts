import type { Column } from "../contract/dataset.ts";
import { LIMITS } from "../contract/limits.ts";
import { type Compact, nameOf } from "./compact.ts";
import type { Stored } from "./encoding.ts";
import { BLOB_COLUMNS, fromSealed, sealedName, storedColumns } from "./layout.ts";
import type { UnsealManifest } from "./manifest.ts";
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

const COLUMNS = storedColumns("ai_gateway_messages");

/**
 * Reads the sealed rows of messages that have to change (table `unsealing`), message by message, up to about LIMITS.unsealBytes: who
 * asks again gets the next ones.
 */
export async function unsealStore(
  options: UnsealOptions,
  onManifest: (manifest: UnsealManifest) => void,
): Promise<void> {
  const snapshot = Snapshot.open(options.catalogPath);
  try {
    const waiting = snapshot.database.all<{ node: number; name: Compact }>(
      "SELECT node, message_id AS name FROM unsealing JOIN nodes ON id = node ORDER BY node",
    );
    if (waiting.length === 0) return;
    await withSegmentEngine(options, async (connection) => {
      let bytes = 0;
      for (const { node, name } of waiting) {
        const places = placesOf(snapshot, nameOf(name));
        const files = [...new Set(places.map(({ file }) => `${options.segmentsDir}/${file}`))];
        const read =
          places.length === 0
            ? []
            : (
                await connection.runAndReadAll(
                  `SELECT _seq, ${COLUMNS.map(selected).join(", ")} FROM ${parquet(files)}
                   WHERE _seq IN (${places.map(({ seq }) => seq).join(", ")}) ORDER BY part_index`,
                )
              ).getRows();
        const rows = read.map(([seq, ...values]) => ({ seq: Number(seq), values: values.map(stored) }));
        onManifest({ kind: "unseal", generation: snapshot.generation, node, rows });
        bytes += JSON.stringify(rows).length;
        if (bytes > LIMITS.unsealBytes) return;
      }
    });
  } finally {
    snapshot.close();
  }
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
