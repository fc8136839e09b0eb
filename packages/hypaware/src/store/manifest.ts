import type { DatasetName } from "../contract/dataset.ts";
import type { Stored } from "./encoding.ts";
import type { SeqRanges } from "./seq-ranges.ts";

// What the child that writes files tells the recorder, which alone writes the catalog. Until the recorder has committed it
// the file is an orphan and the catalog knows nothing of it.

/** A file that is whole and durable. */
export interface WrittenSegment {
  /** Relative to the segments folder. */
  readonly file: string;
  readonly rows: number;
  readonly bytes: number;
}

export interface SealManifest {
  readonly kind: "seal";
  /** `meta.generation` of the snapshot that was sealed; another one has other rows under the same names. */
  readonly generation: number;
  readonly dataset: DatasetName;
  readonly segment: WrittenSegment;
  /** `_seq` of each row in the file. */
  readonly seqs: SeqRanges;
  /** The shared texts of these rows that no file had yet; null when there are none. */
  readonly blobs: { readonly segment: WrittenSegment; readonly ids: readonly number[] } | null;
}

export interface MergeManifest {
  readonly kind: "merge";
  readonly generation: number;
  readonly dataset: DatasetName | "blobs";
  /** null: of the replaced segments no row is alive. */
  readonly segment: WrittenSegment | null;
  /** Files whose rows it has. */
  readonly replaces: readonly string[];
  /** Dead rows that were left out. */
  readonly dropped: SeqRanges;
}

/** A message whose rows are to be hot again. */
export interface UnsealManifest {
  readonly kind: "unseal";
  readonly generation: number;
  /** Id in `nodes`. */
  readonly node: number;
  /** Values in physical order; of a shared text its SHA-256 in hex. */
  readonly rows: readonly { readonly seq: number; readonly values: readonly Stored[] }[];
}

/** An exchange whose row is to be hot again. */
export interface UnsealExchangeManifest {
  readonly kind: "unseal_exchange";
  readonly generation: number;
  readonly seq: number;
  /** In physical order. */
  readonly values: readonly Stored[];
}

export type Manifest = SealManifest | MergeManifest | UnsealManifest | UnsealExchangeManifest;
