// Follows the journal of one gateway run and finds the exchanges that ended.
//
// The cursor in the catalog is a pair: `read`, where the next frame begins, and `low`, where the oldest exchange begins that
// was still open then. After a restart frames are read again from `low`; exchanges that have a row already are skipped by
// their id. So each is projected exactly once, and the catalog holds no bodies of open exchanges. Memory holds some of them, so that their
// frames are read once; what is not there any more is read again when it has ended.

import { join } from "node:path";
import type { CapturedExchange, CloseInfo, JournalPosition } from "../contract/frame.ts";
import { type RawFrame, decodeFrame } from "../journal/codec.ts";
import { HeldExchanges } from "../journal/held-exchanges.ts";
import { type ExchangeSpan, OpenExchanges } from "../journal/open-exchanges.ts";
import { type DamagedFrame, scanFrames } from "../journal/reader.ts";
import type { Connection, SocketCalls } from "../projection/socket-calls.ts";
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
  /** It ends before the place up to which everything was stored when its run was taken up: it is read again because of others. */
  readonly mayBeStored: boolean;
  /**
   * Where it was put together already: its frames need not be read again. Always of a call on a WebSocket. Who has made of it what
   * is stored lets go of it: bodies that wait for a transaction grow old, and old ones are dear to collect.
   */
  captured: CapturedExchange | undefined;
}

export interface FollowerOptions {
  readonly journalFolder: string;
  readonly runId: string;
  /** Where an earlier recorder came to. */
  readonly cursor: RunCursor | undefined;
  readonly onDamage: (damage: DamagedFrame, position: JournalPosition) => void;
  /** The calls of a WebSocket; undefined: the connection is one exchange. */
  readonly callsOf: (connection: Connection) => SocketCalls | undefined;
  /** Of open exchanges that are put together on the way. Default: none are. */
  readonly holdBytes?: number;
}

const START: JournalPosition = { segment: 0, offset: 0 };

export class RunFollower {
  readonly runId: string;
  readonly #dir: string;
  readonly #options: FollowerOptions;
  readonly #open = new OpenExchanges();
  readonly #held: HeldExchanges | undefined;
  /** Of the open WebSockets that are split. */
  readonly #sockets = new Map<string, SocketCalls>();
  #read: JournalPosition;
  readonly #storedTo: JournalPosition;

  constructor(options: FollowerOptions) {
    this.runId = options.runId;
    this.#options = options;
    this.#dir = join(options.journalFolder, options.runId);
    this.#held =
      options.holdBytes === undefined ? undefined : new HeldExchanges(this.#dir, options.holdBytes);
    this.#read = options.cursor?.low ?? START;
    this.#storedTo = options.cursor?.read ?? START;
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
    try {
      for (const entry of scanFrames(this.#dir, this.#read, { alive, ...(to && { to }) })) {
        this.#read = entry.next;
        const { frame } = entry;
        if (frame.kind === "damage") {
          this.#options.onDamage(frame, entry.position);
          continue;
        }
        this.#held?.note(entry);
        const ended = this.#open.note(entry);
        if (ended !== undefined) yield* this.#close(ended, frame, alive);
        else if (frame.kind === "response-head") this.#openSocket(frame);
        else if (frame.kind === "ws-bytes") yield* this.#callsIn(frame, alive);
      }
    } finally {
      this.#held?.close();
    }
  }

  /** What a dead run left open, in the order in which it began. Only after `ended` came to the end of a dead run. */
  *interrupted(): Generator<EndedExchange> {
    for (const span of this.#open.all()) yield* this.#end(span, undefined, false);
  }

  *#close(span: ExchangeSpan, frame: RawFrame, alive: boolean): Generator<EndedExchange> {
    const close = decodeFrame(frame);
    yield* this.#end(span, close?.kind === "close" ? close.end : undefined, alive);
  }

  *#end(span: ExchangeSpan, end: CloseInfo | undefined, alive: boolean): Generator<EndedExchange> {
    const captured = this.#held?.take(span.exchangeId);
    const socket = this.#sockets.get(span.exchangeId);
    this.#sockets.delete(span.exchangeId);
    if (socket !== undefined) for (const call of socket.end(end)) yield this.#endedCall(span, call, alive);
    if (socket !== undefined && !socket.isBroken) return;
    const { exchangeId, from, to, open } = span;
    const endedAt = (open?.startedAt ?? 0) + (end?.tMs ?? 0);
    const mayBeStored = this.#mayBeStored(to);
    yield { runId: this.runId, exchangeId, from, to, endedAt, alive, mayBeStored, captured };
  }

  #openSocket(frame: RawFrame): void {
    // Most heads need not be parsed.
    if (!frame.payload.includes("101")) return;
    const head = decodeFrame(frame);
    const { open } = this.#open.get(frame.exchangeId) ?? {};
    if (head?.kind !== "response-head" || head.head.status !== 101 || !open) return;
    const { exchangeId } = frame;
    const socket = this.#options.callsOf({ exchangeId, open, responseHead: head.head });
    if (socket !== undefined) this.#sockets.set(exchangeId, socket);
  }

  *#callsIn(frame: RawFrame, alive: boolean): Generator<EndedExchange> {
    const socket = this.#sockets.get(frame.exchangeId);
    const span = this.#open.get(frame.exchangeId);
    const bytes = socket && decodeFrame(frame);
    if (socket === undefined || span === undefined || bytes?.kind !== "ws-bytes") return;
    for (const call of socket.push(bytes)) yield this.#endedCall(span, call, alive);
  }

  #endedCall({ from, to }: ExchangeSpan, captured: CapturedExchange, alive: boolean): EndedExchange {
    const { exchangeId, open, end } = captured;
    const endedAt = open.startedAt + end.tMs;
    const mayBeStored = this.#mayBeStored(to);
    return { runId: this.runId, exchangeId, from, to, endedAt, alive, mayBeStored, captured };
  }

  #mayBeStored(to: JournalPosition): boolean {
    const { segment, offset } = this.#storedTo;
    return to.segment < segment || (to.segment === segment && to.offset <= offset);
  }
}
