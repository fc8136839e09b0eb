import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import { exampleExchange, exampleRow, exampleSpan } from "../store/example-rows.testkit.ts";
import { maintainStore } from "../store/maintain.ts";
import { needsSeal } from "../store/needs-seal.ts";
import { storeStatus } from "../store/status.ts";
import { sealedHome } from "./sealed-home.testkit.ts";
import type { SealedHome } from "./sealed-home.testkit.ts";

// With the real child.

let home: SealedHome;
beforeEach(() => {
  home = sealedHome();
});
afterEach(() => home.close());

const maintain = (mergeAll = false) =>
  maintainStore({
    catalog: home.catalog,
    catalogPath: home.catalogPath,
    segmentsDir: home.segmentsDir,
    tmpDir: home.tmpDir,
    settledBefore: Number.MAX_SAFE_INTEGER,
    minRows: 1,
    mergeAll,
  });

/** Each exchange brings three rows and a system text of its own. */
function capture(from: number, to: number): void {
  home.catalog.transaction(() => {
    for (let n = from; n < to; n += 1) {
      home.catalog.putExchange(exampleExchange(n, { rows_written: 3 }), exampleSpan(n));
      home.catalog.putRows([0, 1, 2].map((i) => exampleRow(n * 3 + i, { system_text: `system ${n}` })));
    }
  });
}

test("eight readers while rows are captured, changed, sealed and merged: no error, and each answer is one committed state", async () => {
  capture(0, 20);
  const done = new AbortController();
  const seen = new Set<bigint>();
  const read = async () => {
    for (let turn = 0; !done.signal.aborted || turn < 2; turn += 1) {
      const { rows } = await home.query(
        `SELECT (SELECT count(*) FROM ai_gateway_messages), (SELECT count(DISTINCT part_id) FROM ai_gateway_messages),
           (SELECT sum(rows_written) FROM ai_gateway_exchanges), (SELECT count(DISTINCT system_text) FROM ai_gateway_messages)`,
      );
      const [messages, ids, written, texts] = rows[0] as [bigint, bigint, bigint, bigint];
      expect([ids, written, texts * 3n]).toEqual([messages, messages, messages]);
      seen.add(messages);
    }
  };
  await home.seal();
  const readers = Array.from({ length: 8 }, read);
  capture(20, 40);
  const pass = maintain(true);
  home.catalog.putRows([exampleRow(0, { system_text: "system 0", content_text: "changed" })]);
  capture(40, 60);
  expect(await pass).toMatchObject({ newSegments: 2, mergedSegments: 6 });
  done.abort();
  await Promise.all(readers);
  expect(seen.size).toBeGreaterThan(1);
  expect((await home.query("SELECT count(*) FROM ai_gateway_messages WHERE true")).rows).toEqual([[180n]]);
  expect((await home.verify()).problems).toEqual([]);
});

test("a child that is killed while it seals leaves the store as it was", async () => {
  capture(0, 400);
  const program = new URL("../store/maintain-process.ts", import.meta.url).pathname;
  const job = {
    kind: "seal",
    catalogPath: home.catalogPath,
    segmentsDir: home.segmentsDir,
    tmpDir: home.tmpDir,
    memoryMB: 256,
    settledBefore: Number.MAX_SAFE_INTEGER,
    minRows: 1,
  };
  const child = spawn(process.execPath, [program, JSON.stringify(job)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data"); // one file is whole, another is being written
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(home.catalog.segments.listed()).toEqual([]);
  expect((await home.query("SELECT count(*) FROM ai_gateway_messages WHERE true")).rows).toEqual([[1200n]]);
  expect((await maintain()).orphans).toBeGreaterThan(0);
  expect((await home.verify()).problems).toEqual([]);
  expect(home.catalog.counts()).toMatchObject({ rows: 1200, exchanges: 400 });
});

test("a child that fails says why, and nothing is lost", async () => {
  capture(0, 2);
  mkdirSync(join(home.folder, "store"));
  writeFileSync(home.segmentsDir, "a file where the folder should be");
  await expect(maintain()).rejects.toThrow(/seal child ended with 1: .*(ENOTDIR|EEXIST)/s);
  expect(home.catalog.counts()).toMatchObject({ rows: 6, exchanges: 2 });
});

test("sealing is due with enough settled rows, or with few that wait for a day", () => {
  const noon = Date.parse(exampleExchange(0).started_at!);
  capture(0, 10);
  expect(needsSeal(home.catalog, noon + 60_000)).toBe(false);
  expect(needsSeal(home.catalog, noon + LIMITS.sealAgeMs + 60_000)).toBe(true);
  capture(10, 700);
  expect(needsSeal(home.catalog, noon + 3_600_000)).toBe(true);
  expect(needsSeal(home.catalog, noon + LIMITS.settleMs)).toBe(false); // the conversation is still running
});

test("the status counts hot, settled, sealed and dead rows apart", async () => {
  capture(0, 10);
  await home.seal();
  capture(10, 12);
  home.catalog.deleteRows(["m0#0", "m1#0"]);
  const status = storeStatus(home.catalog, Date.parse(exampleExchange(0).started_at!) + 86_400_000);
  expect(status.datasets).toMatchObject([
    { dataset: "ai_gateway_messages", hotRows: 6, settledRows: 6, sealedRows: 28, deadRows: 2, segments: 1 },
    { dataset: "ai_gateway_exchanges", hotRows: 2, settledRows: 2, sealedRows: 10, deadRows: 0, segments: 1 },
  ]);
  expect(status.segmentBytes).toBeGreaterThan(1000);
  expect(status.lastSealedAt).toMatch(/^\d{4}-/);
});
