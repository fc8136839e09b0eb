import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { DatasetName } from "../contract/dataset.ts";
import { compactHex } from "./compact.ts";
import { fromSealed, KEYS } from "./layout.ts";
import { sealedKey } from "./sealed-rows.ts";
import { parquet, withSegmentEngine } from "./segment-engine.ts";
import type { SegmentEngineOptions } from "./segment-engine.ts";
import type { ListedSegment } from "./segments.ts";
import { Snapshot } from "./snapshot.ts";
import { storedFiles } from "./sweep.ts";

const SLICE_ROWS = 20_000;

export interface StoreProblem {
  /** `orphan` costs only disk, the others history. */
  readonly kind: "missing" | "unreadable" | "rows" | "keys" | "hot-and-sealed" | "orphan";
  /** A file, relative to the segments folder, or a dataset. */
  readonly subject: string;
  readonly message: string;
}

export interface StoreVerification {
  readonly segments: number;
  readonly rows: number;
  readonly problems: readonly StoreProblem[];
}

/**
 * Reads every listed segment and compares it with the catalog: it is there and readable, has as many rows as listed, and each
 * living row is the one that the index names for its key. Beside a recorder that seals, a file that is just being written
 * counts as an orphan.
 */
export async function verifyStore(
  options: SegmentEngineOptions & { readonly catalogPath: string },
): Promise<StoreVerification> {
  const snapshot = Snapshot.open(options.catalogPath);
  try {
    const problems: StoreProblem[] = [...hotAndSealed(snapshot), ...orphans(snapshot, options.segmentsDir)];
    let rows = 0;
    await withSegmentEngine(options, async (connection) => {
      for (const segment of snapshot.segments) {
        const found = await segmentProblems(connection, snapshot, segment, options.segmentsDir);
        problems.push(...found);
        rows += segment.rows;
      }
    });
    return { segments: snapshot.segments.length, rows, problems };
  } finally {
    snapshot.close();
  }
}

async function segmentProblems(
  connection: DuckDBConnection,
  snapshot: Snapshot,
  segment: ListedSegment,
  segmentsDir: string,
): Promise<StoreProblem[]> {
  const path = join(segmentsDir, segment.file);
  const problem = (kind: StoreProblem["kind"], message: string): StoreProblem[] => [
    { kind, subject: segment.file, message },
  ];
  if (!existsSync(path)) return problem("missing", "the file is gone");
  try {
    // Every column of every row is decoded, and with it every page's checksum and every text's UTF-8.
    const read = await connection.runAndReadAll(
      `SELECT count(*), bit_xor(hash(s)) FROM ${parquet([path])} AS s`,
    );
    const rows = Number(read.value(0, 0));
    if (rows !== segment.rows) return problem("rows", `${rows} rows, ${segment.rows} are listed`);
    if (segment.dataset === "blobs") return blobProblems(connection, path, problem);
    const wrong = await wrongKeys(connection, snapshot, { ...segment, dataset: segment.dataset }, path);
    return wrong === 0 ? [] : problem("keys", `${wrong} rows are not what the index says`);
  } catch (error) {
    return problem("unreadable", (error as Error).message.split("\n", 1)[0]!);
  }
}

async function blobProblems(
  connection: DuckDBConnection,
  path: string,
  problem: (kind: StoreProblem["kind"], message: string) => StoreProblem[],
): Promise<StoreProblem[]> {
  const read = await connection.runAndReadAll(
    `SELECT count(*) FROM ${parquet([path])} WHERE sha256(text) <> sha256`,
  );
  const wrong = Number(read.value(0, 0));
  return wrong === 0 ? [] : problem("keys", `${wrong} texts have another SHA-256`);
}

/** Rows that live by the tombstones and not by the index, or the other way round. */
async function wrongKeys(
  connection: DuckDBConnection,
  snapshot: Snapshot,
  segment: ListedSegment & { readonly dataset: DatasetName },
  path: string,
): Promise<number> {
  const { database } = snapshot;
  const indexed =
    segment.dataset === "ai_gateway_messages"
      ? "SELECT seq FROM sealed_keys JOIN batches ON id = batch WHERE key = ? AND segment = ?"
      : "SELECT seq FROM sealed_exchanges JOIN batches ON id = batch WHERE exchange_id = ? AND segment = ?";
  let wrong = 0;
  for (let at = 0; at < segment.rows; at += SLICE_ROWS) {
    const slice = await connection.runAndReadAll(
      `SELECT ${fromSealed(KEYS[segment.dataset])}, _seq FROM ${parquet([path])}
       WHERE file_row_number >= ${at} AND file_row_number < ${at + SLICE_ROWS}`,
    );
    for (const [key, seq] of slice.getRows() as [string, bigint][]) {
      const row = database.get<{ seq: number }>(
        indexed,
        segment.dataset === "ai_gateway_messages" ? sealedKey(key) : compactHex(key),
        segment.id,
      );
      const isDead = database.get("SELECT 1 FROM tombstones WHERE seq = ?", Number(seq)) !== undefined;
      if ((row?.seq === Number(seq)) === isDead) wrong += 1;
    }
  }
  return wrong;
}

function hotAndSealed(snapshot: Snapshot): StoreProblem[] {
  const { database } = snapshot;
  const keys = database.all<{ key: string }>("SELECT part_id AS key FROM ai_gateway_messages");
  const messages = keys.filter(
    ({ key }) => database.get("SELECT 1 FROM sealed_keys WHERE key = ?", sealedKey(key)) !== undefined,
  ).length;
  const exchanges = database
    .all<{ id: string }>("SELECT exchange_id AS id FROM ai_gateway_exchanges")
    .filter(
      ({ id }) =>
        database.get("SELECT 1 FROM sealed_exchanges WHERE exchange_id = ?", compactHex(id)) !== undefined,
    ).length;
  const counts: [DatasetName, number][] = [
    ["ai_gateway_messages", messages],
    ["ai_gateway_exchanges", exchanges],
  ];
  return counts
    .filter(([, rows]) => rows > 0)
    .map(([subject, rows]) => ({
      kind: "hot-and-sealed",
      subject,
      message: `${rows} rows would be read twice`,
    }));
}

function orphans(snapshot: Snapshot, segmentsDir: string): StoreProblem[] {
  const known = new Set(
    snapshot.database.all<{ file: string }>("SELECT file FROM segments").map(({ file }) => file),
  );
  return storedFiles(segmentsDir)
    .filter((file) => !known.has(file))
    .map((subject) => ({ kind: "orphan", subject, message: "nobody lists it" }));
}
