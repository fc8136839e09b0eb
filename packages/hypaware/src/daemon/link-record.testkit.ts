import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MESSAGE_COLUMNS, type MessageRow } from "../contract/dataset.ts";
import type { ExchangeRecord } from "../contract/exchange.ts";
import { homePaths } from "../contract/home.ts";
import type { RecordedResponse, RecordEntry, RecordNode } from "../contract/record.ts";
import type { RegisteredProjector } from "../gateway/capability.ts";
import { createLogger } from "../kernel/log.ts";
import { NO_TELEMETRY } from "../kernel/telemetry.ts";
import { exchange } from "../projection/exchange.testkit.ts";
import { selectProjection } from "../projection/select.ts";
import { type Catalog, openCatalog } from "../store/catalog.ts";
import { decode } from "../store/encoding.ts";
import { maintainStore } from "../store/maintain.ts";
import { Snapshot } from "../store/snapshot.ts";
import { linkEntries, showUnsealed } from "./link-record.ts";
import { type PreparedExchange, putExchange, type Recording } from "./record-exchange.ts";

const GATEWAY = "hypaware-local";
const log = createLogger([]);

/** An exchange as the recorder has it before it is stored. */
export async function prepare(
  given: ExchangeRecord,
  projector: RegisteredProjector,
): Promise<PreparedExchange> {
  const { captured: facts } = exchange({
    id: given.exchange_id,
    status: given.status_code,
    outcome: given.outcome,
    upstream: given.upstream,
  });
  const record = { ...given, error: given.error ?? facts.end.error };
  const selection = await selectProjection(record, [projector], log);
  const place = { segment: 1, offset: 0 };
  return {
    ended: {
      runId: "run",
      exchangeId: record.exchange_id,
      from: place,
      to: place,
      endedAt: 0,
      alive: false,
      mayBeStored: false,
      captured: undefined,
    },
    captured: { ...facts, open: { ...facts.open, startedAt: Date.parse(record.ts_start) } },
    record,
    decodeError: null,
    selection,
  };
}

/** A store in a folder of its own, to which exchanges and entries come as a test wants. */
export class LinkedStore {
  readonly #folder = mkdtempSync(join(tmpdir(), "hyp-linked-"));
  readonly path = join(this.#folder, "catalog.sqlite");
  #catalog: Catalog = openCatalog(this.path);

  get catalog(): Catalog {
    return this.#catalog;
  }

  exchange(prepared: PreparedExchange): void {
    const recording: Recording = {
      paths: homePaths(this.#folder),
      catalog: this.#catalog,
      projectors: [],
      contextSources: [],
      clientRecords: [],
      gatewayId: GATEWAY,
      log,
      telemetry: NO_TELEMETRY,
    };
    this.#catalog.transaction(() => putExchange(recording, prepared));
  }

  entries(entries: readonly RecordEntry[], responses: readonly RecordedResponse[] = []): void {
    this.#catalog.transaction(() => linkEntries(this.#catalog, GATEWAY, { entries, responses }));
  }

  restart(): void {
    this.#catalog.close();
    this.#catalog = openCatalog(this.path);
  }

  /** What waits for it is made hot; everything that is settled is sealed where `seal` says so. */
  async maintain(seal: boolean): Promise<void> {
    await maintainStore({
      catalog: this.#catalog,
      catalogPath: this.path,
      segmentsDir: join(this.#folder, "segments"),
      tmpDir: join(this.#folder, "tmp"),
      settledBefore: seal ? Date.now() : 0,
      minRows: 1,
      onUnsealed: (node) => showUnsealed(this.#catalog, GATEWAY, node),
    });
  }

  /** Hot ones, by part id. */
  rows(): ReadonlyMap<string, MessageRow> {
    const snapshot = Snapshot.open(this.path);
    try {
      const names = MESSAGE_COLUMNS.map(({ name }) => name);
      const rows = Array.from(
        { [Symbol.iterator]: () => snapshot.scan("ai_gateway_messages", names) },
        (values) => {
          const row = Object.fromEntries(
            MESSAGE_COLUMNS.map((column, i) => {
              const value = values[i]!;
              const isShared = column.name === "system_text" || column.name === "tools";
              return [
                column.name,
                isShared ? (value === null ? null : snapshot.blob(value as number)) : decode(column, value),
              ];
            }),
          ) as unknown as MessageRow;
          return [row.part_id, row] as const;
        },
      );
      return new Map(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
    } finally {
      snapshot.close();
    }
  }

  /** Every entry of every conversation, oldest first. */
  known(): readonly RecordNode[] {
    const { records } = this.#catalog;
    return records.conversations().flatMap((id) => records.of(id));
  }

  close(): void {
    this.#catalog.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
