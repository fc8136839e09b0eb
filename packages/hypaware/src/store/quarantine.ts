import type { Database } from "./database.ts";

/**
 * Remembers whose projection began and did not end: what crashes the recorder twice must not crash it for ever. All that
 * begins is durable before it returns, so it must stand outside the transaction that a crash rolls back; it throws inside one.
 */
export class Quarantine {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** How often projecting this exchange alone has begun without an end, this time included. */
  begin(exchangeId: string): number {
    this.#requireNoTransaction();
    return this.#database.get<{ count: number }>(
      `INSERT INTO projection_attempts VALUES (?, 1)
       ON CONFLICT (exchange_id) DO UPDATE SET count = count + 1 RETURNING count`,
      exchangeId,
    )!.count;
  }

  /** Of several together. Which one it was is not known, so none is counted. */
  note(exchangeIds: readonly string[]): void {
    this.#requireNoTransaction();
    this.#database.run(
      "INSERT INTO projection_attempts SELECT value, 0 FROM json_each(?) WHERE true ON CONFLICT DO NOTHING",
      JSON.stringify(exchangeIds),
    );
  }

  /** Those that have begun, alone or together with others, and not ended. */
  begun(): string[] {
    return this.#database
      .all<{ id: string }>("SELECT exchange_id AS id FROM projection_attempts")
      .map(({ id }) => id);
  }

  end(exchangeIds: readonly string[]): void {
    this.#database.run(
      "DELETE FROM projection_attempts WHERE exchange_id IN (SELECT value FROM json_each(?))",
      JSON.stringify(exchangeIds),
    );
  }

  #requireNoTransaction(): void {
    if (this.#database.inTransaction)
      throw new Error("an attempt must be counted before the transaction begins");
  }
}
