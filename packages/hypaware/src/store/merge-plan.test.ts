import { expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import { planMerges } from "./merge-plan.ts";
import type { ListedSegment } from "./segments.ts";

const segment = (id: number, rows: number, columns: Partial<ListedSegment> = {}): ListedSegment => ({
  id,
  dataset: "ai_gateway_messages",
  file: `f${id}`,
  rows,
  bytes: rows * 500,
  dead: 0,
  ...columns,
});

test("merging converges: thousands of sealings write each row a few times and leave few files", () => {
  let segments: ListedSegment[] = [];
  let written = 0;
  let next = 1;
  for (let sealing = 0; sealing < 5000; sealing += 1) {
    segments.push(segment(next++, 2000));
    for (let plans = planMerges(segments); plans.length > 0; plans = planMerges(segments)) {
      for (const plan of plans) {
        const rows = plan.reduce((sum, each) => sum + each.rows, 0);
        segments = [...segments.filter((each) => !plan.includes(each)), segment(next++, rows)];
        written += rows;
      }
    }
  }
  expect(segments.reduce((sum, { rows }) => sum + rows, 0)).toBe(10_000_000);
  expect(segments.length).toBeLessThan(
    10_000_000 / ((0.5 * LIMITS.mergeBytes) / 500) + 3 * LIMITS.mergeFanIn,
  );
  expect(written / 10_000_000).toBeLessThan(5);
});

test("a segment is written again when over a twentieth of it is dead, and only then", () => {
  expect(planMerges([segment(1, 1000, { dead: 50 }), segment(2, 1000)])).toEqual([]);
  const dirty = segment(1, 1000, { dead: 51 });
  expect(planMerges([dirty, segment(2, 1000)])).toEqual([[dirty]]);
});

test("compaction takes everything that is small, of one dataset at a time, and no more than one file's worth", () => {
  const small = [segment(1, 10), segment(2, 20_000), segment(3, 5)];
  const other = [segment(4, 1, { dataset: "blobs" }), segment(5, 1, { dataset: "blobs" })];
  const large = segment(6, 400_000);
  expect(planMerges([...small, ...other, large], true)).toEqual([small, other]);
  expect(planMerges([segment(1, 10)], true)).toEqual([]);
  const many = Array.from({ length: 20 }, (_, id) => segment(id, 100_000));
  for (const plan of planMerges(many, true))
    expect(plan.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(LIMITS.mergeBytes);
});
