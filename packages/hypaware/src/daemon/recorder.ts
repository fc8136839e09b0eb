// The recorder's work: follow the journals of all gateways of this home and store what ended. Whoever runs this holds
// run/recorder.lock: the recorder process, or a command while no recorder runs.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { LIMITS } from "../contract/limits.ts";
import type { AnyClientRecord } from "../contract/record.ts";
import { type Maintained as MaintainedJournal, maintainJournal } from "../journal/maintain.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import { isRunAlive, listSegments } from "../journal/runs.ts";
import { type ContextPlaces, readContextFiles } from "../notes/context-files.ts";
import { RecordDatabases } from "../notes/record-databases.ts";
import { RecordFiles } from "../notes/record-files.ts";
import type { RecordPlaces } from "../notes/record-reader.ts";
import { toldRoots, withToldRoots } from "../notes/record-roots.ts";
import { callsOf } from "../projection/socket-calls.ts";
import type { RunCursor } from "../store/cursors.ts";
import type { NotePlace } from "../store/note-files.ts";
import { type Maintained as MaintainedStore, maintainStore } from "../store/maintain.ts";
import { needsSeal } from "../store/needs-seal.ts";
import type { ShadowCommit } from "../store/shadow/commit.ts";
import { linkEntries, showUnsealed } from "./link-record.ts";
import type { Recording } from "./record-exchange.ts";
import { type ImportedRecords, type ImportProgress, RecordImport } from "./record-import.ts";
import { recordGroup, type WaitingExchange } from "./record-group.ts";
import { type EndedExchange, RunFollower } from "./run-follower.ts";

/** A gateway makes its first segment with its first frame; a dead run older than this never carried anything. */
const EMPTY_RUN_MS = 60_000;
/** Of an import between two passes. */
const IMPORT_STEP_MS = 500;
/** How long a run that was found alive is believed to be. */
const ALIVE_FOR_MS = 1_000;

const NOTHING_SEALED: MaintainedStore = {
  sealedRows: 0,
  newSegments: 0,
  mergedSegments: 0,
  orphans: 0,
  retired: 0,
};

export interface MaintenanceOptions {
  /** Also what may still change and what is not worth it yet. */
  readonly everything?: boolean;
}

export interface Maintenance {
  readonly store: MaintainedStore;
  readonly journal: MaintainedJournal;
}

export class Recorder {
  readonly #recording: Recording;
  readonly #followed: readonly AnyClientRecord[];
  readonly #recordFiles: RecordFiles;
  readonly #recordDatabases: RecordDatabases;
  #databasesAreRead = true;
  /** By what is imported. */
  readonly #imports = new Map<string, RecordImport>();
  readonly #followers = new Map<string, RunFollower>();
  readonly #finished = new Set<string>();
  readonly #aliveUntil = new Map<string, number>();
  /** Exchanges that an earlier recorder began and did not end: each is worked on alone. */
  readonly #suspects: Set<string>;
  #maintenance: Promise<Maintenance> | undefined;
  #ending = new AbortController();
  /** The end of the queue of passes: one runs at a time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(recording: Recording) {
    this.#recording = recording;
    this.#suspects = new Set(recording.catalog.attempted());
    this.#followed = recording.clientRecords.filter(({ isFollowed }) => isFollowed !== false);
    this.#recordFiles = new RecordFiles(this.#followed, recording.log);
    this.#recordDatabases = new RecordDatabases(this.#followed, recording.log);
    this.#startFromCursors();
  }

  /**
   * Stores everything that ended before the call. `thorough` also closes the books of runs whose gateway died just now.
   * Resolves with the number of exchanges stored. Rejects when the store cannot be written or a journal not be read:
   * nothing is lost, call again.
   */
  pass(thorough = false): Promise<number> {
    return this.#alone(async () => {
      await this.#readNotes(thorough);
      let stored = 0;
      for (const runId of runIds(this.#recording.paths.journal))
        if (!this.#finished.has(runId)) stored += await this.#advance(runId, thorough);
      return stored;
    });
  }

  /** Before the journals: what a client wrote down before an exchange ended is known when that is stored. */
  async #readNotes(thorough: boolean): Promise<void> {
    await this.#readContexts();
    const { catalog, gatewayId } = this.#recording;
    const { noteFiles: files } = catalog;
    const records: RecordPlaces = {
      place: (fileId) => files.place(fileId),
      commit: (read, fileId, place) =>
        this.#commitNotes(fileId, place, () => linkEntries(catalog, gatewayId, read)),
    };
    const budgetMs = thorough ? LIMITS.recordThoroughMs : LIMITS.recordPassMs;
    const told = catalog.recordRoots.all();
    this.#recordFiles.follow(this.#followed.map((record) => withToldRoots(record, told)));
    await this.#recordFiles.read(records, budgetMs, thorough);
    this.#databasesAreRead = await this.#recordDatabases.read(records, budgetMs, thorough);
  }

