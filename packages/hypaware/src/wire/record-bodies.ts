// The bodies of an exchange record, made when somebody reads them. An agent sends its whole history again and again: who wants its
// JSON gets it without any text being made of 200 KB (./growing-json.ts). An answer is a thousand events: who knows them reads their
// text (./event-stream.ts).

import type { StreamEvent } from "../contract/exchange.ts";
import { LIMITS } from "../contract/limits.ts";
import type { Json } from "../contract/projection.ts";
import { EventStream, type EventText } from "./event-stream.ts";
import { GrowingJson } from "./growing-json.ts";
import { utf8Text } from "./utf8-text.ts";

const BODIES = Symbol("bodies");

interface Bodies {
  readonly request: RequestBody | undefined;
  /** null: the response is no stream. */
  readonly stream: Pick<EventStream, "events" | "count"> | null;
}

interface WithRequest {
  readonly request_body: string | null;
}

interface WithStream {
  readonly stream_events: readonly StreamEvent[];
  readonly stream_event_count: number | null;
}

interface Hidden {
  readonly [BODIES]?: Bodies;
}

const parser = new GrowingJson({ texts: LIMITS.knownBodies, bytes: LIMITS.knownBodiesBytes });

class RequestBody {
  readonly #bytes: Buffer;
  #text: string | undefined;
  #json: Json | undefined;
  #isParsed = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get text(): string {
    return (this.#text ??= utf8Text(this.#bytes));
  }

  get json(): Json | undefined {
    if (!this.#isParsed) this.#json = orUndefined(() => parser.parse(this.#bytes));
    this.#isParsed = true;
    return this.#json;
  }
}

/** Own and enumerable, as the contract's members are; shared by all records, so that they have one shape. */
const LAZY = {
  request_body: accessor(({ request }) => request?.text ?? null),
  stream_events: accessor(({ stream }) => stream?.events ?? []),
  stream_event_count: accessor(({ stream }) => stream?.count ?? null),
};

function accessor(read: (bodies: Bodies) => unknown): PropertyDescriptor {
  const get = function (this: Hidden): unknown {
    return read(this[BODIES]!);
  };
  return { enumerable: true, configurable: true, get };
}

/** The record with its bodies. `request`: decoded, as UTF-8; an empty one is null. The bytes are kept: they must not change. */
export function withBodies<T extends object>(
  record: T,
  request: Buffer,
  stream: EventStream | readonly StreamEvent[] | null,
): T & WithRequest & WithStream {
  const bodies: Bodies = {
    request: request.length === 0 ? undefined : new RequestBody(request),
    stream:
      stream === null || stream instanceof EventStream ? stream : { events: stream, count: stream.length },
  };
  return Object.defineProperties(hiding(record, bodies), LAZY) as T & WithRequest & WithStream;
}

/** A copy that lacks some members, and holds on to the request's body as the record does. */
export function without<T extends WithRequest & Hidden, Name extends Exclude<keyof T, "request_body">>(
  record: T,
  ...names: readonly Name[]
): Omit<T, Name> {
  const left = new Set<string>(["request_body", ...(names as readonly string[])]);
  const copy = Object.fromEntries(
    Object.keys(record)
      .filter((name) => !left.has(name))
      .map((name) => [name, record[name as keyof T]]),
  );
  const hidden = record[BODIES];
  const request = hidden === undefined ? { value: record.request_body, enumerable: true } : LAZY.request_body;
  if (hidden !== undefined) hiding(copy, { request: hidden.request, stream: null });
  return Object.defineProperty(copy, "request_body", request) as unknown as Omit<T, Name>;
}

/**
 * What JSON.parse makes of `request_body`; `undefined` when it is no JSON. What one body has in common with an earlier one is the
 * same object in both: nobody may change it.
 */
export function requestJson(record: WithRequest & Hidden): Json | undefined {
  // A changed copy of a record has its own text.
  const bodies = record[BODIES];
  if (bodies !== undefined) return bodies.request?.json;
  const { request_body: text } = record;
  return text === null ? undefined : orUndefined(() => JSON.parse(text) as Json);
}

/** The stream that `stream_events` are made of, as text; `undefined` where only they tell what it holds. */
export function streamText(record: WithStream & Hidden): EventText | undefined {
  const stream = record[BODIES]?.stream;
  return stream instanceof EventStream ? stream.text() : undefined;
}

/** Not enumerable: a copy by `{...record, request_body}` must not have them. */
function hiding<T extends object>(record: T, bodies: Bodies): T {
  return Object.defineProperty(record, BODIES, { value: bodies });
}

function orUndefined(parse: () => Json): Json | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
