import type { ExchangeRecord, Outcome } from "../contract/exchange.ts";
import type { CapturedExchange, CaptureFrame, CloseInfo, OpenHead, ResponseHead } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import type { CallSplitter, ExchangeProjector, ProjectorLog, SocketCall } from "../contract/projection.ts";
import { MessageReader } from "../wire/websocket-messages.ts";
import { handshakeRecord } from "./record.ts";

// The calls on one WebSocket, while its frames come in. What the wire shows as one exchange is many: each call becomes an
// exchange of its own, `<connection>#<n>` from 1, as soon as it ends, and the handshake itself none.
//
// A side's frames are in order. Between the sides the client's come first (tap.ts), so that no answer is read before its call.

type SocketBytes = Extract<CaptureFrame, { kind: "ws-bytes" }>;

export interface Connection {
  readonly exchangeId: string;
  readonly open: OpenHead;
  readonly responseHead: ResponseHead;
}

export class SocketCalls {
  readonly #connection: Connection;
  readonly #splitter: CallSplitter;
  readonly #sides = { client: new Side(), server: new Side() };
  #calls = 0;
  #isBroken = false;

  constructor(connection: Connection, splitter: CallSplitter) {
    this.#connection = connection;
    this.#splitter = splitter;
  }

  /** The splitter has thrown: the rest of the connection is one exchange that nobody can read. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Calls that end in these bytes. */
  push(frame: SocketBytes): CapturedExchange[] {
    const { side } = frame;
    const texts = this.#sides[side].push(frame);
    return texts.flatMap(({ text, tMs }) =>
      this.#captured(() => this.#splitter.push({ side, text, t_ms: tMs })),
    );
  }

  /** Calls that the connection's end left without one. `end` undefined: nobody saw it end. */
  end(end: CloseInfo | undefined): CapturedExchange[] {
    return this.#captured(() => this.#splitter.end(), end);
  }

  /** A splitter that throws is not asked again. */
  #captured(split: () => readonly SocketCall[], end?: CloseInfo): CapturedExchange[] {
    if (this.#isBroken) return [];
    try {
      return split().map((call) => callOf(this.#connection, call, ++this.#calls, end));
    } catch {
      this.#isBroken = true;
      return [];
    }
  }
}

/** The calls of a connection, split by the first of the projectors that match its handshake, by priority, that offers to. */
export function callsOf(
  connection: Connection,
  projectors: readonly ExchangeProjector[],
  log: ProjectorLog,
): SocketCalls | undefined {
  const record = handshakeRecord(connection);
  for (const projector of projectors.toSorted((a, b) => (b.priority ?? 0) - (a.priority ?? 0))) {
    const splitter = splitterOf(projector, record, log);
    if (splitter !== undefined) return new SocketCalls(connection, splitter);
  }
  return undefined;
}

function splitterOf(
  projector: ExchangeProjector,
  record: ExchangeRecord,
  log: ProjectorLog,
): CallSplitter | undefined {
  try {
    return projector.split !== undefined && projector.match(record) === true
      ? projector.split(record)
      : undefined;
  } catch (error) {
    log.warn("aigw.projector_error", {
      projector: projector.name,
      exchange_id: record.exchange_id,
      error: String(error),
    });
    return undefined;
  }
}

/** Times of a call count from its own beginning. */
function callOf(
  { exchangeId, open, responseHead }: Connection,
  call: SocketCall,
  number: number,
  end: CloseInfo | undefined,
): CapturedExchange {
  const [first] = call.events;
  return {
    exchangeId: `${exchangeId}#${number}`,
    open: { ...open, startedAt: open.startedAt + call.start_ms },
    requestBody: Buffer.from(call.request_body),
    requestComplete: true,
    responseHead: first === undefined ? null : { ...responseHead, tMs: first.t_ms - call.start_ms },
    response: [],
    end: {
      tMs: call.end_ms - call.start_ms,
      outcome: call.complete ? "complete" : unfinished(end?.outcome),
      error: call.complete ? null : (end?.error ?? null),
      requestBytes: call.request_bytes,
      responseBytes: call.response_bytes,
    },
    socketEvents: call.events.map((event) => ({ ...event, t_ms: event.t_ms - call.start_ms })),
    droppedRequestBytes: 0,
    droppedResponseBytes: 0,
  };
}

/** A client that does not want the rest of an answer closes its connection in good order. */
function unfinished(outcome: Outcome | undefined): Outcome {
  if (outcome === undefined) return "interrupted";
  return outcome === "complete" ? "client_aborted" : outcome;
}

/** One direction: its bytes to its messages, each with the time of its last byte. */
class Side {
  readonly #reader = new MessageReader({ maxMessageBytes: LIMITS.sseEventBytes });
  #offset = 0;

  push({ offset, bytes, arrivals }: SocketBytes): { readonly text: string; readonly tMs: number }[] {
    if (offset > this.#offset) this.#reader.hole();
    this.#offset = offset + bytes.length;
    const messages: { readonly text: string; readonly tMs: number }[] = [];
    let at = 0;
    for (const { tMs, length } of arrivals) {
      for (const text of this.#reader.push(bytes.subarray(at, at + length))) messages.push({ text, tMs });
      at += length;
    }
    return messages;
  }
}
