/** Minute, hour, day of month, month, day of week: least and most. */
const FIELDS = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;
const ITEM = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/;

/** A cron expression of five fields: `*`, numbers, ranges, lists, steps. No names, no `@daily`. */
export function isSchedule(text: string): boolean {
  const fields = text.trim().split(/\s+/);
  return (
    fields.length === FIELDS.length &&
    FIELDS.every(([least, most], index) =>
      fields[index]?.split(",").every((item) => {
        const parts = ITEM.exec(item);
        const low = Number(parts?.[1] ?? least);
        const high = Number(parts?.[2] ?? parts?.[1] ?? most);
        return parts !== null && low >= least && low <= high && high <= most && Number(parts[3] ?? 1) > 0;
      }),
    )
  );
}
