import { setImmediate as otherWork } from "node:timers/promises";

/** Between two looks at what else the process has to do: its sign of life must not fall silent. */
const BREATH_ROWS = 500;

/** Works through rows without holding up everything else in the process. Ends when `work` says false; then false. */
export async function eachRow<Row>(
  rows: Iterator<Row>,
  work: (row: Row) => boolean | void,
): Promise<boolean> {
  let count = 0;
  for (let next = rows.next(); next.done !== true; next = rows.next()) {
    if (work(next.value) === false) return false;
    if (++count % BREATH_ROWS === 0) await otherWork();
  }
  return true;
}
