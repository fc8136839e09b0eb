import { readFileSync } from "node:fs";
import type { ExchangeRecord, JsonObject, Projection, RecordReading } from "../../contract/plugin.ts";
import * as records from "../../protocols/exchange-record.testkit.ts";
import { codexProjector } from "./projector.ts";
import { readRolloutLine } from "./rollout/record.ts";

/**
 * Exchanges of real client runs, in the order in which they began; prompts and tool descriptions of the vendor are cut. `socket`:
 * the calls on one WebSocket, each as the exchange that it becomes, with only what the client sent.
 */
export const FIXTURES = [
  "plain",
  "shell",
  "older-model",
  "subagent",
  "multi-turn",
  "compact",
  "stream-cut-once",
  "error-429-once",
  "encoding-gzip",
  "signed-in",
  "socket-refused",
  "socket",
] as const;

/** But for the one whose answers the client could not read: it wrote nothing of them down. */
export const READ_FIXTURES = FIXTURES.filter((name) => name !== "encoding-gzip");

const read = (file: string): unknown =>
  JSON.parse(readFileSync(new URL(`./fixtures/${file}.json`, import.meta.url), "utf8"));

export const readFixture = (name: string): readonly ExchangeRecord[] => read(name) as ExchangeRecord[];

/** What the client itself wrote down of the same runs, cut in the same places: lines by file below its folder of sessions, oldest first. */
export const readRollouts = (name: string): Readonly<Record<string, readonly JsonObject[]>> =>
  read(`${name}.rollout`) as Record<string, JsonObject[]>;

/** Each of their lines, as it is read behind the one before it. */
export const readLines = (name: string): readonly RecordReading[] =>
  Object.entries(readRollouts(name)).flatMap(([path, lines]) => readFile(path, lines));

export function readFile(path: string, lines: readonly JsonObject[]): readonly RecordReading[] {
  let memory: JsonObject = {};
  return lines.map((line) => {
    const reading = readRolloutLine({ text: JSON.stringify(line), path, memory }) ?? {};
    memory = reading.memory ?? memory;
    return reading;
  });
}

export type { LogLine } from "../../protocols/exchange-record.testkit.ts";

export const project = (record: ExchangeRecord, lines?: records.LogLine[]): Projection | undefined =>
  records.projectWith(codexProjector, record, lines);

/** A whole exchange from what matters to a test. */
export const exchange = (parts: Parameters<typeof records.exchange>[0] = {}): ExchangeRecord =>
  records.exchange({ upstream: "openai", provider: "openai", path: "/v1/responses", ...parts });
