import { DATASETS } from "../contract/dataset.ts";
import type { Column, DatasetName } from "../contract/dataset.ts";
import type { Stored } from "./encoding.ts";
import type { Source } from "./engine-source.ts";
import { BLOB_COLUMNS, sealedName } from "./layout.ts";
import type { Snapshot } from "./snapshot.ts";

const SEQ = { name: "_seq", type: "INT64" } as const;

/** The columns of a segment, in order: `_seq`, then the dataset's. */
function segmentColumns(dataset: DatasetName): readonly Pick<Column, "name" | "type">[] {
  const columns: readonly Column[] = DATASETS[dataset];
  return [
    SEQ,
    ...columns.map(({ name, type }) => ({
      name: sealedName(name),
      type: BLOB_COLUMNS.has(name) ? ("STRING" as const) : type,
    })),
  ];
}

/** Hot rows with a segment's columns: all, or those with these numbers. */
export function hotSource(
  snapshot: Snapshot,
  dataset: DatasetName,
  { name, seqs }: { readonly name: string; readonly seqs?: readonly number[] },
): Source {
  const stored = [SEQ.name, ...DATASETS[dataset].map((column) => column.name)];
  return {
    name,
    columns: segmentColumns(dataset),
    rowCount: seqs?.length ?? snapshot.hotCount(dataset),
    scan(indexes) {
      const names = indexes.map((index) => stored[index]!);
      const rows =
        seqs === undefined ? snapshot.scan(dataset, names) : snapshot.scanRows(dataset, names, seqs);
      const shared = names.flatMap((column, i) => (BLOB_COLUMNS.has(column) ? [i] : []));
      return shared.length === 0 ? rows : named(rows, shared, snapshot);
    },
  };
}

function* named(
  rows: Iterator<Stored[]>,
  shared: readonly number[],
  snapshot: Snapshot,
): Generator<Stored[]> {
  const hashes = new Map(snapshot.blobNames().map(({ id, hash }) => [id, hash]));
  for (let next = rows.next(); next.done !== true; next = rows.next()) {
    const row = next.value;
    for (const i of shared) row[i] = row[i] === null ? null : hashes.get(row[i] as number)!;
    yield row;
  }
}
