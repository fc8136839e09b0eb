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

// One writer per run. Frames wait in a queue and leave it only when the commit that contains them returned: until then they
// can be written again. One commit = one write and one fdatasync of as many frames as wait; the next begins when the last
// has returned and enough time or bytes have come together.
//
// A write or sync that fails is never tried again on the same file, because the system may have dropped the pages and would
// report success. The queue's head is written again to the next segment, or, if nothing in the failed one was acknowledged,
// to a new file of the same number. Either way the frames keep order and lengths, on which readers rely (codec.ts,
// commit-group.ts). This goes on until the disk takes them; meanwhile bodies over the queue's bound are dropped and counted.

const LOCK_TRIES = 50;
const LOCK_RETRY_MS = 10;
/** While the disk refuses: from the first to the longest wait between two tries. */
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 500;
/** How often a closing journal tries a disk that refuses. */
const CLOSING_TRIES = 3;
/** One commit takes at most so many times `commitBytes`, so that its memory and its loss are bounded after a stall. */
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

  /** The running commit, or the one that failed. */
  #group: CommitGroup | undefined;
  /** Oldest first. The frames of a running commit are its head. Counted as they came, not as differences. */
  #queue: Queued[] = [];
  #queuedBytes = 0;
  #waiters: { readonly upTo: number; readonly resolve: (position: JournalPosition) => void }[] = [];
  #appended = 0;
  #committed = 0;
  #position: JournalPosition;
  #running: Promise<void> | undefined;
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
      this.#drop(droppable ? frame.bytes.length : 0);
      return false;
    }
    const body = upstream !== undefined && frame.kind === "request-body" ? { upstream, frame } : undefined;
    this.#queue.push({ encoded, body, queuedAt: performance.now() });
    this.#queuedBytes += encoded.size;
    this.#appended++;
    this.#running ??= this.#run();
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
    // Only after a turn does #closing have its value, which #run reads.
    await Promise.resolve();
    this.#failures = 0;
    this.#hurry?.();
    await this.#running;
    await this.#segments.leave();
    this.#lock.release();
  }

  /** Never rejects. Ends when the queue is empty. */
  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      await this.#untilDue();
      try {
        await this.#commit();
      } catch (cause) {
        await this.#fail(cause);
        if (this.#closing && this.#failures >= CLOSING_TRIES) this.#giveUp();
        else await this.#pause(Math.min(RETRY_MIN_MS * 2 ** (this.#failures - 1), RETRY_MAX_MS));
      }
    }
    this.#running = undefined;
  }

  #isDue(): boolean {
    if (this.#failures > 0) return false;
    return (
      this.#queuedBytes >= this.#limits.commitBytes || this.#waiters.length > 0 || this.#closing !== undefined
    );
  }

  async #untilDue(): Promise<void> {
    if (this.#failures > 0 || this.#isDue()) return;
    const waited = performance.now() - this.#queue[0]!.queuedAt;
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

  async #commit(): Promise<void> {
    // The frames of the next commit: none when the next one has no room in this segment.
    this.#group ??= this.#groups.next(
      this.#queue,
      this.#limits.commitBytes * GROUP_FACTOR,
      (pendingBytes, size) => this.#segments.hasRoom(pendingBytes, size),
    );
    if (this.#group.count === 0) {
      this.#group = undefined;
      return this.#leaveSegment();
    }
    await this.#segments.write(this.#group.frames);
    this.#acknowledge(this.#group);
  }

  #leaveSegment(): Promise<void> {
    this.#groups.leaveSegment();
    return this.#segments.leave();
  }

  #acknowledge({ frames, count }: CommitGroup): void {
    this.#group = undefined;
    this.#queuedBytes -= this.#queue.splice(0, count).reduce((sum, { encoded }) => sum + encoded.size, 0);
    this.#committed += count;
    this.#committedBytes += frames.reduce((sum, { size }) => sum + size, 0);
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
    this.#failedCommits++;
    this.#lastError = cause instanceof Error ? cause.message : String(cause);
    if (this.#failures++ === 0) this.#log?.error("journal.write_failed", { error: this.#lastError });
    if (this.#group) this.#group = moved(this.#group);
    await this.#leaveSegment();
  }

  #giveUp(): void {
    for (const { encoded } of this.#queue) this.#drop(encoded.size);
    this.#group = undefined;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#committed = this.#appended;
    this.#answerWaiters();
  }

  #drop(bytes: number): void {
    this.#droppedFrames++;
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
