import type { StreamEvent } from "../contract/exchange.ts";
import type { ArrivedBytes } from "../contract/frame.ts";
import { ArrivalTimes } from "./arrival-times.ts";
import { type SseEvent, SseParser } from "./sse.ts";

const BOM = 0xef;
const END_OF_BLOCK = "\n\n";

/**
 * Server-sent events as they came. Events are made when they are asked for; who knows what its provider's look like reads the text
 * instead, which makes no object for each of a thousand.
 */
export class EventStream {
  readonly #exchangeId: string;
  readonly #arrived: readonly ArrivedBytes[];
  readonly #bytes: Buffer;
  #events: readonly StreamEvent[] | undefined;
  #count: number | undefined;

  constructor(exchangeId: string, arrived: readonly ArrivedBytes[]) {
    this.#exchangeId = exchangeId;
    this.#arrived = arrived;
    this.#bytes = arrived.length === 1 ? arrived[0]!.bytes : Buffer.concat(arrived.map(({ bytes }) => bytes));
  }

  get events(): readonly StreamEvent[] {
    return (this.#events ??= this.#parsed());
  }

  get count(): number {
    return (this.#count ??= this.events.length);
  }

  /** `undefined` when it is not plainly blocks of lines that end with LF: then only `events` tells what it holds. */
  text(): EventText | undefined {
    const bytes = this.#bytes;
    if (bytes[0] === BOM) return undefined;
    const text = bytes.toString("utf8");
    // Then each character was one byte.
    const isSame = text.length === bytes.length;
    // What was no UTF-8 has become something of another length.
    if (!isSame && Buffer.byteLength(text) !== bytes.length) return undefined;
    if (!text.endsWith(END_OF_BLOCK) || text.includes("\r")) return undefined;
    const times = this.#times();
    /** The place that was asked for last, in characters and in bytes. */
    let [asked, byte] = [0, 0];
    return {
      text,
      timeAt: (end) => {
        byte += isSame ? end - asked : Buffer.byteLength(text.slice(asked, end));
        asked = end;
        return times.of(byte);
      },
      counted: (events) => void (this.#count = events),
    };
  }

  #parsed(): readonly StreamEvent[] {
    const events: StreamEvent[] = [];
    const times = this.#times();
    const parser = new SseParser((event, end) => {
      events.push(streamEvent(this.#exchangeId, times.of(end), event));
    });
    parser.push(this.#bytes);
    parser.end();
    return events;
  }

  #times(): ArrivalTimes {
    const times = new ArrivalTimes();
    for (const { arrivals } of this.#arrived) times.add(arrivals);
    return times;
  }
}

/** An event as projectors see it. */
export function streamEvent(exchangeId: string, tMs: number, { event, data, id }: SseEvent): StreamEvent {
  const known = { kind: "stream_event", exchange_id: exchangeId, t_ms: tMs, event, data } as const;
  return id === undefined ? known : { ...known, id };
}

export interface EventText {
  readonly text: string;
  /** Milliseconds, of the arrival of the character that `end` stands behind. To be asked in the order of the text. */
  readonly timeAt: (end: number) => number;
  /** To be told by who read it to its end: how many events it holds. */
  readonly counted: (events: number) => void;
}
