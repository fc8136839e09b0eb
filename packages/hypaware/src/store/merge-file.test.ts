import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeMerged } from "./merge-file.ts";
import { parquet, withSegmentEngine, writeSegment } from "./segment-engine.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hyp-merge-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a merge in many pieces is one sorted file with every living row once", async () => {
  const dataset = "ai_gateway_exchanges";
  await withSegmentEngine(
    { segmentsDir: folder, tmpDir: join(folder, "tmp"), memoryMB: 128 },
    async (engine, scratch) => {
      const write = (from: number) =>
        writeSegment(
          engine,
          folder,
          dataset,
          `SELECT i AS _seq, CASE WHEN i % 500 <> 0 THEN epoch_ms((i * 7919) % 5000) END AS started_at, 'text ' || i AS text
         FROM range(${from}, ${from + 6000}) r(i) ORDER BY started_at, _seq`,
        );
      const parts = [await write(0), await write(6000)];
      const merged = await writeMerged(engine, folder, scratch, {
        dataset,
        paths: parts.map(({ file }) => join(folder, file)),
        dropped: [0, 7, 11_999],
        groupRows: 2048,
      });
      expect(merged.rows).toBe(11_997);
      const read = await engine.runAndReadAll(
        `SELECT _seq, text FROM ${parquet([join(folder, merged.file)])}`,
      );
      const expected = await engine.runAndReadAll(
        `SELECT _seq, text FROM ${parquet(parts.map(({ file }) => join(folder, file)))}
       WHERE _seq NOT IN (0, 7, 11999) ORDER BY started_at, _seq`,
      );
      expect(read.getRows()).toEqual(expected.getRows());
      expect(readdirSync(scratch)).toEqual([]);
    },
  );
});
