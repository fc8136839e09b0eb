import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { HomePaths } from "../contract/home.ts";

/** The processes whose logs are about recording; a command's own failures were on the screen. */
const LOGS = ["gateway", "recorder"] as const;

export interface LogLine {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly log: (typeof LOGS)[number];
  readonly level: string;
  readonly event: string;
  /** All of it, as JSON. */
  readonly text: string;
}

/** What the long-running processes logged since then, oldest first. Lines that are no JSON are passed over. */
export function logLines(paths: HomePaths, since: number): readonly LogLine[] {
  return LOGS.flatMap((log) =>
    [`${log}.log.1`, `${log}.log`]
      .map((name) => join(paths.logs, name))
      .filter((file) => existsSync(file))
      .flatMap((file) => readFileSync(file, "utf8").split("\n"))
      .flatMap((text) => parse(text, log)),
  )
    .filter(({ at }) => at >= since)
    .sort((a, b) => a.at - b.at);
}

function parse(text: string, log: LogLine["log"]): LogLine[] {
  try {
    const { ts, level, event } = JSON.parse(text) as Partial<Record<string, string>>;
    const at = Date.parse(ts ?? "");
    return Number.isNaN(at) || level === undefined || event === undefined
      ? []
      : [{ at, log, level, event, text }];
  } catch {
    return [];
  }
}
