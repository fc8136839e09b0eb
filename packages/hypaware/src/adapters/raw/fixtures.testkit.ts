import { readFileSync } from "node:fs";
import type { ExchangeRecord, Projection } from "../../contract/plugin.ts";
import * as records from "../../protocols/exchange-record.testkit.ts";
import { anthropicProjector } from "./anthropic.ts";
import { openaiProjector } from "./openai.ts";

/** Exchanges of programs on the providers' own SDKs, in the order in which they began: every form of call and of failure. */
export const FIXTURES = [
  "anthropic-sdk",
  "anthropic-sdk-encoding-br",
  "openai-sdk",
  "openai-sdk-older",
] as const;

export const readFixture = (name: string): readonly ExchangeRecord[] =>
  JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), "utf8")) as ExchangeRecord[];

export type { LogLine } from "../../protocols/exchange-record.testkit.ts";

/** What the one that takes it makes of it. */
export const project = (record: ExchangeRecord, lines?: records.LogLine[]): Projection | undefined =>
  records.projectWith(anthropicProjector, record, lines) ??
  records.projectWith(openaiProjector, record, lines);

type Parts = Parameters<typeof records.exchange>[0];

/** Whole exchanges from what matters to a test. */
export const anthropicExchange = (parts: Parts = {}): ExchangeRecord =>
  records.exchange({ upstream: "anthropic", provider: "anthropic", path: "/v1/messages", ...parts });
export const openaiExchange = (parts: Parts = {}): ExchangeRecord =>
  records.exchange({ upstream: "openai", provider: "openai", path: "/v1/responses", ...parts });
