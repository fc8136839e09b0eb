import { readFileSync } from "node:fs";
import type { ExchangeRecord, JsonObject, Projection } from "../../contract/plugin.ts";
import * as records from "../../protocols/exchange-record.testkit.ts";
import { generateContentProjector, geminiProjector } from "./projector.ts";

/** Exchanges of real client runs, in the order in which they began; prompts and tool descriptions of the vendor are cut. */
export const FIXTURES = ["plain", "bash", "resume", "signed-in", "stream-cut-once", "error-503"] as const;

const read = (file: string): unknown =>
  JSON.parse(readFileSync(new URL(`./fixtures/${file}.json`, import.meta.url), "utf8"));

export const readFixture = (name: string): readonly ExchangeRecord[] => read(name) as ExchangeRecord[];

/** A message of the client's own chat file. */
export interface ChatMessage {
  readonly type: "user" | "gemini";
  readonly text?: string;
  readonly thoughts?: readonly { readonly subject: string; readonly description: string }[];
  readonly tokens?: Readonly<Record<"input" | "output" | "cached" | "thoughts" | "tool" | "total", number>>;
  readonly model?: string;
  readonly calls?: readonly { readonly id: string; readonly name: string; readonly args: JsonObject }[];
  readonly results?: readonly { readonly id: string; readonly output: string }[];
}

export const readChat = (name: string): readonly ChatMessage[] => read(`${name}.chat`) as ChatMessage[];

/** By the one that takes it. */
export const project = (record: ExchangeRecord, lines?: records.LogLine[]): Projection | undefined =>
  records.projectWith(geminiProjector, record, lines) ??
  records.projectWith(generateContentProjector, record, lines);

export const GENERATE = "/v1beta/models/gemini-pro:generateContent";

/** A whole exchange from what matters to a test. */
export const exchange = (parts: Parameters<typeof records.exchange>[0] = {}): ExchangeRecord =>
  records.exchange({ upstream: "gemini", provider: "google", path: GENERATE, ...parts });
