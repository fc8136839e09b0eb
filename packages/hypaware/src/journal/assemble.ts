import type {
  Arrival,
  ArrivedBytes,
  CapturedExchange,
  CaptureFrame,
  CloseInfo,
  JournalPosition,
  OpenHead,
  ResponseHead,
  TunnelBytes,
  TunnelSide,
} from "../contract/frame.ts";
import { decodeFrame } from "./codec.ts";
import { scanFrames } from "./reader.ts";
import { RequestBodies } from "./request-bodies.ts";
import { OpenSegments } from "./open-segments.ts";
import { isRunAlive, listSegments } from "./runs.ts";

/** Reads exchanges of one run that lie near each other. To be closed soon: it reads the run as it was when it read the first. */
export class ExchangeReader {
  readonly #runDir: string;
  readonly #alive: boolean;
  #nearby: OpenSegments | undefined;
  readonly #bodies: RequestBodies;

  /** `alive`: its gateway was still writing when these exchanges were found. */
  constructor(runDir: string, alive: boolean) {
    this.#runDir = runDir;
    this.#alive = alive;
    this.#bodies = new RequestBodies(runDir);
  }

  /**
   * Puts one exchange together from its span of the journal. Without a `close` in a dead run its outcome is `interrupted` and
   * its end the last arrival. `undefined`: its `open` is lost or was removed, so nobody can say what it was. Throws when the frames of a
   * living run are not there (its gateway is just moving them to another segment): try again later.
   */
  read(exchangeId: string, from: JournalPosition, to: JournalPosition): CapturedExchange | undefined {
    const parts = new ExchangeParts();
    let isWaiting = false;
    this.#nearby ??= new OpenSegments(this.#runDir);
    const options = { alive: this.#alive, to, exchangeId, nearby: this.#nearby };
    for (const { position, frame } of scanFrames(this.#runDir, from, options)) {
      if (frame.kind === "damage") continue;
      const isDelta = frame.kind === "request-delta";
      const decoded = isDelta ? this.#bodies.resolve(position, frame) : decodeFrame(frame);
      isWaiting ||= decoded === "unfinished";
      if (typeof decoded === "object" && decoded.kind !== "unknown") parts.add(decoded);
    }
    if (this.#alive && (isWaiting || !parts.isClosed) && !this.#isRemoved(to))
      throw new Error(`exchange ${exchangeId} is not whole yet`);
    return parts.assemble(exchangeId);
  }

  close(): void {
    this.#nearby?.close();
    this.#bodies.close();
  }

  #isRemoved(to: JournalPosition): boolean {
    const first = listSegments(this.#runDir)[0];
    return first === undefined || first > to.segment;
  }
}

/** One exchange, as `ExchangeReader.read`. `alive`: for who has asked. */
export async function readExchange(
  runDir: string,
  exchangeId: string,
  from: JournalPosition,
  to: JournalPosition,
  alive: boolean = isRunAlive(runDir),
): Promise<CapturedExchange | undefined> {
  const reader = new ExchangeReader(runDir, alive);
  try {
    return reader.read(exchangeId, from, to);
  } finally {
    reader.close();
  }
}

/** The frames of one exchange, in their order. */
export class ExchangeParts {
  #open: OpenHead | undefined;
  #responseHead: ResponseHead | null = null;
  #end: CloseInfo | undefined;
  #sawLast = false;
  readonly #request: Buffer[] = [];
  readonly #response: ArrivedBytes[] = [];
  readonly #websocket: TunnelBytes[] = [];
  readonly #dropped = { request: 0, response: 0 };

  get isClosed(): boolean {
    return this.#end !== undefined;
  }

  add(frame: CaptureFrame): void {
    switch (frame.kind) {
      case "open":
        this.#open ??= frame.head;
        return;
      case "request-body":
        this.#request.push(frame.bytes);
        this.#sawLast ||= frame.last;
        return;
      case "response-head":
        this.#responseHead ??= frame.head;
        return;
      case "response-bytes":
        this.#addResponse(frame);
        return;
      case "ws-bytes":
        this.#addTunnelled(frame);
        return;
      case "gap":
        this.#dropped[frame.direction] += frame.droppedBytes;
        return;
      case "close":
        this.#end ??= frame.end;
    }
  }

  assemble(exchangeId: string): CapturedExchange | undefined {
    if (!this.#open) return undefined;
    const requestBody = this.#request.length === 1 ? this.#request[0]! : Buffer.concat(this.#request);
    const websocket = inOrderOfArrival(this.#websocket);
    const requestBytes = requestBody.length + bytesOf(websocket, "client");
    const responseBytes =
      this.#response.reduce((sum, { bytes }) => sum + bytes.length, 0) + bytesOf(websocket, "server");
    const end = this.#end ?? {
      tMs: websocket.at(-1)?.tMs ?? this.#lastMs(),
      outcome: "interrupted",
      error: null,
      requestBytes: requestBytes + this.#dropped.request,
      responseBytes: responseBytes + this.#dropped.response,
    };
    // More went by than is here: a frame was lost to damage, whether or not a gap said so.
    const droppedRequestBytes = Math.max(this.#dropped.request, end.requestBytes - requestBytes);
    const droppedResponseBytes = Math.max(this.#dropped.response, end.responseBytes - responseBytes);
    const hadNoBody = this.#end !== undefined && end.requestBytes === 0;
    return {
      exchangeId,
      open: this.#open,
      requestBody,
      requestComplete: droppedRequestBytes === 0 && (this.#sawLast || hadNoBody),
      responseHead: this.#responseHead,
      response: this.#response,
      end,
      ...(this.#responseHead?.status === 101 ? { websocket } : {}),
      droppedRequestBytes,
      droppedResponseBytes,
    };
  }

  #addResponse(frame: Extract<CaptureFrame, { kind: "response-bytes" }>): void {
    const arrivals = arrivalsOf(frame, this.#lastMs());
    if (arrivals.length > 0) this.#response.push({ bytes: frame.bytes, arrivals });
  }

  #addTunnelled(frame: Extract<CaptureFrame, { kind: "ws-bytes" }>): void {
    let at = 0;
    for (const { tMs, length } of arrivalsOf(frame, 0)) {
      const bytes = frame.bytes.subarray(at, at + length);
      this.#websocket.push({ side: frame.side, offset: frame.offset + at, bytes, tMs });
      at += length;
    }
  }

  /** When the last that is known of the response arrived. */
  #lastMs(): number {
    return this.#response.at(-1)?.arrivals.at(-1)?.tMs ?? this.#responseHead?.tMs ?? 0;
  }
}

/** `before`: time of what no arrival speaks of, in a frame without any. */
function arrivalsOf({ bytes, arrivals }: ArrivedBytes, before: number): readonly Arrival[] {
  const rest = arrivals.reduce((left, { length }) => left - length, bytes.length);
  if (rest === 0 && arrivals.every(({ length }) => length > 0)) return arrivals;
  const last = { tMs: arrivals.at(-1)?.tMs ?? before, length: rest };
  return [...arrivals, last].filter(({ length }) => length > 0);
}

/** The two sides' frames are written at different times; the pieces of one side are in order already. */
function inOrderOfArrival(pieces: readonly TunnelBytes[]): readonly TunnelBytes[] {
  return [...pieces].sort((a, b) => a.tMs - b.tMs);
}

function bytesOf(pieces: readonly TunnelBytes[], side: TunnelSide): number {
  return pieces.reduce((sum, piece) => (piece.side === side ? sum + piece.bytes.length : sum), 0);
}
