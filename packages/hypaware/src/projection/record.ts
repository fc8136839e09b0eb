import type { ExchangeRecord, StreamEvent } from "../contract/exchange.ts";
import type { Arrival, ArrivedBytes, CapturedExchange, RawHeaders } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import { ArrivalTimes } from "../wire/arrival-times.ts";
import { decodeStream, type TimedBytes } from "../wire/encodings.ts";
import { EventStream, streamEvent } from "../wire/event-stream.ts";
import { headerArrays, headerValue, headerValues } from "../wire/headers.ts";
import { withBodies } from "../wire/record-bodies.ts";
import { SseParser } from "../wire/sse.ts";
import { utf8Text } from "../wire/utf8-text.ts";

export interface DecodedExchange {
  readonly record: ExchangeRecord;
  /** Why a body could not be read to its end; what could be read is in the record. */
  readonly decodeError: string | null;
}

/** A captured exchange as projectors see it. Never rejects over what the wire carried. */
export async function toRecord(captured: CapturedExchange): Promise<DecodedExchange> {
  const { open, responseHead, socketEvents } = captured;
  const body = captured.requestBody;
  const sent = body.length === 0 ? [] : [{ bytes: body, arrivals: [{ tMs: 0, length: body.length }] }];
  const request = await readBytes(sent, contentEncoding(open.headers));
  const response =
    socketEvents !== undefined
      ? {
          ...NOTHING,
          events: socketEvents.map((event) => streamEvent(captured.exchangeId, event.t_ms, event)),
        }
      : responseHead !== null && isEventStream(responseHead.headers)
        ? await readEvents(captured)
        : await readText(captured.response, contentEncoding(responseHead?.headers));
  const cut =
    request.truncated ||
    response.truncated ||
    captured.droppedRequestBytes > 0 ||
    captured.droppedResponseBytes > 0;
  const errors = [
    request.error === null ? undefined : `request body: ${request.error}`,
    response.error === null ? undefined : `response body: ${response.error}`,
  ].filter((error) => error !== undefined);

  const record = recordOf(captured, request, response, cut);
  return { record, decodeError: errors.length === 0 ? null : errors.join("; ") };
}

/** A WebSocket's handshake, before anything went through. */
export function handshakeRecord(
  connection: Pick<CapturedExchange, "exchangeId" | "open" | "responseHead">,
): ExchangeRecord {
  const end = {
    tMs: connection.responseHead?.tMs ?? 0,
    outcome: "complete",
    error: null,
    requestBytes: 0,
    responseBytes: 0,
  } as const;
  return recordOf({ ...connection, end }, NO_BYTES, NOTHING, false);
}

function recordOf(
  { exchangeId, open, responseHead, end, socketEvents }: Head,
  request: Bytes,
  response: Body,
  cut: boolean,
): ExchangeRecord {
  const isSse = responseHead === null ? null : isEventStream(responseHead.headers);
  const record = {
    exchange_id: exchangeId,
    ts_start: isoTime(open.startedAt),
    ts_end: isoTime(open.startedAt + end.tMs),
    duration_ms: end.tMs,
    upstream: open.upstream ?? "",
    provider: open.provider,
    method: open.method,
    path: open.target,
    status_code: responseHead?.status ?? null,
    request_bytes: end.requestBytes,
    response_bytes: end.responseBytes,
    is_sse: isSse,
    request_headers: headersJson(open.headers),
    response_headers: responseHead === null ? null : headersJson(responseHead.headers),
    response_body: response.text,
    error: end.error,
    metadata: JSON.stringify(open.metadata),
    outcome: end.outcome === "complete" && cut ? "truncated" : end.outcome,
    ttfb_ms: responseHead?.tMs ?? null,
  };
  const isStream = isSse === true || socketEvents !== undefined;
  return withBodies(record, request.bytes, isStream ? response.events : null);
}

type Head = Pick<CapturedExchange, "exchangeId" | "open" | "responseHead" | "end" | "socketEvents">;

interface Decoded {
  readonly truncated: boolean;
  readonly error: string | null;
}

interface Bytes extends Decoded {
  readonly bytes: Buffer;
}

interface Body extends Decoded {
  /** null: no byte came, or the body is in `events`. */
  readonly text: string | null;
  readonly events: readonly StreamEvent[] | EventStream;
}

