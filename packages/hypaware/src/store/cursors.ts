import type { JournalPosition } from "../contract/frame.ts";
import type { Database } from "./database.ts";

/** How far a run's journal has been read. */
export interface RunCursor {
  /** End of the last frame read. */
  readonly read: JournalPosition;
  /** Where reading must begin again: first frame of the oldest exchange that is still open, else `read`. */
  readonly low: JournalPosition;
  /** The run is over and all of it is read. */
  readonly finished: boolean;
}

interface CursorColumns {
  run: string;
  read_segment: number;
  read_offset: number;
  low_segment: number;
  low_offset: number;
  finished: number;
}

export class Cursors {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  get(runId: string): RunCursor | undefined {
    const columns = this.#database.get<CursorColumns>("SELECT * FROM cursors WHERE run = ?", runId);
    return columns && cursorOf(columns);
  }

  set(runId: string, { read, low, finished }: RunCursor): void {
    this.#database.run(
      "INSERT OR REPLACE INTO cursors VALUES (?, ?, ?, ?, ?, ?)",
      runId,
      read.segment,
      read.offset,
      low.segment,
      low.offset,
      finished ? 1 : 0,
    );
  }

  /** By run id, which ascends with time. */
  all(): Map<string, RunCursor> {
    const rows = this.#database.all<CursorColumns>("SELECT * FROM cursors ORDER BY run");
    return new Map(rows.map((columns) => [columns.run, cursorOf(columns)]));
  }
}

function cursorOf(columns: CursorColumns): RunCursor {
  return {
    read: { segment: columns.read_segment, offset: columns.read_offset },
    low: { segment: columns.low_segment, offset: columns.low_offset },
    finished: columns.finished === 1,
  };
}
