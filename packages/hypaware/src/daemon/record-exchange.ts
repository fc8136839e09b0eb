// One ended exchange: from its frames in the journal to rows, in one transaction of the store.

import { join } from "node:path";
import type { ExchangeRow } from "../contract/dataset.ts";
import { HypError } from "../contract/errors.ts";
import { LIMITS } from "../contract/limits.ts";
import type { HomePaths } from "../contract/home.ts";
import type { RegisteredProjector } from "../gateway/capability.ts";
import { readExchange } from "../journal/assemble.ts";
import type { Logger } from "../kernel/log.ts";
import type { Telemetry } from "../kernel/telemetry.ts";
import { applyProjection } from "../projection/apply.ts";
import { toRecord } from "../projection/record.ts";
import { NOTHING_SELECTED, type Selection, selectProjection } from "../projection/select.ts";
import type { Catalog } from "../store/catalog.ts";
import type { RunCursor } from "../store/cursors.ts";
import type { EndedExchange } from "./run-follower.ts";

export interface Recording {
  readonly paths: HomePaths;
  readonly catalog: Catalog;
  readonly projectors: readonly RegisteredProjector[];
  readonly log: Logger;
  readonly telemetry: Telemetry;
}

const QUARANTINED: Selection = { ...NOTHING_SELECTED, status: "quarantined" };

/**
 * Projects one exchange and stores it together with the cursor behind it: rows, thread state and cursor move in one
 * transaction, so an exchange is stored exactly once. Undefined: its open frame is damaged, nothing can be said about it.
 * Rejects when the journal cannot be read or the store not be written; then nothing has changed.
 */
export async function recordExchange(
  recording: Recording,
  ended: EndedExchange,
  cursor: () => RunCursor,
  isQuarantined: boolean,
): Promise<ExchangeRow | undefined> {
  const { catalog, log } = recording;
  const run = join(recording.paths.journal, ended.runId);
  const captured = await readExchange(run, ended.exchangeId, ended.from, ended.to, ended.alive);
  if (captured === undefined) {
    catalog.transaction(() => catalog.setCursor(ended.runId, cursor()));
    return undefined;
  }
  const decoded = await toRecord(captured);
  const store = (selection: Selection): ExchangeRow =>
    catalog.transaction(() => {
      const applied = applyProjection({ ...decoded, captured, selection, threads: catalog.threads });
      catalog.putRows(applied.rows);
      catalog.putExchange(applied.exchange, ended);
      catalog.setCursor(ended.runId, cursor());
      return applied.exchange;
    });
  const selection = isQuarantined
    ? QUARANTINED
    : await selectProjection(decoded.record, recording.projectors, log);
  try {
    return store(selection);
  } catch (error) {
    if (isStoreFailure(error)) throw error;
    // What a projector made broke our own code: this exchange is set aside, and nothing waits behind it.
    log.error("aigw.exchange_quarantined", { exchange_id: ended.exchangeId, error: String(error) });
    return store(QUARANTINED);
  }
}

/** Whether this exchange has taken the recorder down before, so often that it is set aside. Counts this attempt. */
export function countAttempt(catalog: Catalog, exchangeId: string): boolean {
  return catalog.beginAttempt(exchangeId) > LIMITS.quarantineTries;
}

function isStoreFailure(error: unknown): boolean {
  return error instanceof HypError || (error as { code?: unknown }).code === "ERR_SQLITE_ERROR";
}

const PLUGIN = { hyp_plugin: "@hypaware/ai-gateway" };

/** Tells logs and meters of an exchange that was stored for the first time. */
export function announceExchange({ log, telemetry }: Recording, exchange: ExchangeRow): void {
  const runId = exchange.attributes?.["dev_run_id"];
  log.info("aigw.exchange", {
    ...PLUGIN,
    upstream: exchange.upstream,
    path: exchange.path,
    status_code: exchange.status_code ?? 0,
    request_bytes: exchange.request_bytes,
    response_bytes: exchange.response_bytes,
    is_sse: exchange.is_sse,
    rows_written: exchange.rows_written,
    ...(typeof runId === "string" && { dev_run_id: runId }),
  });
  const bytes = (exchange.request_bytes ?? 0) + (exchange.response_bytes ?? 0);
  telemetry.add("aigw.exchange_bytes", bytes, { ...PLUGIN, hyp_upstream: exchange.upstream ?? "" });
  if (exchange.rows_written === 0) return;
  const attributes = { ...PLUGIN, hyp_dataset: "ai_gateway_messages" };
  telemetry.add("hyp_rows_written", exchange.rows_written, attributes);
}
