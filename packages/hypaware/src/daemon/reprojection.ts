// Projects the history again into a shadow and compares it with the store. It only reads journals and store, beside a recorder
// that goes on; so it needs no lock, and a projector that crashes takes nothing down but this command. The projectors are
// those of this process: after an upgrade the running recorder still has the old ones.

import { basename } from "node:path";
import { HypError } from "../contract/errors.ts";
import type { HomePaths } from "../contract/home.ts";
import { LIMITS } from "../contract/limits.ts";
import { listRuns } from "../journal/runs.ts";
import { callsOf } from "../projection/socket-calls.ts";
import { compareRows } from "../store/shadow/difference.ts";
import type { Difference } from "../store/shadow/difference.ts";
import { Cursors } from "../store/cursors.ts";
import type { ShadowCommit } from "../store/shadow/commit.ts";
import { type Scope, type ScopeFilter, chooseScope } from "../store/shadow/scope.ts";
import { recordedInScope } from "../store/shadow/records.ts";
import { compareThreads } from "../store/shadow/threads.ts";
import { Shadow, shadowPath } from "../store/shadow/shadow.ts";
import { Snapshot } from "../store/snapshot.ts";
import { linkKnown } from "./link-record.ts";
import { recordExchange } from "./record-exchange.ts";
import { type ReplayRun, replayInOrder } from "./replay.ts";
import { type EndedExchange, RunFollower } from "./run-follower.ts";
import { type OwnerWork, commitReprojection } from "./store-owner.ts";

/** Exchanges that one transaction of the shadow replays. */
const BATCH = 200;
/** A run's first segment is made when its first frames are committed: an exchange may have ended so long before. */
const FIRST_COMMIT_MS = 10_000;

export interface ReprojectionOptions {
  readonly paths: HomePaths;
  readonly work: OwnerWork;
  /** For the shadow; the caller's own, in tmp. */
  readonly folder: string;
  readonly filter: ScopeFilter;
  /** Rows to show, at most. */
  readonly samples: number;
  /** `of`: how many there are, as far as known. */
  readonly onProgress?: (what: string, done?: number, of?: number) => void;
}

export interface Compared extends Difference {
  readonly scope: Scope;
  /** Conversations and failed attempts that would be remembered otherwise, with or without a row that changes. */
  readonly threadChanges: number;
  /** Nothing would change. */
  readonly isEmpty: boolean;
}

export class Reprojection {
  readonly #options: ReprojectionOptions;
  readonly #shadow: Shadow;
  readonly #followers = new Map<string, RunFollower>();
  /** Runs that ended and are replayed to their end. */
  readonly #finished = new Set<string>();
  #replayed = 0;
  #known = 0;
  #isFirst = true;

  constructor(options: ReprojectionOptions) {
    this.#options = options;
    this.#shadow = new Shadow(shadowPath(options.paths.tmp, basename(options.folder)));
  }

