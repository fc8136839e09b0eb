import { basename, dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HypError } from "../contract/errors.ts";
import type { CaptureFrame, FrameSink, JournalPosition } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import type { ProjectorLog } from "../contract/projection.ts";
import { syncFolder } from "../disk/atomic.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import { tryLock } from "../disk/lock.ts";
import type { Lock } from "../disk/lock.ts";
import { encodeFrame } from "./codec.ts";
import type { EncodedFrame } from "./codec.ts";
import { CommitGroups, moved } from "./commit-group.ts";
import type { CommitGroup, WaitingFrame } from "./commit-group.ts";
import { lockPath } from "./runs.ts";
import { realDisk } from "./segment-file.ts";
import type { SegmentDisk } from "./segment-file.ts";
import { SegmentWriter } from "./segment-writer.ts";
import { WholeBodies } from "./whole-bodies.ts";

// One writer per run. Frames wait until enough time or bytes have come together and are then written as one group; what is
// written survives the end of this process. Beside that one fdatasync after the other makes durable what was written before
// it began, which survives the end of the machine. Writing does not wait for it: a slow disk must not keep frames in memory,
// where kill -9 finds them. A group is kept until it is durable: until then it can be written again.
//
// A write or sync that fails is never tried again on the same file, because the system may have dropped the pages and would
// report success. All that is not durable is written again, as one group, to the next segment, or, if nothing in the failed
// one was durable, to a new file of the same number. Either way the frames keep order and lengths, on which readers rely
// (codec.ts, commit-group.ts). This goes on until the disk takes them; meanwhile bodies over the queue's bound are dropped
// and counted.

const LOCK_TRIES = 50;
const LOCK_RETRY_MS = 10;
/** While the disk refuses: from the first to the longest wait between two tries. */
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 500;
/** How often a closing journal tries a disk that refuses. */
const CLOSING_TRIES = 3;
/** One group takes at most so many times `commitBytes`, so that the memory of writing it is bounded after a stall. */
const GROUP_FACTOR = 16;

export type JournalLimits = Pick<
  { [name in keyof typeof LIMITS]: number },
  "journalQueueBytes" | "commitBytes" | "commitDelayMs" | "segmentBytes"
>;

export interface JournalOptions {
  /** `journal/<runId>`, made when it is missing. What it holds already is kept. */
  readonly dir: string;
  readonly runId: string;
  readonly log?: ProjectorLog;
  readonly limits?: Partial<JournalLimits>;
  /** After each commit, with the place up to which everything is durable. */
  readonly onCommit?: (position: JournalPosition) => void;
  readonly disk?: SegmentDisk;
}

export interface JournalStats {
  /** Frames only, without segment headers. */
  readonly committedBytes: number;
  readonly commits: number;
  readonly queuedBytes: number;
  readonly droppedFrames: number;
  readonly droppedBytes: number;
  readonly failedCommits: number;
  /** Of the failure that is going on; null while the disk takes what it is given. */
  readonly lastError: string | null;
  readonly position: JournalPosition;
}

export interface Journal extends FrameSink {
  readonly runId: string;
  readonly dir: string;
  /**
   * Commits what waits and ends the run. Gives up on a disk that refuses three times; `flush()` then resolves with what is
   * durable. Afterwards every `append` returns false.
   */
  close(): Promise<void>;
  stats(): JournalStats;
}

/** Rejects when the folder cannot be made or another process writes this run. Files are made with the first frame. */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  if (basename(options.dir) !== options.runId) throw new Error("a run's folder is named as the run");
  ensurePrivateFolder(options.dir);
  syncFolder(dirname(options.dir));
  // A reader that looks whether the run is alive holds the lock for a moment.
  for (let tries = 1; ; tries++) {
    const lock = tryLock(lockPath(options.dir));
    if (lock) return new GroupCommitJournal(options, lock);
    if (tries === LOCK_TRIES)
      throw new HypError("lock_held", `Another process writes the journal ${options.dir}.`);
    await sleep(LOCK_RETRY_MS);
  }
}

interface Queued extends WaitingFrame {
  readonly queuedAt: number;
  readonly expectedBytes: number;
}

class GroupCommitJournal implements Journal {
  readonly runId: string;
  readonly dir: string;
  readonly #lock: Lock;
  readonly #log: ProjectorLog | undefined;
  readonly #limits: JournalLimits;
  readonly #onCommit: (position: JournalPosition) => void;
  readonly #segments: SegmentWriter;
  readonly #wholeBodies = new WholeBodies();
  readonly #groups = new CommitGroups();

