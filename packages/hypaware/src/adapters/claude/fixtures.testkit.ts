import { readFileSync } from "node:fs";
import type {
  ExchangeRecord,
  JsonObject,
  Projection,
  RecordedResponse,
  RecordEntry,
  RecordReading,
} from "../../contract/plugin.ts";
import * as records from "../../protocols/exchange-record.testkit.ts";
import { claudeProjector } from "./projector.ts";
import { readTranscriptLine } from "./transcript/record.ts";

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
  "interrupt-resume",
  "stream-error-resume",
  "error-400",
  "error-529-twice",
  "encoding-gzip",
  "encoding-zstd",
  "gateway-hints",
  "older-subagent",
  "older-multi-turn",
] as const;

const read = (file: string): unknown =>
  JSON.parse(readFileSync(new URL(`./fixtures/${file}.json`, import.meta.url), "utf8"));

export const readFixture = (name: string): readonly ExchangeRecord[] => read(name) as ExchangeRecord[];

/** The client's transcripts of the same runs, cut in the same places: lines by file below its folder of projects, in the order in which the files came into being. */
export const readTranscripts = (name: string): Readonly<Record<string, readonly JsonObject[]>> =>
  read(`${name}.transcript`) as Record<string, JsonObject[]>;

const readings = (name: string): readonly RecordReading[] =>
  Object.values(readTranscripts(name)).flatMap(readFile);

export function readFile(lines: readonly JsonObject[]): readonly RecordReading[] {
  let memory: JsonObject = {};
  return lines.flatMap((line) => {
    const reading = readTranscriptLine({ text: JSON.stringify(line), memory });
    memory = reading?.memory ?? memory;
    return reading ?? [];
  });
}

/** Their lines that are messages. */
export const readEntries = (name: string): readonly RecordEntry[] =>
  readings(name).flatMap(({ entries = [] }) => entries);

/** What they say that responses cost, once for each line of an answer. */
export const readResponses = (name: string): readonly RecordedResponse[] =>
  readings(name).flatMap(({ responses = [] }) => responses);

export type { LogLine } from "../../protocols/exchange-record.testkit.ts";

export const project = (record: ExchangeRecord, lines?: records.LogLine[]): Projection | undefined =>
  records.projectWith(claudeProjector, record, lines);

/** A whole exchange from what matters to a test. */
export const exchange = (parts: Parameters<typeof records.exchange>[0] = {}): ExchangeRecord =>
  records.exchange({ upstream: "anthropic", provider: "anthropic", path: "/v1/messages", ...parts });
