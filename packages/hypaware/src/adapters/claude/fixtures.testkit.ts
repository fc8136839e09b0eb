import { readFileSync } from "node:fs";
import type {
  ExchangeRecord,
  Json,
  JsonObject,
  Projection,
  ProjectorLog,
  RecordEntry,
} from "../../contract/plugin.ts";
import { claudeProjector } from "./projector.ts";
import { readTranscriptLine } from "./record.ts";

/** Exchanges of real client runs, in the order in which they began; prompts and tool descriptions of the vendor are cut. */
export const FIXTURES = [
  "plain",
  "bash",
  "parallel-tools",
  "subagent",
  "multi-turn",
  "compact",
  "stream-cut-once",
  "client-interrupt",
  "error-400",
  "error-529-twice",
  "encoding-gzip",
  "encoding-zstd",
  "gateway-hints",
  "older-subagent",
  "older-multi-turn",
  "sdk",
  "sdk-encoding-br",
] as const;

const read = (file: string): unknown =>
  JSON.parse(readFileSync(new URL(`./fixtures/${file}.json`, import.meta.url), "utf8"));

export const readFixture = (name: string): readonly ExchangeRecord[] => read(name) as ExchangeRecord[];

/** The client's transcripts of the same runs, cut in the same places: lines by file below its folder of projects, in the order in which the files came into being. */
export const readTranscripts = (name: string): Readonly<Record<string, readonly JsonObject[]>> =>
  read(`${name}.transcript`) as Record<string, JsonObject[]>;

/** Their lines that are messages. */
export const readEntries = (name: string): readonly RecordEntry[] =>
  Object.values(readTranscripts(name)).flatMap((lines) =>
    lines.flatMap((line) => readTranscriptLine(JSON.stringify(line)) ?? []),
  );

export interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly [field: string]: Json | undefined;
}

export function project(record: ExchangeRecord, lines: LogLine[] = []): Projection | undefined {
  const at =
    (level: string): ProjectorLog["info"] =>
    (event, fields) =>
      void lines.push({ ...fields, level, event });
  const log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  if (!claudeProjector.match(record)) return undefined;
  return claudeProjector.project(record, { log }) as Projection | undefined;
}

const text = (body: Json | undefined): string | null =>
  body === undefined || body === null || typeof body === "string" ? (body ?? null) : JSON.stringify(body);

/** A whole exchange from what matters to a test. Objects become JSON. */
export function exchange(
  parts: Omit<Partial<ExchangeRecord>, "request_body" | "response_body" | "stream_events"> & {
    readonly headers?: Readonly<Record<string, Json>>;
    readonly request_body?: Json;
    readonly response_body?: Json;
    readonly events?: readonly Json[];
  } = {},
): ExchangeRecord {
  const { headers, request_body: request, response_body: response, events, ...rest } = parts;
  return {
    exchange_id: "0123456789abcdef0123456789abcdef",
    ts_start: "2026-03-01T12:00:00.000Z",
    ts_end: "2026-03-01T12:00:01.000Z",
    duration_ms: 1000,
    upstream: "anthropic",
    provider: "anthropic",
    method: "POST",
    path: "/v1/messages",
    status_code: 200,
    request_bytes: 100,
    response_bytes: 100,
    is_sse: events !== undefined,
    stream_event_count: events?.length ?? null,
    request_headers: JSON.stringify(headers ?? {}),
    response_headers: "{}",
    request_body: text(request),
    response_body: text(response),
    error: null,
    metadata: "{}",
    stream_events: (events ?? []).map((data, index) => ({
      kind: "stream_event",
      exchange_id: "0123456789abcdef0123456789abcdef",
      t_ms: 100 * index,
      event: "message",
      data: typeof data === "string" ? data : JSON.stringify(data),
    })),
    outcome: "complete",
    ttfb_ms: 50,
    ...rest,
  };
}
