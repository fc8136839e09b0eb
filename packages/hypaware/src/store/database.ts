import { chmodSync, closeSync, existsSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import { HypError } from "../contract/errors.ts";
import { LIMITS } from "../contract/limits.ts";
import { isOldSchema, requireSchema } from "./schema.ts";

// Write-ahead log, synchronous=NORMAL: a killed process loses nothing, a power cut at most the newest commits, which the
// journal still has. Readers see the last commit before their transaction and never wait for the writer.

const WRITER_PRAGMAS = [
  "auto_vacuum = INCREMENTAL", // of a new store: what sealing frees can be given back
  "journal_mode = WAL",
  "synchronous = NORMAL",
  "secure_delete = ON", // purged means gone: freed pages are overwritten
  "journal_size_limit = 67108864", // a rebuild leaves no giant log behind
];
const PRAGMAS = ["temp_store = MEMORY", "cache_size = -16384"];

// Primary result codes.
const CORRUPT = 11;
const CANTOPEN = 14;
const TOOBIG = 18;
const CONSTRAINT = 19;
const NOTADB = 26;

/** One connection to the catalog, with its prepared statements. */
export class Database {
  readonly path: string;
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #save: (() => void)[] = [];
  readonly #undo: (() => void)[] = [];

  private constructor(path: string, connection: DatabaseSync) {
    this.path = path;
    this.#connection = connection;
  }

  /**
   * Creates file and schema when they are missing; read-only, a store that does not exist yet reads as an empty one.
   * Throws HypError `store_newer` or `store_damaged`.
   */
  static open(path: string, { readOnly = false }: { readonly readOnly?: boolean } = {}): Database {
    try {
      return readOnly ? openReader(path, Database.#connect) : Database.#connect(path, false);
    } catch (error) {
      throw storeError(path, error);
    }
  }

  static #connect(this: void, path: string, readOnly: boolean): Database {
    if (!readOnly && path !== ":memory:") {
      closeSync(openSync(path, "a", 0o600));
      chmodSync(path, 0o600); // its -wal and -shm inherit the mode
    }
    const connection = new DatabaseSync(path, { readOnly, timeout: LIMITS.sqliteBusyMs });
    try {
      for (const pragma of readOnly ? PRAGMAS : [...WRITER_PRAGMAS, ...PRAGMAS])
        connection.exec(`PRAGMA ${pragma}`);
      const database = new Database(path, connection);
      requireSchema(database, readOnly);
      return database;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  exec(sql: string): void {
    this.#connection.exec(sql);
  }

  /** Makes a function that SQL can call on this connection. */
  define(name: string, compute: (...values: SQLOutputValue[]) => SQLInputValue): void {
    this.#connection.function(name, { deterministic: true, varargs: true }, compute);
  }

  /** The statement's columns are T by the schema; nothing is checked here. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
  get<T>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return this.prepare(sql).get(...values) as T | undefined;
  }

  all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.prepare(sql).all(...values) as T[];
  }

  /** Number of rows inserted, changed or deleted. */
  run(sql: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.prepare(sql).run(...values).changes);
  }

  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#connection.prepare(sql)));
    return statement;
  }

  /** Rows as arrays, read one by one. A statement of its own, so that several may be open at once. */
  iterate(sql: string, ...values: SQLInputValue[]): Iterator<unknown[]> {
    const statement = this.#connection.prepare(sql);
    statement.setReturnArrays(true);
    return statement.iterate(...values) as unknown as Iterator<unknown[]>;
  }

  /**
   * Everything committed so far survives a power cut. False: not yet, because of readers, for which it never waits, or of a
   * transaction that is still open.
   */
  makeDurable(): boolean {
    if (this.inTransaction) return false;
    this.exec("PRAGMA busy_timeout = 0");
    try {
      const { log, checkpointed } = this.get<{ log: number; checkpointed: number }>(
        "PRAGMA wal_checkpoint(TRUNCATE)",
      )!;
      return log === checkpointed;
    } finally {
      this.exec(`PRAGMA busy_timeout = ${LIMITS.sqliteBusyMs}`);
    }
  }

  /** Gives free pages back to the disk until at most `keepBytes` are left, a bounded piece at a time. Not in a transaction. */
  shrink(keepBytes: number): void {
    if (this.inTransaction) return;
    const { page_size: page } = this.get<{ page_size: number }>("PRAGMA page_size")!;
    for (let free = this.#freePages(), before = Infinity; free * page > keepBytes && free < before;) {
      const pages = Math.min(free - Math.floor(keepBytes / page), Math.floor(LIMITS.shrinkStepBytes / page));
      this.exec(`PRAGMA incremental_vacuum(${pages})`);
      [before, free] = [free, this.#freePages()];
    }
  }

  #freePages(): number {
    return this.get<{ freelist_count: number }>("PRAGMA freelist_count")!.freelist_count;
  }

  get inTransaction(): boolean {
    return this.#connection.isTransaction;
  }

  /** BEGIN IMMEDIATE … COMMIT; rolls back when `work` throws. Inside another transaction it is a part of that one. */
  transaction<T>(work: () => T): T {
    if (this.inTransaction) return work();
    this.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#commit();
      return result;
    } catch (error) {
      throw this.#rolledBack(error);
    }
  }

  /** The same over asynchronous work. The connection must have no other user until it ends. */
  async longTransaction<T>(work: () => Promise<T>): Promise<T> {
    this.exec("BEGIN IMMEDIATE");
    try {
      const result = await work();
      this.#commit();
      return result;
    } catch (error) {
      throw this.#rolledBack(error);
    }
  }

  #commit(): void {
    for (const save of this.#save) save();
    this.exec("COMMIT");
  }

  #rolledBack(error: unknown): unknown {
    // SQLite has rolled back by itself when the disk is full or the file is damaged.
    if (this.inTransaction) this.exec("ROLLBACK");
    for (const undo of this.#undo) undo();
    return storeError(this.path, error);
  }

  /** The last writes of each transaction. */
  beforeCommit(save: () => void): void {
    this.#save.push(save);
  }

  /** What memory remembers of a transaction's writes must be forgotten with them. */
  onRollback(undo: () => void): void {
    this.#undo.push(undo);
  }

  close(): void {
    if (this.#connection.isOpen) this.#connection.close();
  }
}

function openReader(path: string, connect: (path: string, readOnly: boolean) => Database): Database {
  if (!existsSync(path)) return connect(":memory:", false);
  const database = connect(path, true);
  const { tables } = database.get<{ tables: number }>("SELECT count(*) AS tables FROM sqlite_schema")!;
  if (tables > 0 && !isOldSchema(database)) return database;
  database.close();
  // The writer has made the file and not yet its tables.
  if (tables === 0) return connect(":memory:", false);
  connect(path, false).close();
  return connect(path, true);
}

/**
 * SQLite's words in ours: a file that it cannot read is HypError `store_damaged`; a value that the schema refuses is an
 * Error about that value, not about the store. Everything else stays what it is.
 */
export function storeError(path: string, error: unknown): unknown {
  const primary = Number((error as { errcode?: number }).errcode) & 0xff;
  const message = `${path}: ${(error as Error).message}`;
  if ([CORRUPT, CANTOPEN, NOTADB].includes(primary))
    return new HypError("store_damaged", message, { cause: error });
  if ([CONSTRAINT, TOOBIG].includes(primary))
    return new Error(`the store refuses a value: ${(error as Error).message}`, { cause: error });
  return error;
}
