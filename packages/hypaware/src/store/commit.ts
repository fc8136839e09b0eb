import type { Catalog } from "./catalog.ts";
import type {
  Manifest,
  MergeManifest,
  SealManifest,
  UnsealExchangeManifest,
  UnsealManifest,
} from "./manifest.ts";
import { requireWhole } from "./segments.ts";

/** `stale`: the rows were made anew meanwhile, or a merge came first. The file stays an orphan until the next sweep. */
export type Committed = "committed" | "stale";

/** One transaction: afterwards the rows are in the file and not hot, or nothing changed. For who holds the recorder's lock. */
export function commitSeal(catalog: Catalog, manifest: SealManifest): Committed {
  requireWhole(manifest);
  return catalog.transaction(() => {
    if (catalog.segments.generation() !== manifest.generation) return "stale";
    catalog.segments.commitSeal(manifest, Date.now());
    return "committed";
  });
}

/** One transaction: afterwards the one file stands for the many, or nothing changed. */
export function commitMerge(catalog: Catalog, manifest: MergeManifest): Committed {
  return catalog.transaction(() => {
    if (catalog.segments.generation() !== manifest.generation) return "stale";
    return catalog.segments.commitMerge(manifest, Date.now()) ? "committed" : "stale";
  });
}

/** One transaction: afterwards the message's rows are hot, and `change` has changed them; or nothing changed. */
function commitUnseal(catalog: Catalog, manifest: UnsealManifest, change: (node: number) => void): Committed {
  return catalog.transaction(() => {
    if (catalog.segments.generation() !== manifest.generation) return "stale";
    for (const { seq, values } of manifest.rows) catalog.unsealRow(seq, values);
    catalog.records.unsealed(manifest.node);
    change(manifest.node);
    return "committed";
  });
}

function commitUnsealExchange(
  catalog: Catalog,
  { generation, seq, values }: UnsealExchangeManifest,
): Committed {
  return catalog.transaction(() => {
    if (catalog.segments.generation() !== generation) return "stale";
    catalog.unsealExchange(seq, values);
    return "committed";
  });
}

/** `onUnsealed`: within the transaction. */
export function commitManifest(
  catalog: Catalog,
  manifest: Manifest,
  onUnsealed: (node: number) => void = () => {},
): Committed {
  switch (manifest.kind) {
    case "seal":
      return commitSeal(catalog, manifest);
    case "merge":
      return commitMerge(catalog, manifest);
    case "unseal":
      return commitUnseal(catalog, manifest, onUnsealed);
    case "unseal_exchange":
      return commitUnsealExchange(catalog, manifest);
  }
}
