import type { Database } from "./database.ts";

/** Small facts about the store itself, such as the writer's heartbeat. */
export class Meta {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  get(key: string): string | undefined {
    return this.#database.get<{ value: string }>("SELECT value FROM meta WHERE key = ?", key)?.value;
  }

  set(key: string, value: string): void {
    this.#database.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", key, value);
  }
}