  /**
   * What would change if the scope were made anew from what the store has now. Called again it replays only what came since.
   * Throws HypError `journal_incomplete` when there is something in the scope and all of it has lost raw history, `store_moved`
   * when another reprojection came between.
   */
  async compare(): Promise<Compared> {
    // The long replay holds no snapshot: an open one keeps the store's log growing, and files that were merged away are deleted.
    if (this.#isFirst) await this.#replay(await this.#withSnapshot((snapshot) => this.#learn(snapshot)));
    this.#isFirst = false;
    return this.#withSnapshot(async (snapshot) => {
      await this.#replay(this.#learn(snapshot));
      return this.#compareWith(snapshot);
    });
  }

  /** Makes the store what was compared, through its owner. `stale`: compare again, exchanges came to the scope. */
  commit(): Promise<ShadowCommit> {
    const { paths, work, folder, onProgress } = this.#options;
    onProgress?.("committing");
    return commitReprojection(paths, work, basename(folder));
  }

  close(): void {
    this.#shadow.close();
  }

  async #withSnapshot<T>(work: (snapshot: Snapshot) => T | Promise<T>): Promise<T> {
    const snapshot = Snapshot.open(this.#options.paths.catalog);
    try {
      return await work(snapshot);
    } finally {
      snapshot.close();
    }
  }

  /** Reads the store's state; the runs to be replayed up to it. */
  #learn(snapshot: Snapshot): ReplayRun[] {
    const { paths } = this.#options;
    const runs = listRuns(paths.journal);
    const segments = new Map(
      runs.map((run) => [run.runId, new Set(run.segments.map(({ segment }) => segment))]),
    );
    this.#shadow.learn(snapshot, ({ runId, from, to }) => {
      const present = segments.get(runId);
      for (let segment = from.segment; segment <= to.segment; segment++)
        if (present?.has(segment) !== true) return false;
      return true;
    });
    this.#known = this.#shadow.countStored();
    const cursors = new Cursors(snapshot.database).all();
    return runs.flatMap(({ runId, createdMs }) => {
      const cursor = cursors.get(runId);
      if (cursor === undefined || this.#finished.has(runId)) return [];
      if (cursor.finished) this.#finished.add(runId);
      return {
        follower: this.#follower(runId),
        alive: !cursor.finished,
        startedAt: createdMs - FIRST_COMMIT_MS,
        ...(!cursor.finished && { to: cursor.read }),
      };
    });
  }

  #follower(runId: string): RunFollower {
    const known = this.#followers.get(runId);
    if (known !== undefined) return known;
    const { paths, work } = this.#options;
    const follower = new RunFollower({
      journalFolder: paths.journal,
      runId,
      cursor: undefined,
      // It was logged when it was first read.
      onDamage: () => {},
      callsOf: (connection) => callsOf(connection, work.projectors, work.log),
    });
    this.#followers.set(runId, follower);
    return follower;
  }

  async #replay(runs: readonly ReplayRun[]): Promise<void> {
    const exchanges = replayInOrder(runs);
    for (let isOver = false; !isOver;) {
      isOver = await this.#shadow.replay(async () => {
        for (let count = 0; count < BATCH; count++) {
          const next = exchanges.next();
          if (next.done === true) return true;
          await this.#project(next.value);
        }
        return false;
      });
    }
  }

  async #project({ ended, run }: { ended: EndedExchange; run: ReplayRun }): Promise<void> {
    const { paths, work, onProgress } = this.#options;
    this.#replayed += 1;
    onProgress?.("replaying exchanges", this.#replayed, this.#known);
    if (this.#shadow.isKept(ended.exchangeId)) return;
    this.#shadow.begin(ended.exchangeId);
    const recording = { ...work, paths, catalog: this.#shadow.catalog };
    await recordExchange(recording, ended, () => run.follower.cursor(), false);
  }

  async #compareWith(snapshot: Snapshot): Promise<Compared> {
    const { paths, work, filter, samples, onProgress } = this.#options;
    onProgress?.("comparing rows");
    const chosen = chooseScope(this.#shadow, snapshot.database, filter);
    // What no exchange carried has rows, too.
    await this.#shadow.replay(async () =>
      linkKnown(this.#shadow.catalog, work.gatewayId, recordedInScope(this.#shadow.database)),
    );
    const { projectors } = work;
    const isUnknown = projectors.every(({ name }) => name !== filter.projector);
    if (filter.projector !== undefined && isUnknown && chosen.exchanges + chosen.keptExchanges === 0)
      throw new HypError(
        "usage",
        `No exchange was projected by ${filter.projector}, and there is no such projector.`,
        {
          next: `There are: ${projectors.map(({ name }) => name).join(", ")}`,
        },
      );
    if (chosen.exchanges === 0 && chosen.keptExchanges > 0)
      throw new HypError(
        "journal_incomplete",
        `Of all ${chosen.keptExchanges} exchanges in question some raw history is gone. Nothing was changed.`,
      );
    const difference = await compareRows({
      shadow: this.#shadow,
      snapshot,
      samples,
      segmentsDir: paths.segments,
      tmpDir: paths.tmp,
      memoryMB: LIMITS.sealMemoryMB,
    });
    const { kept } = difference;
    const scope = {
      ...chosen,
      exchanges: chosen.exchanges - kept.exchanges,
      conversations: chosen.conversations - kept.conversations,
    };
    const threadChanges = compareThreads(this.#shadow, snapshot.database);
    const isEmpty =
      threadChanges === 0 &&
      Object.values(difference.datasets).every(
        ({ added, changed, removed }) => added + changed + removed === 0,
      );
    return { ...difference, scope, threadChanges, isEmpty };
  }
}
