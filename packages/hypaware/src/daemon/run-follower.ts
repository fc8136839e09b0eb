// Follows the journal of one gateway run and finds the exchanges that ended.
//
// The cursor in the catalog is a pair: `read`, where the next frame begins, and `low`, where the oldest exchange begins that
// was still open then. After a restart frames are read again from `low`; exchanges that have a row already are skipped by
// their id. So each is projected exactly once, and neither memory nor the catalog holds bodies of open exchanges.

import { join } from "node:path";
import type { JournalPosition } from "../contract/frame.ts";
import { decodeFrame } from "../journal/codec.ts";
import { OpenExchanges } from "../journal/open-exchanges.ts";
import { type DamagedFrame, scanFrames } from "../journal/reader.ts";
import type { RunCursor } from "../store/cursors.ts";

/** Where one ended exchange lies in its journal. */
export interface EndedExchange {
  readonly runId: string;
  readonly exchangeId: string;
  /** Its open frame. */
  readonly from: JournalPosition;
  /** Behind its last frame. */
  readonly to: JournalPosition;
  /** Milliseconds since the epoch by the gateway's clock: the order between runs on replay. */
  readonly endedAt: number;
  /** Its gateway was still writing when this was found. */
  readonly alive: boolean;
}

const START: JournalPosition = { segment: 0, offset: 0 };

export class RunFollower {
  readonly runId: string;
  readonly #dir: string;
  readonly #open = new OpenExchanges();
  readonly #onDamage: (damage: DamagedFrame, position: JournalPosition) => void;
  #read: JournalPosition;

  /** `cursor`: where an earlier recorder came to. */
  constructor(
    journalFolder: string,
    runId: string,
    cursor: RunCursor | undefined,
    onDamage: (damage: DamagedFrame, position: JournalPosition) => void,
  ) {
    this.runId = runId;
    this.#dir = join(journalFolder, runId);
    this.#read = cursor?.low ?? START;
    this.#onDamage = onDamage;
  }

  /** What to store once everything yielded so far is stored. */
  cursor(finished = false): RunCursor {
    return { read: this.#read, low: this.#open.lowWater() ?? this.#read, finished };
  }

  /**
   * Exchanges that ended between the cursor and where the journal ends now, or `to`, in order. `alive`: its gateway still
   * writes.
   */
  *ended(alive: boolean, to?: JournalPosition): Generator<EndedExchange> {
    for (const entry of scanFrames(this.#dir, this.#read, { alive, ...(to && { to }) })) {
      this.#read = entry.next;
      if (entry.frame.kind === "damage") {
        this.#onDamage(entry.frame, entry.position);
        continue;
      }
      const close = entry.frame.kind === "close" ? decodeFrame(entry.frame) : undefined;
      const span = this.#open.note(entry);
      if (span === undefined) continue;
      const tMs = close?.kind === "close" ? close.end.tMs : 0;
      yield {
        runId: this.runId,
        exchangeId: span.exchangeId,
        from: span.from,
        to: span.to,
        endedAt: (span.startedAt ?? 0) + tMs,
        alive,
      };
    }
  }

  /** What a dead run left open, in the order in which it began. Only after `ended` came to the end of a dead run. */
  *interrupted(): Generator<EndedExchange> {
    for (const span of this.#open.all())
      yield {
        runId: this.runId,
        exchangeId: span.exchangeId,
        from: span.from,
        to: span.to,
        endedAt: span.startedAt ?? 0,
        alive: false,
      };
  }
}
