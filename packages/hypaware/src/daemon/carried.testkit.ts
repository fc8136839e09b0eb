import type { Outcome } from "../contract/exchange.ts";
import type { FrameSink } from "../contract/frame.ts";
import type { Json } from "../contract/projection.ts";
import { recordedFrame } from "../wire/websocket.testkit.ts";

type Headers = Readonly<Record<string, string>>;

export interface Asked {
  readonly exchangeId: string;
  readonly target: string;
  readonly upstream: string;
  readonly headers?: Headers;
  readonly body: Json;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

export interface Answered {
  readonly status?: number;
  readonly headers?: Headers;
  /** One JSON body, or what a stream tells piece by piece: each an event's data, under the name that its `type` is. */
  readonly body: Json | { readonly events: readonly (Json | string)[] };
  readonly outcome?: Outcome;
}

/** What the tap writes when a request has come. */
export function ask(sink: FrameSink, { exchangeId, body, ...head }: Asked): void {
  open(sink, exchangeId, "POST", {
    ...head,
    headers: { "content-type": "application/json", ...head.headers },
  });
  const bytes = Buffer.from(JSON.stringify(body));
  sink.append({ kind: "request-body", exchangeId, bytes, masked: [], last: true });
}

/** And when its answer has gone. */
export function answer(sink: FrameSink, exchangeId: string, answered: Answered): void {
  const { status = 200, headers = {}, body, outcome = "complete" } = answered;
  const events = eventsOf(body);
  const type = events === undefined ? "application/json" : "text/event-stream";
  const head = { tMs: 10, status, statusText: "", headers: raw({ "content-type": type, ...headers }) };
  sink.append({ kind: "response-head", exchangeId, head });
  const bytes = Buffer.from(events?.map(eventText).join("") ?? JSON.stringify(body));
  const arrivals = [{ tMs: 20, length: bytes.length }];
  sink.append({ kind: "response-bytes", exchangeId, bytes, arrivals, masked: [] });
  close(sink, exchangeId, 30, outcome);
}

/** A WebSocket: what is said on it one message at a time. */
export class CarriedSocket {
  readonly #sink: FrameSink;
  readonly #exchangeId: string;
  readonly #sent = { client: 0, server: 0 };
  #tMs = 1;

  constructor(sink: FrameSink, { exchangeId, ...head }: Omit<Asked, "body">) {
    this.#sink = sink;
    this.#exchangeId = exchangeId;
    open(sink, exchangeId, "GET", { ...head, headers: { upgrade: "websocket", ...head.headers } });
    const answer = { tMs: 1, status: 101, statusText: "Switching Protocols", headers: [] };
    sink.append({ kind: "response-head", exchangeId, head: answer });
  }

  say(side: "client" | "server", message: Json): void {
    const bytes = recordedFrame(0x81, Buffer.from(JSON.stringify(message)));
    const frame = { exchangeId: this.#exchangeId, side, offset: this.#sent[side], bytes, masked: [] };
    this.#sink.append({ kind: "ws-bytes", ...frame, arrivals: [{ tMs: ++this.#tMs, length: bytes.length }] });
    this.#sent[side] += bytes.length;
  }

  close(outcome: Outcome = "complete"): void {
    close(this.#sink, this.#exchangeId, ++this.#tMs, outcome);
  }
}

function open(
  sink: FrameSink,
  exchangeId: string,
  method: string,
  { target, upstream, headers, startedAt }: Omit<Asked, "body" | "exchangeId">,
): void {
  const head = {
    startedAt,
    method,
    target,
    httpVersion: "1.1",
    headers: raw(headers ?? {}),
    upstream,
    provider: upstream,
    routeReason: "match",
    clientName: null,
    gatewayId: "g",
    metadata: {},
  };
  sink.append({ kind: "open", exchangeId, head });
}

function close(sink: FrameSink, exchangeId: string, tMs: number, outcome: Outcome): void {
  const error = outcome === "complete" ? null : outcome;
  sink.append({
    kind: "close",
    exchangeId,
    end: { tMs, outcome, error, requestBytes: 1, responseBytes: 1 },
  });
}

const raw = (headers: Headers): readonly string[] => Object.entries(headers).flat();

function eventsOf(body: Answered["body"]): readonly (Json | string)[] | undefined {
  const isStream = typeof body === "object" && body !== null && "events" in body;
  return isStream ? (body.events as readonly (Json | string)[]) : undefined;
}

function eventText(event: Json): string {
  if (typeof event === "string") return `data: ${event}\n\n`;
  const type = (event as { readonly type?: unknown }).type;
  const name = typeof type === "string" ? `event: ${type}\n` : "";
  return `${name}data: ${JSON.stringify(event)}\n\n`;
}
