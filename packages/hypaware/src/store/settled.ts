import type { DatasetName } from "../contract/dataset.ts";
import { LIMITS } from "../contract/limits.ts";
import type { Database } from "./database.ts";
import { storedColumns } from "./layout.ts";

// Settled = not expected to change: the row's conversation had no exchange after the given time, nor has its client's record grown, nor
// is the row itself younger, nor is its name one that may be taken back. The sealed exchanges of a conversation are older than its hot ones and need not be asked.

const ACTIVE = `
  SELECT conversation_id FROM ai_gateway_exchanges
  WHERE coalesce(ended_at, started_at) > ?1 AND conversation_id IS NOT NULL
  UNION ALL SELECT id FROM record_conversations WHERE grown_at > ?1`;
const LOOSE = "SELECT message_id FROM record_messages WHERE bond = 2";

const CONDITIONS = {
  ai_gateway_messages: `message_created_at <= ?1 AND conversation_id NOT IN (${ACTIVE}) AND message_id NOT IN (${LOOSE})`,
  ai_gateway_exchanges: "coalesce(ended_at, started_at, 0) <= ?1",
} as const satisfies Record<DatasetName, string>;

/** How a segment is sorted: what is read together lies together. */
export const SEGMENT_ORDER = {
  ai_gateway_messages: "conversation_id, message_index, part_index, _seq",
  ai_gateway_exchanges: "started_at, _seq",
  blobs: "sha256",
} as const satisfies Record<DatasetName | "blobs", string>;

const AGE = { ai_gateway_messages: "message_created_at", ai_gateway_exchanges: "started_at" } as const;

/** Numbers of the settled hot rows in groups of one sealing each. `before`: milliseconds since 1970. */
export function settledGroups(database: Database, dataset: DatasetName, before: number): number[][] {
  // octet_length reads no page of a long value.
  const bytes = storedColumns(dataset)
    .map(({ name }) => `coalesce(octet_length("${name}"), 0)`)
    .join(" + ");
  const groups: number[][] = [];
  let held = 0;
  for (const row of database.all<{ seq: number; bytes: number }>(
    `SELECT _seq AS seq, ${bytes} AS bytes FROM ${dataset} WHERE ${CONDITIONS[dataset]}
     ORDER BY ${SEGMENT_ORDER[dataset]}`,
    before,
  )) {
    const last = groups.at(-1);
    if (last === undefined || last.length >= LIMITS.sealRows || held + row.bytes > LIMITS.sealBytes) {
      groups.push([row.seq]);
      held = row.bytes;
    } else {
      last.push(row.seq);
      held += row.bytes;
    }
  }
  return groups;
}

export interface SettledFacts {
  readonly rows: number;
  /** Time of the oldest one, milliseconds since 1970. */
  readonly oldest: number | null;
}

export function settledFacts(database: Database, dataset: DatasetName, before: number): SettledFacts {
  return database.get<SettledFacts>(
    `SELECT count(*) AS rows, min(${AGE[dataset]}) AS oldest FROM ${dataset} WHERE ${CONDITIONS[dataset]}`,
    before,
  )!;
}
