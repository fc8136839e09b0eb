import type { JsonObject, ProjectorLog } from "../contract/projection.ts";
import type { JsonlFile } from "./jsonl.ts";
import { scrubFields, scrubText } from "../wire/scrub.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LEVELS)[number];

/** One event. Already scrubbed. */
export interface LogRecord {
  /** ISO 8601. */
  readonly ts: string;
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: JsonObject;
}

export interface LogSink {
  readonly level: LogLevel;
  write(record: LogRecord): void;
}

export interface Logger extends ProjectorLog {
  /** A logger that adds these fields to each record. */
  child(fields: JsonObject): Logger;
}

/** `fields`: added to each record. Never throws, whatever a plugin passes. */
export function createLogger(sinks: readonly LogSink[], fields: JsonObject = {}): Logger {
  const at =
    (level: LogLevel) =>
    (event: string, more: JsonObject = {}): void => {
      const rank = LEVELS.indexOf(level);
      const takers = sinks.filter((sink) => rank >= LEVELS.indexOf(sink.level));
      if (takers.length === 0) return;
      try {
        const record = {
          ts: new Date().toISOString(),
          level,
          event: scrubText(event),
          fields: scrubFields({ ...fields, ...more }),
        };
        for (const sink of takers) sink.write(record);
      } catch {
        // A field that JSON cannot hold, a closed stderr: logging is never the reason that something stops.
      }
    };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (more) => createLogger(sinks, { ...fields, ...more }),
  };
}

function plain(value: unknown): string {
  if (typeof value === "string" && /^[\w./:@^~+-]+$/.test(value)) return value;
  // JSON leaves DEL and the C1 controls as they are.
  return JSON.stringify(value).replace(/[\u007f-\u009f]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
}

/** For people: `12:03:04 warn  event key=value`. Whatever is not plain text is quoted, so that it cannot steer a terminal. */
export function consoleSink(
  level: LogLevel,
  stream: { write(text: string): unknown } = process.stderr,
): LogSink {
  return {
    level,
    write({ ts, level, event, fields }) {
      const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${plain(value)}`);
      stream.write(`${ts.slice(11, 19)} ${level.padEnd(5)} ${plain(event)}${pairs.join("")}\n`);
    },
  };
}

/** One JSON object per line: `{ts, level, event, pid, …fields}`. */
export function fileSink(level: LogLevel, file: JsonlFile): LogSink {
  return {
    level,
    write: ({ ts, level, event, fields }) => file.write({ ...fields, ts, level, event, pid: process.pid }),
  };
}
