import { chmodSync, truncateSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

// An advisory lock that the kernel frees when its owner dies, however it dies. Node offers no flock, so an empty SQLite file
// is held in an exclusive transaction: SQLite takes a POSIX record lock (LockFileEx on Windows). Nothing is ever written to
// the file; the rollback journal is kept in memory so that no second file appears beside it.
//
// Trap: POSIX drops all of a process's locks on a file as soon as *any* descriptor of it is closed. In a process that may
// hold the lock, never open the lock file; stat and chmod by path are safe. Nor may anybody remove a lock file: the next
// owner would lock another inode.

const SQLITE_BUSY = 5;
const SQLITE_NOTADB = 26;

export interface Lock {
  release(): void;
}

/**
 * `undefined`: another owner (in this process or any other) has it. To see whether a lock is held, take it and release it.
 * Throws when the file cannot be made, for example without its folder.
 */
export function tryLock(path: string): Lock | undefined {
  try {
    writeFileSync(path, "", { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  chmodSync(path, 0o600);
  try {
    return acquire(path);
  } catch (error) {
    if (errcode(error) !== SQLITE_NOTADB) throw error;
    // Somebody wrote into it. Nobody can hold it in this state: a lock needs a readable file.
    truncateSync(path, 0);
    return acquire(path);
  }
}

function acquire(path: string): Lock | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (errcode(error) === SQLITE_BUSY) return undefined;
    throw error;
  }
  return { release: () => database.isOpen && database.close() };
}

function errcode(error: unknown): unknown {
  return (error as { errcode?: unknown }).errcode;
}
