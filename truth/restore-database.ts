import { DatabaseSync } from "node:sqlite";

interface Dump {
  readonly tables: Readonly<
    Record<
      string,
      { readonly sql: string; readonly rows: readonly Readonly<Record<string, string | number | null>>[] }
    >
  >;
}

/** Makes the database that a dump is of, as its client leaves it: with a write-ahead log that is written back. */
export function restoreDatabase(path: string, dump: string): void {
  const { tables } = JSON.parse(dump) as Dump;
  // Dumps have some of the tables; keys may lead to others.
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  database.exec("PRAGMA journal_mode = wal");
  for (const [name, { sql, rows }] of Object.entries(tables)) {
    database.exec(sql);
    for (const row of rows) {
      const columns = Object.keys(row);
      const places = columns.map(() => "?").join(", ");
      database
        .prepare(
          `INSERT INTO "${name}" (${columns.map((column) => `"${column}"`).join(", ")}) VALUES (${places})`,
        )
        .run(...Object.values(row));
    }
  }
  database.close();
}
