import { expect } from "vitest";
import type { MessageRow } from "../contract/dataset.ts";
import type { ExchangeRecord } from "../contract/exchange.ts";
import type { ExchangeProjector } from "../contract/projection.ts";
import { applyProjection } from "./apply.ts";
import { exchange as captured, memoryLog } from "./exchange.testkit.ts";
import { selectProjection } from "./select.ts";
import { memoryThreads } from "./thread-memory.ts";

/** Rows of exchanges that are stored in this order, by part: none is stored twice. */
export async function storedRows(
  records: readonly ExchangeRecord[],
  projectors: readonly ExchangeProjector[],
): Promise<readonly MessageRow[]> {
  const threads = memoryThreads();
  const rows = new Map<string, MessageRow>();
  for (const record of records) {
    const { exchange_id: id, outcome, status_code: status } = record;
    const selection = await selectProjection(record, projectors, memoryLog().log);
    const { rows: fresh } = applyProjection({
      record,
      captured: captured({ id, outcome, status }).captured,
      selection,
      threads,
      decodeError: null,
    });
    for (const row of fresh) {
      expect(rows.has(row.part_id), `${row.part_id} is stored once`).toBe(false);
      rows.set(row.part_id, row);
    }
  }
  return [...rows.values()];
}
