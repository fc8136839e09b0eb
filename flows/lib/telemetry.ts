import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

type Fields = Readonly<Record<string, unknown>>;

interface Entry {
  readonly name: string;
  readonly attributes: Fields;
  readonly resource: Fields;
}

export interface LogEntry extends Entry {
  readonly level: string;
}

export interface SpanEntry extends Entry {
  readonly span_id: string;
  readonly parent_id?: string;
  readonly status: string;
  readonly duration_ms: number;
}

export interface MetricEntry extends Entry {
  readonly value: number;
}

/** What the processes of one flow said about themselves, read at the moment of the call. */
export interface Telemetry {
  /** All of them without a name. */
  logs(name?: string): readonly LogEntry[];
  spans(name: string): readonly SpanEntry[];
  metrics(name: string): readonly MetricEntry[];
}

export function readTelemetry(folder: string): Telemetry {
  const read = (kind: string): Entry[] => {
    const files = existsSync(folder) ? readdirSync(folder) : [];
    return files
      .filter((file) => file.startsWith(kind) && file.includes(".jsonl"))
      .flatMap((file) => readFileSync(join(folder, file), "utf8").split("\n"))
      .filter((line) => line.endsWith("}"))
      .map((line) => JSON.parse(line) as Entry);
  };
  const named = (kind: string, name: string): Entry[] => read(kind).filter((entry) => entry.name === name);
  return {
    logs: (name) => (name === undefined ? read("logs") : named("logs", name)) as LogEntry[],
    spans: (name) => named("traces", name) as SpanEntry[],
    metrics: (name) => named("metrics", name) as MetricEntry[],
  };
}