  /** Where sessions work, and where clients write down what they say. */
  async #readContexts(): Promise<void> {
    const { catalog, contextSources, clientRecords, log } = this.#recording;
    const places: ContextPlaces = {
      offset: (fileId) => catalog.noteFiles.place(fileId)?.offset ?? 0,
      commit: (read, fileId, offset) =>
        this.#commitNotes(fileId, { offset, memory: {} }, () => {
          catalog.contexts.put(read);
          for (const { record, root } of toldRoots(read, clientRecords))
            catalog.recordRoots.tell(record, root, Date.now());
        }),
      forget: (fileId) => catalog.noteFiles.forget(fileId),
    };
    for (const source of contextSources) await readContextFiles(source, places, log);
  }

  #commitNotes(fileId: string, place: NotePlace, store: () => void): void {
    const { catalog } = this.#recording;
    catalog.transaction(() => {
      catalog.noteFiles.setPlace(fileId, place);
      store();
    });
  }

  /** A stretch of an import, which goes on with the next call for the same. What was read stays read, whoever ends in between. */
  importRecords(wanted: ImportedRecords): Promise<ImportProgress> {
    return this.#alone(async () => {
      const key = JSON.stringify(wanted);
      if (!this.#imports.has(key)) await this.#readContexts();
      const known = this.#imports.get(key) ?? new RecordImport(this.#recording, wanted);
      this.#imports.set(key, known);
      const progress = await known.read(IMPORT_STEP_MS);
      if (progress.is_done) {
        this.#imports.delete(key);
        await known.close();
      }
      return progress;
    });
  }

  /** Clients' records to their ends, as they are now. */
  async readRecords(): Promise<void> {
    do await this.pass(true);
    while (this.isBehind);
  }

  /** Of what clients' own records say something is left to read. */
  get isBehind(): boolean {
    return this.#recordFiles.isBehind || !this.#databasesAreRead;
  }

  /** Nothing is asked of it any more. */
  async close(): Promise<void> {
    await this.endMaintenance();
    await this.#alone(async () => {
      await this.#recordFiles.close();
      for (const each of this.#imports.values()) await each.close();
    });
  }

  /** What a reprojection found, from the shadow at `path`: readers see the old rows until the new ones are there. */
  async commitShadow(path: string): Promise<ShadowCommit> {
    for (;;) {
      // Its commits must not fall into our transaction. One that began while we waited for our turn is ended, too.
      await this.endMaintenance();
      const done = await this.#alone(async () =>
        this.#maintenance === undefined ? this.#recording.catalog.commitShadow(path) : undefined,
      );
      if (done !== undefined) return done;
    }
  }

  /**
   * Makes the history small: settled rows to sealed segments, settled journals compressed and kept within their quota. Runs
   * beside passes, because children write the files and each commit is short; a reprojection ends it.
   */
  maintain(options: MaintenanceOptions = {}): Promise<Maintenance> {
    this.#maintenance ??= this.#maintainOnce(options).finally(() => {
      this.#maintenance = undefined;
    });
    return this.#maintenance;
  }

  async #maintainOnce({ everything = false }: MaintenanceOptions): Promise<Maintenance> {
    const { catalog, paths } = this.#recording;
    // A reprojection that is being committed comes first.
    await this.#alone(async () => {});
    const isWorthIt = everything || needsSeal(catalog) || catalog.records.unsealing() > 0;
    const store = isWorthIt ? await this.#maintainStore(everything) : NOTHING_SEALED;
    const journal = await this.#alone(() =>
      maintainJournal({ journalDir: paths.journal, cursors: catalog.cursors() }),
    );
    return { store, journal };
  }

  #maintainStore(everything: boolean): Promise<MaintainedStore> {
    const { catalog, paths, gatewayId } = this.#recording;
    ensurePrivateFolder(paths.tmp);
    return maintainStore({
      catalog,
      catalogPath: paths.catalog,
      segmentsDir: paths.segments,
      tmpDir: paths.tmp,
      settledBefore: everything ? Date.now() : Date.now() - LIMITS.settleMs,
      minRows: 1,
      mergeAll: everything,
      signal: this.#ending.signal,
      onUnsealed: (node) => showUnsealed(catalog, gatewayId, node),
    });
  }

  /** A round of maintenance that leaves nothing for later. */
  async compact(): Promise<Maintenance> {
    await this.endMaintenance();
    return this.maintain({ everything: true });
  }

  /** Stops maintenance where it is; what it committed stays. A new round can be started afterwards. */
  async endMaintenance(): Promise<void> {
    this.#ending.abort();
    await this.#maintenance?.catch(() => {});
    this.#ending = new AbortController();
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => {});
    return turn;
  }

  #startFromCursors(): void {
    this.#followers.clear();
    this.#finished.clear();
    for (const [runId, cursor] of this.#recording.catalog.cursors())
      if (cursor.finished) this.#finished.add(runId);
  }

  async #advance(runId: string, thorough: boolean): Promise<number> {
    const { catalog, paths } = this.#recording;
    const run = join(paths.journal, runId);
    // Asked before reading: what a dead run has written by then is all it ever will.
    const alive = this.#isAlive(run, thorough);
    const follower = this.#followers.get(runId) ?? this.#newFollower(runId, catalog.cursor(runId));
    this.#followers.set(runId, follower);
    let stored = await this.#storeAll(follower, follower.ended(alive));
    if (!alive) stored += await this.#storeAll(follower, follower.interrupted());
    const isOver = !alive && (listSegments(run).length > 0 || isOld(run));
    this.#saveCursor(runId, follower.cursor(isOver));
    if (isOver) {
      this.#finished.add(runId);
      this.#followers.delete(runId);
    }
    return stored;
  }

  #isAlive(run: string, thorough: boolean): boolean {
    const now = performance.now();
    if (!thorough && now < (this.#aliveUntil.get(run) ?? 0)) return true;
    const alive = isRunAlive(run);
    if (alive) this.#aliveUntil.set(run, now + ALIVE_FOR_MS);
    else this.#aliveUntil.delete(run);
    return alive;
  }

  #saveCursor(runId: string, cursor: RunCursor): void {
    const { catalog } = this.#recording;
    const known = catalog.cursor(runId);
    const isKnown =
      known?.finished === cursor.finished &&
      known.read.segment === cursor.read.segment &&
      known.read.offset === cursor.read.offset;
    if (!isKnown) catalog.transaction(() => catalog.setCursor(runId, cursor));
  }

  async #storeAll(follower: RunFollower, exchanges: Iterable<EndedExchange>): Promise<number> {
    const { catalog } = this.#recording;
    let stored = 0;
    let heldBytes = 0;
    const group: WaitingExchange[] = [];
    for (const ended of exchanges) {
      const { exchangeId } = ended;
      if (ended.mayBeStored && catalog.hasExchange(exchangeId)) continue;
      const isAlone = this.#suspects.delete(exchangeId);
      const isTwin = group.some((each) => each.ended.exchangeId === exchangeId);
      if (isAlone || isTwin) stored += await this.#storeGroup(follower, group.splice(0));
      if (isTwin) continue;
      if (group.length === 0) heldBytes = 0;
      group.push({ ended, cursor: follower.cursor() });
      heldBytes += bytesHeldBy(ended);
      if (isAlone || group.length === LIMITS.groupExchanges || heldBytes >= LIMITS.groupBytes)
        stored += await this.#storeGroup(follower, group.splice(0));
    }
    return stored + (await this.#storeGroup(follower, group));
  }

  async #storeGroup(follower: RunFollower, group: readonly WaitingExchange[]): Promise<number> {
    let stored = 0;
    try {
      while (stored < group.length)
        stored += await recordGroup(this.#recording, group.slice(stored), ({ session_id: session }) => {
          if (session !== null) this.#recordFiles.expect(session);
        });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const { exchangeId } = group[stored]!.ended;
      this.#recording.log.error("aigw.exchange_write_failed", { exchange_id: exchangeId, error: message });
      // Read again from the last stored cursor, with a fresh view of what is open.
      this.#followers.delete(follower.runId);
      throw error;
    }
    return stored;
  }

  #newFollower(runId: string, cursor: RunCursor | undefined): RunFollower {
    const { paths, log, projectors } = this.#recording;
    return new RunFollower({
      journalFolder: paths.journal,
      runId,
      cursor,
      onDamage: ({ reason, skippedBytes }, { segment, offset }) =>
        log.error("journal.damaged", { run_id: runId, reason, segment, offset, skipped_bytes: skippedBytes }),
      callsOf: (connection) => callsOf(connection, projectors, log),
      holdBytes: LIMITS.heldBytes,
    });
  }
}

/** Every gateway run of the home, oldest first. */
export function runIds(journalFolder: string): readonly string[] {
  try {
    return readdirSync(journalFolder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function bytesHeldBy({ captured }: EndedExchange): number {
  return captured === undefined ? 0 : captured.end.requestBytes + captured.end.responseBytes;
}

function isOld(run: string): boolean {
  const made = statSync(run, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return Date.now() - made > EMPTY_RUN_MS;
}
