import { DATASETS } from "../contract/dataset.ts";
import type { DatasetName } from "../contract/dataset.ts";
import type { DuckDBConnection } from "@duckdb/node-api";
import { registerSource } from "./engine-source.ts";
import { hotSource } from "./hot-source.ts";
import { BLOB_COLUMNS, toSealed } from "./layout.ts";
import type { SealManifest } from "./manifest.ts";
import { withSegmentEngine, writeSegment } from "./segment-engine.ts";
import type { SegmentEngineOptions } from "./segment-engine.ts";
import { toRanges } from "./seq-ranges.ts";
import { SEGMENT_ORDER, settledGroups } from "./settled.ts";
import { Snapshot } from "./snapshot.ts";

export interface SealOptions extends SegmentEngineOptions {
  readonly catalogPath: string;
  /** Milliseconds since 1970: rows of conversations that were still active after it are left out. */
  readonly settledBefore: number;
  /** A dataset with fewer settled rows is left alone. */
  readonly minRows: number;
}

/**
 * Writes the settled hot rows of one snapshot to files. The store is what it was until the recorder commits the manifests,
 * which `onManifest` gets as soon as each file is durable.
 */
export async function sealStore(
  options: SealOptions,
  onManifest: (manifest: SealManifest) => void,
): Promise<void> {
  const snapshot = Snapshot.open(options.catalogPath);
  try {
    const groups = (Object.keys(DATASETS) as DatasetName[]).flatMap((dataset) => {
      const found = settledGroups(snapshot.database, dataset, options.settledBefore);
      const rows = found.reduce((sum, { length }) => sum + length, 0);
      return rows === 0 || rows < options.minRows ? [] : found.map((seqs) => ({ dataset, seqs }));
    });
    if (groups.length === 0) return;
    const unsealed = new Set(snapshot.blobNames().flatMap(({ id, isSealed }) => (isSealed ? [] : [id])));
    await withSegmentEngine(options, async (connection) => {
      for (const [n, { dataset, seqs }] of groups.entries()) {
        const source = hotSource(snapshot, dataset, { name: `rows_${n}`, seqs });
        registerSource(connection, source, () => {});
        const values = ["_seq", ...DATASETS[dataset].map(({ name }) => toSealed(name))];
        const segment = await writeSegment(
          connection,
          options.segmentsDir,
          dataset,
          `SELECT ${values.join(", ")} FROM ${source.name}() ORDER BY ${SEGMENT_ORDER[dataset]}`,
        );
        const blobs =
          dataset === "ai_gateway_messages"
            ? await writeBlobs(connection, snapshot, options.segmentsDir, seqs, unsealed, n)
            : null;
        onManifest({
          kind: "seal",
          generation: snapshot.generation,
          dataset,
          segment,
          seqs: toRanges(seqs),
          blobs,
        });
      }
    });
  } finally {
    snapshot.close();
  }
}

/** The shared texts of the rows that are in no file yet: `sha256` (hex), `text`. Takes them from `unsealed`. */
async function writeBlobs(
  connection: DuckDBConnection,
  snapshot: Snapshot,
  segmentsDir: string,
  seqs: readonly number[],
  unsealed: Set<number>,
  n: number,
): Promise<SealManifest["blobs"]> {
  const used = new Set<number>();
  const rows = snapshot.scanRows("ai_gateway_messages", [...BLOB_COLUMNS], seqs);
  for (let next = rows.next(); next.done !== true; next = rows.next())
    for (const id of next.value) if (id !== null && unsealed.delete(id as number)) used.add(id as number);
  if (used.size === 0) return null;
  const names = snapshot.blobNames().filter(({ id }) => used.has(id));
  registerSource(
    connection,
    {
      name: `blobs_${n}`,
      columns: [
        { name: "sha256", type: "STRING" },
        { name: "text", type: "STRING" },
      ],
      rowCount: names.length,
      scan: (indexes) =>
        names
          .values()
          .map(({ id, hash }) => indexes.map((index) => (index === 0 ? hash : snapshot.blob(id)))),
    },
    () => {},
  );
  const select = `SELECT sha256, text FROM blobs_${n}() ORDER BY sha256`;
  const segment = await writeSegment(connection, segmentsDir, "blobs", select);
  return { segment, ids: [...used] };
}
