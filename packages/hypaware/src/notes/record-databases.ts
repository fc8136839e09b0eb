// Clients' own records in databases, read from where the last reading ended. Of each session its last row is remembered as long as it
// is read, or changed a short while ago; one that goes on later is read from its beginning, and what is known of it is known by name.

import { LIMITS } from "../contract/limits.ts";
import type { JsonObject, ProjectorLog } from "../contract/projection.ts";
import type { AnyClientRecord, ClientDatabase, RecordedResponse, RecordEntry } from "../contract/record.ts";
import {
  type ChangedSession,
  OpenDatabase,
  type SessionPlace,
  WrittenMeanwhile,
  databaseState,
} from "./client-database.ts";
import type { RecordPlace, RecordPlaces } from "./record-reader.ts";

const BEGINNING: SessionPlace = { after: "", memory: {} };

interface Watched {
  readonly database: ClientDatabase;
  lookedMs: number;
  /** Of its state when it was read to its end. */
  readStamp: string;
  failedMs: number;
  /** A row was not whole: it may become so by time alone. */
  isWaiting: boolean;
}

export class RecordDatabases {
  readonly #watched: readonly Watched[];
  readonly #log: ProjectorLog;
  readonly #now: () => number;

  constructor(records: readonly AnyClientRecord[], log: ProjectorLog, now: () => number = Date.now) {
    this.#watched = records.flatMap((database) =>
      "database" in database
        ? [
            {
              database,
              lookedMs: Number.NEGATIVE_INFINITY,
              readStamp: "",
              failedMs: Number.NEGATIVE_INFINITY,
              isWaiting: false,
            },
          ]
        : [],
    );
    this.#log = log;
    this.#now = now;
  }

  /**
   * Reads what is new, for about `budgetMs`; the rest comes with the next call. `thorough`: whatever is there now is found.
   * What cannot be read is a warning, and is tried again later. False: there is more.
   */
  async read(places: RecordPlaces, budgetMs: number, thorough = false): Promise<boolean> {
    const until = performance.now() + budgetMs;
    let isAll = true;
    for (const watched of this.#watched)
      isAll = (await this.#look(watched, places, until, thorough)) && isAll;
    return isAll;
  }

  async #look(watched: Watched, places: RecordPlaces, until: number, thorough: boolean): Promise<boolean> {
    const now = this.#now();
    const every = watched.failedMs > watched.lookedMs ? LIMITS.recordIdleMs : LIMITS.recordLookMs;
    if (!thorough && now - Math.max(watched.lookedMs, watched.failedMs) < every) return true;
    const { database } = watched;
    try {
      const state = await databaseState(database.database);
      watched.lookedMs = now;
      if (state === undefined) return true;
      if (state.stamp === watched.readStamp && !watched.isWaiting) return true;
      const open = new OpenDatabase(database, this.#log);
      try {
        const reading = new Reading(open, state.id, places);
        const isRead = reading.run(until);
        watched.isWaiting = reading.isWaiting;
        if (isRead) watched.readStamp = state.stamp;
        // The next call goes on.
        else watched.lookedMs = Number.NEGATIVE_INFINITY;
        return isRead;
      } finally {
        open.close();
      }
    } catch (error) {
      if (error instanceof WrittenMeanwhile) return true;
      watched.failedMs = Math.max(now, watched.lookedMs + 1);
      const fields = { record: database.name, file: database.database, error: String(error) };
      this.#log.warn("notes.read_failed", fields);
      return true;
    }
  }
}

/** A session whose last row is remembered. */
interface Remembered extends SessionPlace {
  readonly changed: number;
  readonly isOpen: boolean;
}

class Reading {
  readonly #open: OpenDatabase;
  readonly #id: string;
  readonly #places: RecordPlaces;
  readonly #remembered: Map<string, Remembered>;
  #since: number;
  #entries: RecordEntry[] = [];
  #responses: RecordedResponse[] = [];
  #rows = 0;
  isWaiting = false;

  constructor(open: OpenDatabase, id: string, places: RecordPlaces) {
    this.#open = open;
    this.#id = id;
    this.#places = places;
    const { offset, memory } = places.place(id) ?? { offset: 0, memory: {} };
    this.#since = offset;
    const sessions = (memory["sessions"] ?? {}) as unknown as Readonly<Record<string, Remembered>>;
    this.#remembered = new Map(Object.entries(sessions));
  }

  /** False: the time is over. */
  run(until: number): boolean {
    const before = JSON.stringify(this.#place());
    // However little time there is, something is read.
    const isLate = (): boolean => this.#rows > 0 && performance.now() >= until;
    for (const session of this.#sessions()) {
      if (!this.#session(session, isLate) || isLate()) return this.#commit(false);
      this.#since = Math.max(this.#since, session.changed);
    }
    return this.#entries.length === 0 && JSON.stringify(this.#place()) === before ? true : this.#commit(true);
  }

  #sessions(): readonly ChangedSession[] {
    const changed = this.#open.sessions(this.#since);
    const open = [...this.#remembered]
      .filter(([id, { isOpen }]) => isOpen && changed.every((each) => each.id !== id))
      .map(([id, { changed: at }]) => ({ id, changed: at }));
    return [...open, ...changed];
  }

  #session({ id, changed }: ChangedSession, isLate: () => boolean): boolean {
    const from = this.#remembered.get(id) ?? BEGINNING;
    // Those that changed last are remembered longest.
    this.#remembered.delete(id);
    this.#remembered.set(id, { after: from.after, memory: from.memory, changed, isOpen: true });
    let isWhole = true;
    for (const { finished, reading, place } of this.#open.rows(id, from)) {
      isWhole = finished;
      this.#entries.push(...(reading.entries ?? []));
      this.#responses.push(...(reading.responses ?? []));
      this.#remembered.set(id, { ...place, changed, isOpen: true });
      this.#rows += finished ? 1 : 0;
      if (isLate()) return false;
      if (this.#entries.length >= LIMITS.recordBatch) this.#commit(false);
    }
    const place = this.#remembered.get(id)!;
    this.#remembered.set(id, { ...place, isOpen: !isWhole });
    this.isWaiting ||= !isWhole;
    return true;
  }

  #commit(result: boolean): boolean {
    this.#open.check();
    const read = { entries: this.#entries, responses: this.#responses };
    this.#places.commit(read, this.#id, this.#place());
    this.#entries = [];
    this.#responses = [];
    return result;
  }

  #place(): RecordPlace {
    const kept = [...this.#remembered]
      .filter(([, { isOpen, changed }]) => isOpen || changed > this.#since - LIMITS.recordSessionMs)
      .slice(-LIMITS.recordSessions);
    return { offset: this.#since, memory: { sessions: Object.fromEntries(kept) } as unknown as JsonObject };
  }
}