const NOTHING: Body = { text: null, events: [], truncated: false, error: null };
const NO_BYTES: Bytes = { bytes: Buffer.alloc(0), truncated: false, error: null };

async function readBytes(arrived: readonly ArrivedBytes[], encoding: string | undefined): Promise<Bytes> {
  const parts: Buffer[] = [];
  const result = await decode(arrived, encoding, (bytes) => void parts.push(bytes));
  return { bytes: parts.length === 1 ? parts[0]! : Buffer.concat(parts), ...result };
}

async function readText(arrived: readonly ArrivedBytes[], encoding: string | undefined): Promise<Body> {
  const { bytes, ...result } = await readBytes(arrived, encoding);
  return { text: bytes.length === 0 ? null : utf8Text(bytes), events: [], ...result };
}

async function readEvents(captured: CapturedExchange): Promise<Body> {
  const encoding = contentEncoding(captured.responseHead?.headers);
  const bytes = captured.response.reduce((sum, each) => sum + each.bytes.length, 0);
  if (encoding === undefined && bytes <= LIMITS.eventStreamBytes) {
    const events = new EventStream(captured.exchangeId, captured.response);
    return { text: null, events, truncated: false, error: null };
  }
  const events: StreamEvent[] = [];
  const arrivals = new ArrivalTimes();
  const parser = new SseParser(
    (event, end) => void events.push(streamEvent(captured.exchangeId, arrivals.of(end), event)),
    { maxEventBytes: LIMITS.sseEventBytes },
  );
  if (encoding === undefined) for (const each of captured.response) arrivals.add(each.arrivals);
  const result = await decode(captured.response, encoding, (bytes, tMs) => {
    if (encoding !== undefined) arrivals.add([{ tMs, length: bytes.length }]);
    parser.push(bytes);
  });
  parser.end();
  return { text: null, events, truncated: result.truncated || parser.truncated, error: result.error };
}

/** Decodes up to LIMITS.decodedBytes, also of a body that has no encoding. A broken encoding is a value, not a throw. */
async function decode(
  arrived: readonly ArrivedBytes[],
  encoding: string | undefined,
  emit: (bytes: Buffer, tMs: number) => void,
): Promise<Decoded> {
  let left: number = LIMITS.decodedBytes;
  let cut = false;
  const result = await decodeStream(chunksOf(arrived, encoding), encoding, (bytes, tMs) => {
    if (bytes.length > left) cut = true;
    const kept = bytes.subarray(0, left);
    left -= kept.length;
    if (kept.length > 0) emit(kept, tMs);
  });
  return { truncated: result.truncated || cut, error: result.error };
}

/** Only what is encoded has to be cut: what a piece decodes to has its time. */
function* chunksOf(arrived: readonly ArrivedBytes[], encoding: string | undefined): Generator<TimedBytes> {
  for (const { bytes, arrivals } of arrived) {
    if (encoding === undefined) yield { bytes, tMs: 0 };
    else yield* piecesOf(bytes, arrivals);
  }
}

function* piecesOf(bytes: Buffer, arrivals: readonly Arrival[]): Generator<TimedBytes> {
  let at = 0;
  for (const { tMs, length } of arrivals) yield { bytes: bytes.subarray(at, (at += length)), tMs };
}

/** Several header lines mean one list (RFC 9110, section 8.4). */
function contentEncoding(headers: RawHeaders | undefined): string | undefined {
  const values = headerValues(headers ?? [], "content-encoding");
  return values.length === 0 ? undefined : values.join(", ");
}

function isEventStream(headers: RawHeaders): boolean {
  const [mediaType = ""] = (headerValue(headers, "content-type") ?? "").split(";");
  return mediaType.trim().toLowerCase() === "text/event-stream";
}

/** Lower-case name to value, to an array of values when the header came more than once. */
function headersJson(headers: RawHeaders): string {
  const entries = Object.entries(headerArrays(headers)).map(([name, values]) => [
    name,
    values.length === 1 ? values[0] : values,
  ]);
  return JSON.stringify(Object.fromEntries(entries));
}

/** A clock that was set wrong must not end the recorder: what is no date becomes the epoch. */
function isoTime(ms: number): string {
  const date = new Date(ms);
  const isWritable = date.getTime() >= 0 && date.getUTCFullYear() <= 9999;
  return (isWritable ? date : new Date(0)).toISOString();
}
