import { DATASETS } from "../contract/dataset.ts";
import type { DatasetName } from "../contract/dataset.ts";
import { LIMITS } from "../contract/limits.ts";
import type { Catalog } from "./catalog.ts";

/** Whether it is worth a child: enough settled hot rows, or some that wait for long. `now`: milliseconds since 1970. */
export function needsSeal(catalog: Catalog, now = Date.now()): boolean {
  const isDue = now - catalog.segments.lastSealedAt() >= LIMITS.sealAgeMs;
  return (Object.keys(DATASETS) as DatasetName[]).some((dataset) => {
    const { rows, oldest } = catalog.settled(dataset, now - LIMITS.settleMs);
    return rows >= LIMITS.sealFromRows || (isDue && oldest !== null && now - oldest >= LIMITS.sealAgeMs);
  });
}
