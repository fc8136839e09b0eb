import type { ExchangeRow } from "../contract/dataset.ts";
import type { JournalPosition } from "../contract/frame.ts";
import { compactHex, compactHexRange, hexOf, nameOf } from "./compact.ts";
import type { Compact } from "./compact.ts";
import type { Database } from "./database.ts";
import { DatasetTable } from "./dataset-table.ts";
import { decode, encode } from "./encoding.ts";
import type { Stored } from "./encoding.ts";
import { unsealExchangesLater } from "./join-threads.ts";
import { storedColumns } from "./layout.ts";

/** Where an exchange's frames lie: from its `open` to the end of its `close`. */
export interface ExchangeSpan {
  readonly runId: string;
  readonly from: JournalPosition;
  readonly to: JournalPosition;
}

export interface StoredExchange {
  readonly exchangeId: string;
  /** null: it is sealed, and its row is read by a query. */
  readonly row: ExchangeRow | null;
  readonly span: ExchangeSpan;
}

/** What is asked of every exchange of a store at once. */
export interface StoredPlace {
  readonly exchangeId: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number | null;
  readonly conversationId: string | null;
  readonly projector: string | null;
  readonly retryOf: string | null;
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
export const SPAN_COLUMNS = ["_run", "_from_segment", "_from_offset", "_to_segment", "_to_offset"] as const;
/** Of hot exchanges and of sealed ones with their kinds. */
const PLACE_COLUMNS = `exchange_id, started_at, conversation_id, projector, retry_of, ${SPAN_COLUMNS.join(", ")}`;
const NOT_PROJECTED = "decode_status IN ('no_projector', 'failed', 'pending')";

/** What is asked of hot and sealed ones alike. Counts stand for exchanges with all this in common. */
const TALLIES = `
  SELECT client_name, decode_status, count(*) AS exchanges, max(started_at) AS last_at
  FROM ai_gateway_exchanges GROUP BY 1, 2
  UNION ALL SELECT client_name, decode_status, exchanges, last_at FROM exchange_kinds JOIN (
    SELECT kind, count(*) AS exchanges, max(started_at) AS last_at FROM sealed_exchanges GROUP BY kind
  ) USING (kind)`;
const SEALED = `SELECT exchange_id, ${SPAN_COLUMNS.join(", ")} FROM sealed_exchanges JOIN exchange_kinds USING (kind)`;
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
      this.#database.get("SELECT 1 FROM ai_gateway_exchanges WHERE exchange_id = ?", id) !== undefined ||
      this.#database.get("SELECT 1 FROM sealed_exchanges WHERE exchange_id = ?", compactHex(id)) !== undefined
    );
  }

  put(row: ExchangeRow, { runId, from, to }: ExchangeSpan): void {
    const values = COLUMNS.map((column) => encode(column, row[column.name as keyof ExchangeRow]));
    this.#database.transaction(() =>
      this.upsert(row.exchange_id, [runId, from.segment, from.offset, to.segment, to.offset, ...values]),
    );
  }

  /** Those of an inferred conversation belong to this one now; sealed ones wait until they are hot. Needs a transaction. */
  rejoin(inferred: string, conversationId: string, sessionId: string | undefined): void {
    for (const { id, session } of this.#database.all<{ id: string; session: string | null }>(
      "SELECT exchange_id AS id, session_id AS session FROM ai_gateway_exchanges WHERE conversation_id = ?",
      inferred,
    ))
      this.amend(id, { conversation_id: conversationId, session_id: session ?? sessionId ?? null });
    unsealExchangesLater(this.#database, inferred);
  }

  /** Values in physical order. Nothing when it was changed since. `conversationOf`: what an inferred one is now. Needs a transaction. */
  unseal(
    seq: number,
    values: readonly Stored[],
    conversationOf: (
      id: string,
    ) => { readonly id: string; readonly sessionId: string | undefined } | undefined,
  ): void {
    const row = rowOf(Object.fromEntries(COLUMNS.map(({ name }, i) => [name, values[i] ?? null])));
    const sealed = this.#database.get<SealedColumns>(
      `${SEALED} WHERE seq = ? AND exchange_id = ?`,
      seq,
      compactHex(row.exchange_id),
    );
    this.#database.run("DELETE FROM unsealing_exchanges WHERE exchange_id = ?", compactHex(row.exchange_id));
    const now = row.conversation_id === null ? undefined : conversationOf(row.conversation_id);
    if (sealed === undefined || now === undefined) return;
    const session = row.session_id ?? now.sessionId ?? null;
    this.put({ ...row, conversation_id: now.id, session_id: session }, spanIn(sealed));
  }

  /** By its id, or by the beginning of one. */
  find(idOrPrefix: string): StoredExchange | "ambiguous" | undefined {
    const database = this.#database;
    const found = [
      ...database
        .all<Record<string, Stored>>(`SELECT * FROM ai_gateway_exchanges ${BY_ID}`, idOrPrefix)
        .map(stored),
      ...[
        ...database.all<SealedColumns>(
          `${SEALED} WHERE exchange_id BETWEEN ?1 AND ?2 LIMIT 2`,
          ...(compactHexRange(idOrPrefix) ?? [null, null]),
        ),
        ...database.all<SealedColumns>(`${SEALED} ${BY_ID}`, idOrPrefix),
      ].map((columns) => ({ exchangeId: hexOf(columns.exchange_id), row: null, span: spanIn(columns) })),
    ];
    const exact = found.find(({ exchangeId }) => exchangeId === idOrPrefix);
    return exact === undefined && found.length > 1 ? "ambiguous" : (exact ?? found[0]);
  }

  /** Rows written after `seq`, in the order of writing. */
  since(seq: number, limit: number): { readonly seq: number; readonly row: ExchangeRow }[] {
    return this.#database
      .all<Record<string, Stored>>(
        "SELECT * FROM ai_gateway_exchanges WHERE _seq > ? ORDER BY _seq LIMIT ?",
        seq,
        limit,
      )
      .map((columns) => ({ seq: columns["_seq"] as number, row: rowOf(columns) }));
  }

  /** Exchanges written after `seq`, hot and sealed, one by one. */
  *placesSince(seq: number): Generator<StoredPlace> {
    const places = this.#database.iterate(
      `SELECT ${PLACE_COLUMNS} FROM ai_gateway_exchanges WHERE _seq > ?1
       UNION ALL SELECT ${PLACE_COLUMNS} FROM sealed_exchanges JOIN exchange_kinds USING (kind) WHERE seq > ?1`,
      seq,
    ) as Iterator<[Compact, number | null, Compact | null, string | null, Compact | null, ...Stored[]]>;
    for (let next = places.next(); next.done !== true; next = places.next()) {
      const [id, startedAt, conversation, projector, retryOf, ...span] = next.value;
      yield {
        exchangeId: hexOf(id),
        startedAt,
        conversationId: conversation && nameOf(conversation),
        projector,
        retryOf: retryOf && hexOf(retryOf),
        span: spanOf(span),
      };
    }
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
      .all<{ id: Compact }>(
        `SELECT exchange_id AS id, started_at, _seq FROM ai_gateway_exchanges WHERE decode_status = ?1
         UNION ALL SELECT exchange_id, started_at, seq FROM sealed_exchanges
           WHERE kind IN (SELECT kind FROM exchange_kinds WHERE decode_status = ?1)
         ORDER BY 2, 3`,
        decodeStatus,
      )
      .map(({ id }) => hexOf(id));
  }

  unprojected(): number {
    return this.#database.get<{ rows: number }>(
      `SELECT coalesce(sum(exchanges), 0) AS rows FROM (${TALLIES}) WHERE ${NOT_PROJECTED}`,
    )!.rows;
  }

  /** Start of the newest one, ISO 8601. */
  lastAt(): string | null {
    return isoOrNull(
      this.#database.get<{ at: number | null }>(`SELECT max(last_at) AS at FROM (${TALLIES})`)!.at,
    );
  }

  clients(): ClientCount[] {
    return this.#database
      .all<{ client: string | null; exchanges: number; at: number | null }>(
        `SELECT client_name AS client, sum(exchanges) AS exchanges, max(last_at) AS at
         FROM (${TALLIES}) GROUP BY client_name ORDER BY 2 DESC, client`,
      )
      .map(({ client, exchanges, at }) => ({ client, exchanges, lastAt: isoOrNull(at) }));
  }
}

type SpanColumns = Record<(typeof SPAN_COLUMNS)[number], Stored>;
type SealedColumns = SpanColumns & { readonly exchange_id: Compact };

function stored(columns: Record<string, Stored>): StoredExchange {
  const row = rowOf(columns);
  return { exchangeId: row.exchange_id, row, span: spanIn(columns as SpanColumns) };
}

function rowOf(columns: Record<string, Stored>): ExchangeRow {
  return Object.fromEntries(
    COLUMNS.map((column) => [column.name, decode(column, columns[column.name]!)]),
  ) as unknown as ExchangeRow;
}

function spanIn(columns: SpanColumns): ExchangeSpan {
  return spanOf(SPAN_COLUMNS.map((name) => columns[name]));
}

/** From the values of `SPAN_COLUMNS`. */
function spanOf([run, fromSegment, fromOffset, toSegment, toOffset]: readonly Stored[]): ExchangeSpan {
  return {
    runId: run as string,
    from: { segment: fromSegment as number, offset: fromOffset as number },
    to: { segment: toSegment as number, offset: toOffset as number },
  };
}

const isoOrNull = (milliseconds: number | null): string | null =>
  milliseconds === null ? null : new Date(milliseconds).toISOString();
