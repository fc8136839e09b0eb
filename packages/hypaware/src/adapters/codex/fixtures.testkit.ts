import { readFileSync } from "node:fs";
import type { ExchangeRecord, Projection } from "../../contract/plugin.ts";
import * as records from "../../protocols/exchange-record.testkit.ts";
import { codexProjector } from "./projector.ts";

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
  "signed-in",
  "socket-refused",
  "socket",
  "sdk",
] as const;

const read = (file: string): unknown =>
  JSON.parse(readFileSync(new URL(`./fixtures/${file}.json`, import.meta.url), "utf8"));

export const readFixture = (name: string): readonly ExchangeRecord[] => read(name) as ExchangeRecord[];

/** What the client itself wrote down of a thread. */
export interface Rollout {
  readonly forked_from?: string;
  readonly parent?: string;
  readonly items: readonly {
    readonly type: string;
    readonly id: string | null;
    readonly call_id?: string;
  }[];
  /** By response. */
  readonly usage: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** By thread. */
export const readRollouts = (name: string): Readonly<Record<string, Rollout>> =>
  read(`${name}.rollout`) as Record<string, Rollout>;

export type { LogLine } from "../../protocols/exchange-record.testkit.ts";

export const project = (record: ExchangeRecord, lines?: records.LogLine[]): Projection | undefined =>
  records.projectWith(codexProjector, record, lines);

/** A whole exchange from what matters to a test. */
export const exchange = (parts: Parameters<typeof records.exchange>[0] = {}): ExchangeRecord =>
  records.exchange({ upstream: "openai", provider: "openai", path: "/v1/responses", ...parts });
