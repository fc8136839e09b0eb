import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { JsonObject } from "../../contract/plugin.ts";
import type { Tables } from "./fixtures.testkit.ts";

/** As the client makes them, without what nobody reads here. */
const SCHEMA = `
  CREATE TABLE session (id text PRIMARY KEY, parent_id text, directory text NOT NULL, version text NOT NULL, time_created integer NOT NULL, time_updated integer NOT NULL);
  CREATE TABLE message (id text PRIMARY KEY, session_id text NOT NULL, time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL);
  CREATE TABLE part (id text PRIMARY KEY, message_id text NOT NULL, session_id text NOT NULL, time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL);`;
const COLUMNS = {
  session: ["id", "parent_id", "directory", "version", "time_created", "time_updated"],
  message: ["id", "session_id", "time_created", "time_updated", "data"],
  part: ["id", "message_id", "session_id", "time_created", "time_updated", "data"],
} as const;

/** The client's database in a home folder, open as the client has it while it runs. */
export class ClientsDatabase {
  readonly path: string;
  readonly connection: DatabaseSync;

  constructor(home: string) {
    this.path = join(home, ".local", "share", "opencode", "opencode.db");
    mkdirSync(dirname(this.path), { recursive: true });
    this.connection = new DatabaseSync(this.path, { timeout: 0 });
    this.connection.exec(`PRAGMA journal_mode = wal; ${SCHEMA}`);
  }

  put(table: keyof Tables, row: JsonObject): void {
    const columns = COLUMNS[table];
    this.connection
      .prepare(
        `INSERT OR REPLACE INTO ${table} (${columns.join()}) VALUES (${columns.map(() => "?").join()})`,
      )
      .run(...columns.map((column) => (row[column] ?? null) as string | number | null));
  }

  putAll(tables: Tables): void {
    for (const table of ["session", "message", "part"] as const)
      for (const row of tables[table]) this.put(table, row);
  }

  close(): void {
    this.connection.close();
  }
}
