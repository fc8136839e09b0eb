import { readFileSync } from "node:fs";
import type { ExchangeRecord, JsonObject, Projection } from "../../contract/plugin.ts";
import * as records from "../../protocols/exchange-record.testkit.ts";
import { opencodeProjector } from "./projector.ts";

/** Exchanges of real client runs, in the order in which they began; prompts and tool descriptions of the vendor are cut. */
export const FIXTURES = [
  "anthropic",
  "chat",
  "responses",
  "google",
  "subagent",
  "multi-turn",
  "compact",
  "error-529-once",
  "stream-cut-once",
] as const;

const read = (file: string): unknown =>
  JSON.parse(readFileSync(new URL(`./fixtures/${file}.json`, import.meta.url), "utf8"));

export const readFixture = (name: string): readonly ExchangeRecord[] => read(name) as ExchangeRecord[];

/** Rows of the client's own database after the same run, by table. */
export type Tables = Readonly<Record<"session" | "message" | "part", readonly JsonObject[]>>;

export const readTables = (name: string): Tables => read(`${name}.record`) as Tables;

export type { LogLine } from "../../protocols/exchange-record.testkit.ts";

export const project = (record: ExchangeRecord, lines?: records.LogLine[]): Projection | undefined =>
  records.projectWith(opencodeProjector, record, lines);

const CLIENT = {
  "user-agent": "opencode/1.18.33 ai-sdk/provider-utils/4.0.46 runtime/bun/1.3.14",
  "x-session-id": "ses_1",
  "x-session-affinity": "ses_1",
};

/** A whole exchange of the client's from what matters to a test. */
export const exchange = ({
  headers,
  ...parts
}: Parameters<typeof records.exchange>[0] = {}): ExchangeRecord =>
  records.exchange({
    upstream: "anthropic",
    provider: "anthropic",
    path: "/v1/messages",
    headers: { ...CLIENT, ...headers },
    ...parts,
  });
