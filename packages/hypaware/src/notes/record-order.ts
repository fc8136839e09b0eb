import type { Stats } from "node:fs";
import type { ClientRecord } from "../contract/record.ts";

/**
 * When a file of a record came into being, milliseconds since 1970. One that was brought from another machine or a backup is younger than
 * what was written to it last.
 */
export function bornMsOf(
  record: ClientRecord,
  path: string,
  { birthtimeMs, mtimeMs }: Pick<Stats, "birthtimeMs" | "mtimeMs">,
): number {
  return record.bornAt?.(path) ?? Math.min(birthtimeMs, mtimeMs);
}
