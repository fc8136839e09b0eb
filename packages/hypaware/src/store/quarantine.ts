import type { Database } from "./database.ts";

/** Counts the starts of projections that never came to an end: what crashes the recorder twice must not crash it for ever. */
export class Quarantine {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * How often projecting this exchange has begun without an end, this time included. Durable before it returns, so it must
   * stand outside the transaction that a crash rolls back; throws inside one.
   */
  begin(exchangeId: string): number {
    if (this.#database.inTransaction)
      throw new Error("an attempt must be counted before the transaction begins");
    return this.#database.get<{ count: number }>(
      `INSERT INTO projection_attempts VALUES (?, 1)
       ON CONFLICT (exchange_id) DO UPDATE SET count = count + 1 RETURNING count`,
      exchangeId,
    )!.count;
  }

  end(exchangeId: string): void {
    this.#database.run("DELETE FROM projection_attempts WHERE exchange_id = ?", exchangeId);
  }
}
