import { DATASETS } from "../contract/dataset.ts";
import type { DatasetName } from "../contract/dataset.ts";
import { LIMITS } from "../contract/limits.ts";
import type { Catalog } from "./catalog.ts";

export interface DatasetStatus {
  readonly dataset: DatasetName;
  readonly hotRows: number;
  /** Of the hot ones, ready to be sealed. */
  readonly settledRows: number;
  readonly sealedRows: number;
  /** In segments and no more. */
  readonly deadRows: number;
  readonly segments: number;
  readonly segmentBytes: number;
}

export interface StoreStatus {
  readonly datasets: readonly DatasetStatus[];
  /** With its write-ahead log. */
  readonly catalogBytes: number;
  readonly segmentBytes: number;
  /** ISO 8601; null: nothing was sealed yet. */
  readonly lastSealedAt: string | null;
}

export function storeStatus(catalog: Catalog, now = Date.now()): StoreStatus {
  const segments = catalog.segments.listed();
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const segmentBytes = sum(segments.map(({ bytes }) => bytes));
  const lastSealedAt = catalog.segments.lastSealedAt();
  return {
    datasets: (Object.keys(DATASETS) as DatasetName[]).map((dataset) => {
      const own = segments.filter((segment) => segment.dataset === dataset);
      const deadRows = sum(own.map(({ dead }) => dead));
      const sealedRows = sum(own.map(({ rows }) => rows)) - deadRows;
      return {
        dataset,
        hotRows: catalog.rowCount(dataset) - sealedRows,
        settledRows: catalog.settled(dataset, now - LIMITS.settleMs).rows,
        sealedRows,
        deadRows,
        segments: own.length,
        segmentBytes: sum(own.map(({ bytes }) => bytes)),
      };
    }),
    catalogBytes: catalog.counts().storeBytes - segmentBytes,
    segmentBytes,
    lastSealedAt: lastSealedAt === 0 ? null : new Date(lastSealedAt).toISOString(),
  };
}
