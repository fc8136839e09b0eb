import { readFileSync } from "node:fs";
import type { ExchangeRecord, Projection } from "../../contract/plugin.ts";
import * as records from "../../protocols/exchange-record.testkit.ts";
import { claudeProjector } from "./projector.ts";

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

/** A line of the client's own transcript: one content block of an answer, or a tool result. */
export interface TranscriptLine {
  readonly role: string;
  readonly request_id?: string;
  readonly type: string;
  readonly text?: string;
  readonly thinking?: string;
  readonly id?: string;
  readonly tool_use_id?: string;
}

/** By conversation: the session, or `<session>/<agent>`. */
export const readTranscripts = (name: string): Readonly<Record<string, readonly TranscriptLine[]>> =>
  read(`${name}.transcript`) as Record<string, TranscriptLine[]>;

export type { LogLine } from "../../protocols/exchange-record.testkit.ts";

export const project = (record: ExchangeRecord, lines?: records.LogLine[]): Projection | undefined =>
  records.projectWith(claudeProjector, record, lines);

/** A whole exchange from what matters to a test. */
export const exchange = (parts: Parameters<typeof records.exchange>[0] = {}): ExchangeRecord =>
  records.exchange({ upstream: "anthropic", provider: "anthropic", path: "/v1/messages", ...parts });
