import { inflateRawSync } from "node:zlib";
import type { ExchangeRow } from "../contract/dataset.ts";
import type { JournalPosition } from "../contract/frame.ts";
import type { Database } from "./database.ts";
import { DatasetTable } from "./dataset-table.ts";
import { decode, encode } from "./encoding.ts";
import type { Stored } from "./encoding.ts";
import { storedColumns } from "./layout.ts";

/** Where an exchange's frames lie: from its `open` to the end of its `close`. */
export interface ExchangeSpan {
  readonly runId: string;
  readonly from: JournalPosition;
  readonly to: JournalPosition;
}

export interface StoredExchange {
  readonly row: ExchangeRow;
  readonly span: ExchangeSpan;
}

export interface ClientCount {
  /** null: the client did not say who it is. */
  readonly client: string | null;
  readonly exchanges: number;
  /** ISO 8601. */
  readonly lastAt: string | null;
}

const COLUMNS = storedColumns("ai_gateway_exchanges");
const SPAN_COLUMNS = ["_run", "_from_segment", "_from_offset", "_to_segment", "_to_offset"] as const;
const NOT_PROJECTED = "decode_status IN ('no_projector', 'failed', 'pending')";

/** One row per exchange, with its place: hot rows as they are, sealed ones as `sealed_exchanges` keeps them. */
const PLACES = `
  SELECT exchange_id, started_at, decode_status, client_name FROM ai_gateway_exchanges
  UNION ALL SELECT exchange_id, started_at, decode_status, client_name FROM sealed_exchanges`;
const BY_ID = "WHERE exchange_id >= ?1 AND exchange_id < ?1 || char(0x10FFFF) ORDER BY exchange_id LIMIT 2";

/** `ai_gateway_exchanges`: the hot tier, and what is asked about sealed ones without an engine. */
export class Exchanges extends DatasetTable {
  readonly #database: Database;

  constructor(database: Database) {
    super(database, "ai_gateway_exchanges", SPAN_COLUMNS);
    this.#database = database;
  }

  has(id: string): boolean {
    return (
      this.#database.get(
        `SELECT 1 FROM ai_gateway_exchanges WHERE exchange_id = ?1
         UNION ALL SELECT 1 FROM sealed_exchanges WHERE exchange_id = ?1`,
        id,
      ) !== undefined
    );
  }

  put(row: ExchangeRow, { runId, from, to }: ExchangeSpan): void {
    const values = COLUMNS.map((column) => encode(column, row[column.name as keyof ExchangeRow]));
    this.#database.transaction(() =>
      this.upsert(row.exchange_id, [runId, from.segment, from.offset, to.segment, to.offset, ...values]),
    );
  }

  /** By its id, or by the beginning of one. */
  find(idOrPrefix: string): StoredExchange | "ambiguous" | undefined {
    const found = [
      ...this.#database.all<Record<string, Stored>>(
        `SELECT * FROM ai_gateway_exchanges ${BY_ID}`,
        idOrPrefix,
      ),
      ...this.#database
        .all<SealedColumns>(`SELECT * FROM sealed_exchanges JOIN batches ON id = batch ${BY_ID}`, idOrPrefix)
        .map(unpacked),
    ];
    const exact = found.find((columns) => columns["exchange_id"] === idOrPrefix);
    if (exact === undefined && found.length > 1) return "ambiguous";
    const one = exact ?? found[0];
    return one && stored(one);
  }

  /** Rows written after `seq`, in the order of writing. */
  since(seq: number, limit: number): { readonly seq: number; readonly row: ExchangeRow }[] {
    return this.#database
      .all<Record<string, Stored>>(
        "SELECT * FROM ai_gateway_exchanges WHERE _seq > ? ORDER BY _seq LIMIT ?",
        seq,
        limit,
      )
      .map((columns) => ({ seq: columns["_seq"] as number, row: stored(columns).row }));
  }

  /** Number of the `count`-th newest write: what `since` wants to give the last ones. 0 when there are fewer. */
  seqOfLast(count: number): number {
    const found = this.#database.get<{ seq: number }>(
      "SELECT _seq AS seq FROM ai_gateway_exchanges ORDER BY _seq DESC LIMIT 1 OFFSET ?",
      count,
    );
    return found?.seq ?? 0;
  }

  /** The hot ones of a session. */
  ofSession(session: string): readonly { readonly id: string; readonly startedAt: number }[] {
    return this.#database.all<{ id: string; startedAt: number }>(
      "SELECT exchange_id AS id, started_at AS startedAt FROM ai_gateway_exchanges WHERE session_id = ?",
      session,
    );
  }

  /** Ids, oldest first. */
  withStatus(decodeStatus: ExchangeRow["decode_status"]): string[] {
    return this.#database
      .all<{ id: string }>(
        `SELECT exchange_id AS id, started_at, _seq FROM ai_gateway_exchanges WHERE decode_status = ?1
         UNION ALL SELECT exchange_id, started_at, seq FROM sealed_exchanges WHERE decode_status = ?1
         ORDER BY 2, 3`,
        decodeStatus,
      )
      .map(({ id }) => id);
  }

  unprojected(): number {
    return this.#database.get<{ rows: number }>(
      `SELECT count(*) AS rows FROM (${PLACES}) WHERE ${NOT_PROJECTED}`,
    )!.rows;
  }

  /** Start of the newest one, ISO 8601. */
  lastAt(): string | null {
    return isoOrNull(
      this.#database.get<{ at: number | null }>(`SELECT max(started_at) AS at FROM (${PLACES})`)!.at,
    );
  }

  clients(): ClientCount[] {
    return this.#database
      .all<{ client: string | null; exchanges: number; at: number | null }>(
        `SELECT client_name AS client, count(*) AS exchanges, max(started_at) AS at
         FROM (${PLACES}) GROUP BY client_name ORDER BY exchanges DESC, client`,
      )
      .map(({ client, exchanges, at }) => ({ client, exchanges, lastAt: isoOrNull(at) }));
  }
}

type SealedColumns = Record<(typeof SPAN_COLUMNS)[number], Stored> & {
  readonly row: Uint8Array;
  readonly sample: Uint8Array;
};

function unpacked(sealed: SealedColumns): Record<string, Stored> {
  const values = JSON.parse(
    inflateRawSync(sealed.row, { dictionary: sealed.sample }).toString("utf8"),
  ) as Stored[];
  return {
    ...Object.fromEntries(COLUMNS.map(({ name }, i) => [name, values[i] ?? null])),
    ...Object.fromEntries(SPAN_COLUMNS.map((name) => [name, sealed[name]])),
  };
}

function stored(columns: Record<string, Stored>): StoredExchange {
  const [run, fromSegment, fromOffset, toSegment, toOffset] = SPAN_COLUMNS.map((name) => columns[name]);
  return {
    row: Object.fromEntries(
      COLUMNS.map((column) => [column.name, decode(column, columns[column.name]!)]),
    ) as unknown as ExchangeRow,
    span: {
      runId: run as string,
      from: { segment: fromSegment as number, offset: fromOffset as number },
      to: { segment: toSegment as number, offset: toOffset as number },
    },
  };
}

const isoOrNull = (milliseconds: number | null): string | null =>
  milliseconds === null ? null : new Date(milliseconds).toISOString();
