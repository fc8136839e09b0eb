import { InvalidArgumentError } from "commander";

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const AGE = /^(\d{1,9})([smhdw])$/;
const ISO_TIME = /^\d{4}-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?)?$/;

/**
 * Reads the value of `--since` as milliseconds since 1970: an age (`30m`, `12h`, `7d`, `2w`) or an ISO 8601 date or time. As in
 * ECMAScript a date is UTC, and a time without zone is local.
 */
export function sinceWhen(text: string, now = Date.now()): number {
  const age = AGE.exec(text);
  if (age !== null) return now - Number(age[1]) * UNIT_MS[age[2] as keyof typeof UNIT_MS];
  const time = ISO_TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw new InvalidArgumentError("It must be an age (30m, 12h, 7d) or a date or time (2026-03-01T10:00Z).");
  return time;
}
