// One ended exchange: from its frames in the journal to rows.

import { join } from "node:path";
import type { ExchangeRow } from "../contract/dataset.ts";
import { HypError } from "../contract/errors.ts";
import type { ProjectedRecord } from "../contract/exchange.ts";
import type { CapturedFacts } from "../contract/frame.ts";
import type { AnyClientRecord, SessionContextSource } from "../contract/plugin.ts";
import type { HomePaths } from "../contract/home.ts";
import type { RegisteredProjector } from "../gateway/capability.ts";
import { ExchangeReader } from "../journal/assemble.ts";
import type { Logger } from "../kernel/log.ts";
import type { Telemetry } from "../kernel/telemetry.ts";
import { applyProjection } from "../projection/apply.ts";
import { toRecord } from "../projection/record.ts";
import { NOTHING_SELECTED, type Selection, selectProjection } from "../projection/select.ts";
import type { Catalog } from "../store/catalog.ts";
import type { RunCursor } from "../store/cursors.ts";
import { without } from "../wire/record-bodies.ts";
import { linkExchange } from "./link-record.ts";
import type { EndedExchange } from "./run-follower.ts";

export interface Recording {
  readonly paths: HomePaths;
  readonly catalog: Catalog;
  readonly projectors: readonly RegisteredProjector[];
  readonly contextSources: readonly SessionContextSource[];
  readonly clientRecords: readonly AnyClientRecord[];
  /** Of rows that no gateway carried. */
  readonly gatewayId: string;
  readonly log: Logger;
  readonly telemetry: Telemetry;
}

const QUARANTINED: Selection = { ...NOTHING_SELECTED, status: "quarantined" };

/** An exchange that only has to be stored. */
export interface PreparedExchange {
  readonly ended: EndedExchange;
  readonly captured: CapturedFacts;
  readonly record: ProjectedRecord;
  readonly decodeError: string | null;
  readonly selection: Selection;
}

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
  const reader = readerOf(recording, ended);
  const prepared = await prepareExchange(recording, reader, ended, isQuarantined).finally(() =>
    reader.close(),
  );
  if (prepared !== undefined) return storeExchange(recording, prepared, cursor());
  passOver(recording, ended, cursor());
  return undefined;
}

/** For this exchange and the next ones of the same run. */
export function readerOf({ paths }: Recording, { runId, alive }: EndedExchange): ExchangeReader {
  return new ExchangeReader(join(paths.journal, runId), alive);
}

/** Reads, decodes and projects; changes nothing, but that `ended` holds no bytes any more. Undefined and rejections as `recordExchange`. */
export async function prepareExchange(
  { projectors, log }: Recording,
  reader: ExchangeReader,
  ended: EndedExchange,
  isQuarantined: boolean,
): Promise<PreparedExchange | undefined> {
  const captured = ended.captured ?? reader.read(ended.exchangeId, ended.from, ended.to);
  if (captured === undefined) return undefined;
  const { record, decodeError } = await toRecord(captured);
  const selection = isQuarantined ? QUARANTINED : await selectProjection(record, projectors, log);
  // Others of the group are prepared before this one is stored; its bytes need not wait with it.
  ended.captured = undefined;
  const {
    requestBody: _request,
    response: _response,
    websocket: _websocket,
    socketEvents: _socketEvents,
    ...facts
  } = captured;
  const projected = without(record, "response_body", "stream_events");
  return { ended, captured: facts, record: projected, decodeError, selection };
}

/** In a transaction of its own. */
export function storeExchange(
  recording: Recording,
  prepared: PreparedExchange,
  cursor: RunCursor,
): ExchangeRow {
  const { catalog, log } = recording;
  const store = (exchange: PreparedExchange): ExchangeRow =>
    catalog.transaction(() => {
      catalog.setCursor(exchange.ended.runId, cursor);
      catalog.endAttempts([exchange.ended.exchangeId]);
      return putExchange(recording, exchange);
    });
  try {
    return store(prepared);
  } catch (error) {
    if (isStoreFailure(error)) throw error;
    // What a projector made broke our own code: this exchange is set aside, and nothing waits behind it.
    log.error("aigw.exchange_quarantined", { exchange_id: prepared.ended.exchangeId, error: String(error) });
    return store({ ...prepared, selection: QUARANTINED });
  }
}

/** Writes rows and thread state. In the caller's transaction. */
export function putExchange({ catalog, gatewayId }: Recording, prepared: PreparedExchange): ExchangeRow {
  const { ended } = prepared;
  const applied = applyProjection({
    ...prepared,
    threads: catalog.threads,
    placeAt: (session, time) => catalog.contexts.at(session, time),
  });
  const { record } = prepared;
  const from = Date.parse(record.ts_start);
  const { session_id: sessionId } = applied.exchange;
  const carried = { from, to: from + (record.duration_ms ?? 0), sessionId };
  catalog.putRows(linkExchange(catalog, gatewayId, applied, carried));
  const exchange = asTold(catalog, applied.exchange);
  catalog.putExchange(exchange, ended);
  return exchange;
}

/** An exchange whose conversation the wire did not name, under the names that the client's record has. */
function asTold({ threads, records }: Catalog, exchange: ExchangeRow): ExchangeRow {
  const { conversation_id: id, session_id: session } = exchange;
  const conversation = id === null ? undefined : threads.conversation(id);
  if (conversation?.namedAfter === undefined) return exchange;
  return {
    ...exchange,
    conversation_id: conversation.id,
    session_id: session ?? records.session(conversation.id) ?? null,
  };
}

/** Of an exchange about which nothing can be said. */
export function passOver({ catalog }: Recording, ended: EndedExchange, cursor: RunCursor): void {
  catalog.transaction(() => {
    catalog.setCursor(ended.runId, cursor);
    catalog.endAttempts([ended.exchangeId]);
  });
}

/** Whether the store itself failed, and not our code over what a projector made. */
export function isStoreFailure(error: unknown): boolean {
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
