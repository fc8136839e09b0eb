import { type Diagnostic, diagnostic } from "../contract/diagnostics.ts";
import type { HomePaths } from "../contract/home.ts";
import type { JsonObject } from "../contract/projection.ts";
import { newsSince } from "./acknowledged.ts";
import type { History } from "./history.ts";
import { type LogLine, logLines } from "./log-lines.ts";

const SEEN = "hyp doctor --acknowledge";

/** What the history itself shows: exchanges that make no rows, were set aside, or have holes; errors while it was recorded. */
export function historyDiagnostics(
  paths: HomePaths,
  { counts, newest, problem }: History,
  hasProjector: boolean,
): readonly Diagnostic[] {
  const found: Diagnostic[] = problem === undefined ? [] : [problem];
  if (!hasProjector)
    found.push(
      diagnostic(
        "gateway_without_projector",
        `No adapter is active, so exchanges make no rows (${counts.unprojected} so far). They are kept and can be projected later.`,
        "hyp config enable @hypaware/raw",
        "hyp reproject --yes",
      ),
    );
  if (counts.quarantined > 0)
    found.push(
      diagnostic(
        "quarantined",
        `${counts.quarantined} ${plural(counts.quarantined, "exchange was", "exchanges were")} set aside because projecting failed.`,
        "hyp reproject --yes",
      ),
    );
  const since = newsSince(paths);
  return [...found, ...gaps(newest, since), ...recentErrors(logLines(paths, since))];
}

/** The recorder did not come to the newest exchange while it was waited for. */
export const recorderBehind = (): Diagnostic =>
  diagnostic(
    "recorder_behind",
    "The recorder has not taken in the newest exchanges yet; they are safe in the journal.",
    "hyp query refresh",
  );

function gaps(newest: History["newest"], since: number): readonly Diagnostic[] {
  const holed = newest.filter(
    ({ ended_at: ended, attributes }) => Date.parse(ended ?? "") >= since && droppedBytes(attributes) > 0,
  );
  if (holed.length === 0) return [];
  const bytes = holed.reduce((sum, { attributes }) => sum + droppedBytes(attributes), 0);
  const last = holed.at(-1)!.exchange_id;
  return [
    diagnostic(
      "journal_gap",
      `${holed.length} ${plural(holed.length, "exchange", "exchanges")} of the last day ${plural(holed.length, "was", "were")} carried whole, but ${bytes} bytes were not recorded (the last one: ${last}). What the client wrote down itself can be imported.`,
      "hyp import",
      SEEN,
    ),
  ];
}

function droppedBytes(attributes: JsonObject | null): number {
  const gateway = (attributes?.["gateway"] ?? {}) as Record<string, unknown>;
  return Number(gateway["dropped_request_bytes"] ?? 0) + Number(gateway["dropped_response_bytes"] ?? 0);
}

export const isError = ({ level }: LogLine): boolean => level === "error";

function recentErrors(lines: readonly LogLine[]): readonly Diagnostic[] {
  const errors = lines.filter(isError);
  const last = errors.at(-1);
  if (last === undefined) return [];
  return [
    diagnostic(
      "recent_errors",
      `${errors.length} ${plural(errors.length, "error", "errors")} in the log of the last day, the last one: ${last.log} ${last.event}.`,
      "hyp logs --level error",
      SEEN,
    ),
  ];
}

const plural = (count: number, one: string, many: string): string => (count === 1 ? one : many);