  /** Not written yet, oldest first. */
  #waiting: Queued[] = [];
  /** That these are expected to need of the disk: of a body that may become a difference as much as of the last one. */
  #waitingBytes = 0;
  /** The group that is being written, or that must be written again. */
  #next: CommitGroup | undefined;
  /** Written and not durable, oldest first. */
  #written: CommitGroup[] = [];
  /** Of all that is not durable. */
  #queuedBytes = 0;
  #waiters: { readonly upTo: number; readonly resolve: (position: JournalPosition) => void }[] = [];
  /** Frames so far: given to us, put into groups, durable. */
  #appended = 0;
  #grouped = 0;
  #committed = 0;
  #position: JournalPosition;
  #writing: Promise<void> | undefined;
  #syncing: Promise<void> | undefined;
  /** Why the last sync failed, until that is dealt with. */
  #syncError: unknown;
  #hurry: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #failures = 0;
  #lastError: string | null = null;
  #commits = 0;
  #failedCommits = 0;
  #committedBytes = 0;
  #droppedFrames = 0;
  #droppedBytes = 0;
  #dropping = false;

  constructor(options: JournalOptions, lock: Lock) {
    this.runId = options.runId;
    this.dir = options.dir;
    this.#lock = lock;
    this.#log = options.log;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#onCommit = options.onCommit ?? (() => undefined);
    const disk = options.disk ?? realDisk;
    this.#segments = new SegmentWriter(this.dir, this.runId, this.#limits.segmentBytes, disk);
    this.#position = { ...this.#segments.position, offset: 0 };
  }

  append(frame: CaptureFrame): boolean {
    const encoded = this.#closing ? undefined : tryEncode(frame);
    const droppable =
      frame.kind === "request-body" || frame.kind === "response-bytes" || frame.kind === "ws-bytes";
    const full = droppable && this.#queuedBytes + (encoded?.size ?? 0) > this.#limits.journalQueueBytes;
    const upstream = this.#wholeBodies.note(frame);
    if (!encoded || full) {
      this.#drop(1, droppable ? frame.bytes.length : 0);
      return false;
    }
    const body = upstream !== undefined && frame.kind === "request-body" ? { upstream, frame } : undefined;
    // Not less than it takes for all that waits to be one group.
    const share = body === undefined ? 1 : Math.max(this.#groups.bodyShare, 1 / GROUP_FACTOR);
    const expectedBytes = Math.ceil(encoded.size * share);
    this.#waiting.push({ encoded, body, queuedAt: performance.now(), expectedBytes });
    this.#waitingBytes += expectedBytes;
    this.#queuedBytes += encoded.size;
    this.#appended++;
    this.#writing ??= this.#writeAll();
    if (this.#isDue()) this.#hurry?.();
    return true;
  }

  flush(): Promise<JournalPosition> {
    if (this.#committed === this.#appended) return Promise.resolve(this.#position);
    return new Promise((resolve) => {
      this.#waiters.push({ upTo: this.#appended, resolve });
      // A disk that refuses is not asked more often because somebody waits.
      if (this.#failures === 0) this.#hurry?.();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  stats(): JournalStats {
    return {
      committedBytes: this.#committedBytes,
      commits: this.#commits,
      queuedBytes: this.#queuedBytes,
      droppedFrames: this.#droppedFrames,
      droppedBytes: this.#droppedBytes,
      failedCommits: this.#failedCommits,
      lastError: this.#lastError,
      position: this.#position,
    };
  }

  async #end(): Promise<void> {
    // Only after a turn does #closing have its value, which #writeAll reads.
    await Promise.resolve();
    this.#failures = 0;
    this.#hurry?.();
    while (this.#writing ?? this.#syncing) await (this.#writing ?? this.#syncing);
    await this.#segments.leave();
    this.#lock.release();
  }

  /** Never rejects. Ends when everything is written. */
  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0 || this.#next || this.#syncError !== undefined) {
      try {
        await this.#untilDue();
        this.#requireSynced();
        await this.#writeNext();
        // A disk that has failed is given no more before it has taken this.
        if (this.#failures > 0) await this.#synced();
      } catch (cause) {
        await this.#fail(cause);
        if (this.#closing && this.#failures >= CLOSING_TRIES) this.#giveUp();
        else await this.#pause(Math.min(RETRY_MIN_MS * 2 ** (this.#failures - 1), RETRY_MAX_MS));
      }
    }
    this.#writing = undefined;
  }

  #isDue(): boolean {
    if (this.#failures > 0) return false;
    return (
      this.#waitingBytes >= this.#limits.commitBytes ||
      this.#waiters.some(({ upTo }) => upTo > this.#grouped) ||
      this.#closing !== undefined
    );
  }

  async #untilDue(): Promise<void> {
    const [oldest] = this.#waiting;
    if (this.#failures > 0 || this.#syncError !== undefined || oldest === undefined || this.#isDue()) return;
    const waited = performance.now() - oldest.queuedAt;
    if (waited < this.#limits.commitDelayMs) await this.#pause(this.#limits.commitDelayMs - waited);
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(wake, milliseconds);
      function wake() {
        clearTimeout(timer);
        resolve();
      }
      this.#hurry = wake;
    });
  }

  async #writeNext(): Promise<void> {
    this.#next ??= this.#takeGroup();
    if (this.#next === undefined) {
      // The segment is full; the next one's header says where this one's durable part ends.
      await this.#synced();
      return this.#leaveSegment();
    }
    await this.#segments.write(this.#next.frames);
    this.#written.push(this.#next);
    this.#next = undefined;
    // With an error to deal with first, a round of syncs would be over before it is known to run.
    if (this.#syncError === undefined) this.#syncing ??= this.#syncAll();
  }

  /** `undefined`: the first frame that waits has no room in this segment. */
  #takeGroup(): CommitGroup | undefined {
    const maxBytes = this.#limits.commitBytes * GROUP_FACTOR;
    const group = this.#groups.next(this.#waiting, maxBytes, (pendingBytes, size) =>
      this.#segments.hasRoom(pendingBytes, size),
    );
    if (group.count === 0) return undefined;
    for (const { expectedBytes } of this.#waiting.splice(0, group.count)) this.#waitingBytes -= expectedBytes;
    this.#grouped += group.count;
    return group;
  }

  #leaveSegment(): Promise<void> {
    this.#groups.leaveSegment();
    return this.#segments.leave();
  }

  /** Never rejects. Ends when everything written is durable, or with an error for #writeAll to deal with. */
  async #syncAll(): Promise<void> {
    while (this.#written.length > 0 && this.#syncError === undefined) {
      const { length } = this.#written;
      try {
        await this.#segments.sync();
        this.#acknowledge(this.#written.splice(0, length));
      } catch (cause) {
        this.#syncError = cause ?? new Error("the disk could not be synced");
        this.#writing ??= this.#writeAll();
        this.#hurry?.();
      }
    }
    this.#syncing = undefined;
  }

  async #synced(): Promise<void> {
    await this.#syncing;
    this.#requireSynced();
  }

  #requireSynced(): void {
    if (this.#syncError !== undefined) throw this.#syncError;
  }

  #acknowledge(groups: readonly CommitGroup[]): void {
    for (const { frames, count, bytes } of groups) {
      this.#queuedBytes -= bytes;
      this.#committed += count;
      this.#committedBytes += frames.reduce((sum, { size }) => sum + size, 0);
    }
    this.#commits++;
    this.#position = this.#segments.position;
    if (this.#failures > 0 || this.#dropping) {
      this.#log?.warn("journal.recovered", {
        dropped_frames: this.#droppedFrames,
        dropped_bytes: this.#droppedBytes,
      });
    }
    this.#failures = 0;
    this.#lastError = null;
    this.#dropping = false;
    this.#answerWaiters();
    this.#tell();
  }

  /** A listener that throws must not look like a disk that refuses. */
  #tell(): void {
    try {
      this.#onCommit(this.#position);
    } catch (cause) {
      this.#log?.error("journal.listener_failed", { error: String(cause) });
    }
  }

  async #fail(cause: unknown): Promise<void> {
    // What a running sync covers may be durable yet; nothing is written meanwhile.
    await this.#syncing;
    this.#syncError = undefined;
    this.#failedCommits++;
    this.#lastError = cause instanceof Error ? cause.message : String(cause);
    if (this.#failures++ === 0) this.#log?.error("journal.write_failed", { error: this.#lastError });
    const lost = this.#next ? [...this.#written, this.#next] : this.#written;
    this.#written = [];
    if (lost.length > 0) this.#next = moved(lost);
    await this.#leaveSegment();
  }

  #giveUp(): void {
    this.#drop(this.#appended - this.#committed, this.#queuedBytes);
    this.#next = undefined;
    this.#waiting = [];
    this.#waitingBytes = this.#queuedBytes = 0;
    this.#grouped = this.#committed = this.#appended;
    this.#answerWaiters();
  }

  #drop(frames: number, bytes: number): void {
    this.#droppedFrames += frames;
    this.#droppedBytes += bytes;
    if (this.#dropping) return;
    this.#dropping = true;
    this.#log?.error("journal.frames_dropped", { queued_bytes: this.#queuedBytes, error: this.#lastError });
  }

  #answerWaiters(): void {
    const answered = this.#waiters.filter(({ upTo }) => upTo <= this.#committed);
    this.#waiters = this.#waiters.filter(({ upTo }) => upTo > this.#committed);
    for (const { resolve } of answered) resolve(this.#position);
  }
}

/** The gateway must not fail for a frame that it put together wrongly. */
function tryEncode(frame: CaptureFrame): EncodedFrame | undefined {
  try {
    return encodeFrame(frame);
  } catch {
    return undefined;
  }
}
