import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exampleExchange, exampleRow, exampleSpan } from "../store/example-rows.testkit.ts";
import { sweepSegments } from "../store/sweep.ts";
import { exchangeRow } from "./exchange-row.ts";
import { sealedHome } from "./sealed-home.testkit.ts";
import type { SealedHome } from "./sealed-home.testkit.ts";

let home: SealedHome;
beforeEach(() => {
  home = sealedHome();
});
afterEach(() => home.close());

const QUERIES = [
  "SELECT count(*) FROM ai_gateway_messages",
  "SELECT count(*) FROM ai_gateway_exchanges",
  "SELECT * FROM ai_gateway_messages ORDER BY part_id",
  "SELECT * FROM ai_gateway_exchanges ORDER BY exchange_id",
];
const MORE_QUERIES = [
  ...QUERIES,
  "SELECT system_text, tools->0->>'name', count(*) FROM ai_gateway_messages GROUP BY 1, 2 ORDER BY 1, 2",
  "SELECT role, count(*), sum(message_index) FROM ai_gateway_messages WHERE conversation_id = 'c1' GROUP BY 1 ORDER BY 1",
  "SELECT * FROM sessions ORDER BY session_id",
  "SELECT * FROM usage_daily ORDER BY date, model",
  "SELECT * FROM tool_calls ORDER BY tool_call_id",
];
const answers = async (queries = QUERIES) => {
  const rows: unknown[] = [];
  for (const sql of queries) rows.push((await home.query(sql)).rows);
  return rows;
};

function fill(from: number, to: number): void {
  home.catalog.transaction(() => {
    for (let n = from; n < to; n += 1) {
      const conversation_id = `c${n % 3}`;
      home.catalog.putExchange(
        exampleExchange(n, {
          conversation_id,
          session_id: `s${n % 2}`,
          model: n % 2 === 0 ? "big" : "small",
          input_tokens: n,
          total_input_tokens: n * 2,
          cost_microusd: n % 5 === 0 ? null : n,
          rate_limits: { left: n },
          cost_usd: n / 3,
        }),
        exampleSpan(n),
      );
      home.catalog.putRows([
        exampleRow(n, {
          conversation_id,
          system_text: n % 7 === 0 ? null : `You are ${n % 4}. ${"😀".repeat(n % 4)}`,
          tools: n % 5 === 0 ? null : [{ name: `tool ${n % 2}` }],
          attributes: { gateway: { exchange_id: exampleExchange(n).exchange_id }, n: [n, null] },
          is_sidechain: n % 2 === 0,
          content_text: n % 11 === 0 ? "nul \0 and lone \ud800" : `text ${n}`,
        }),
        exampleRow(n, {
          conversation_id,
          part_id: `m${n}#1`,
          part_index: 1,
          part_type: n % 2 === 0 ? "tool_call" : "tool_result",
          tool_call_id: `t${n}`,
          tool_result_for: `t${n - 1}`,
          tool_args: { deep: [{ n }] },
        }),
      ]);
    }
  });
}

test("the same queries give the same answers hot, half sealed, sealed and merged", async () => {
  fill(0, 60);
  const started = Date.parse(exampleExchange(0).started_at!);
  await home.seal(started + 30_500);
  // All three conversations go on after that time: only exchanges are settled.
  expect(home.catalog.segments.listed().map(({ dataset }) => dataset)).toEqual(["ai_gateway_exchanges"]);

  home.catalog.putRows([exampleRow(900, { conversation_id: "old", message_created_at: "2020-01-01" })]);
  const withOld = await answers(MORE_QUERIES);
  await home.seal(started + 30_500);
  expect(home.catalog.segments.listed()).toHaveLength(2);
  expect(await answers(MORE_QUERIES)).toEqual(withOld);

  await home.seal();
  expect(await answers(MORE_QUERIES)).toEqual(withOld);
  expect((await home.verify()).problems).toEqual([]);

  fill(60, 80);
  const more = await answers(MORE_QUERIES);
  await home.seal();
  expect(await answers(MORE_QUERIES)).toEqual(more);
  await home.merge();
  const listed = home.catalog.segments.listed().map(({ dataset, rows }) => ({ dataset, rows }));
  expect(listed).toContainEqual({ dataset: "ai_gateway_messages", rows: 161 });
  expect(listed).toContainEqual({ dataset: "ai_gateway_exchanges", rows: 80 });
  expect(await answers(MORE_QUERIES)).toEqual(more);
  expect(await home.verify()).toMatchObject({ problems: [] });
  expect(await home.writeMerged()).toEqual([]);
  expect(await home.writeSegments()).toEqual([]);
});

test("rows that change or go after they were sealed are right at every stage", async () => {
  fill(0, 30);
  const exchange = exampleExchange(4).exchange_id;
  const check = async (text: string, rows: number, outcome: string) => {
    const [changed] = (
      await home.query("SELECT content_text, system_text FROM ai_gateway_messages WHERE part_id = 'm4#0'")
    ).rows;
    expect(changed).toEqual([text, `system ${text}`]);
    for (const sql of [
      "SELECT count(*) FROM ai_gateway_messages",
      "SELECT count(DISTINCT part_id) FROM ai_gateway_messages",
    ])
      expect((await home.query(sql)).rows, sql).toEqual([[BigInt(rows)]]);
    expect(
      (await home.query(`SELECT outcome FROM ai_gateway_exchanges WHERE exchange_id = '${exchange}'`)).rows,
    ).toEqual([[outcome]]);
    expect(home.catalog.exchange(exchange)).toMatchObject({ exchangeId: exchange, span: exampleSpan(4) });
    expect(await exchangeRow(home, exchange)).toMatchObject({ outcome, is_sse: true, rate_limits: null });
    expect(home.catalog.counts()).toMatchObject({ rows, exchanges: 30 });
    expect((await home.verify()).problems).toEqual([]);
  };
  const change = (text: string, outcome: "complete" | "interrupted" | "truncated") => {
    home.catalog.putRows([
      exampleRow(4, { conversation_id: "c1", content_text: text, system_text: `system ${text}` }),
    ]);
    home.catalog.putExchange(exampleExchange(4, { outcome, rows_written: text.length }), exampleSpan(4));
  };

  await home.seal();
  change("one", "interrupted");
  expect(home.catalog.deleteRows(["m5#0", "m5#1", "nobody"])).toBe(2);
  expect(home.catalog.changes(0, 100).filter(({ op }) => op === "delete")).toHaveLength(2);
  await check("one", 58, "interrupted");

  await home.seal();
  await check("one", 58, "interrupted");
  change("two", "truncated");
  await check("two", 58, "truncated");

  const merged = await home.writeMerged();
  home.catalog.deleteRows(["m6#0"]); // while the child merges
  change("three", "complete");
  home.commit(merged);
  await check("three", 57, "complete");

  const sealed = await home.writeSegments();
  change("four", "interrupted"); // while the child seals
  home.commit(sealed);
  await check("four", 57, "interrupted");

  await home.seal();
  await home.merge();
  await home.merge();
  await check("four", 57, "interrupted");
  expect(home.catalog.segments.listed().map(({ dead }) => dead)).toEqual([0, 0, 0]);
  home.catalog.putRows([exampleRow(5)]); // a deleted key comes back
  expect(home.catalog.changes(0, 100).filter(({ key }) => key === "m5#0")).toMatchObject([{ op: "upsert" }]);
});

test("a crash at any step loses nothing and doubles nothing", async () => {
  fill(0, 20);
  const truth = await answers();
  const sweep = () => sweepSegments(home.catalog, home.segmentsDir, Date.now(), 0);

  await home.writeSegments(); // files are there, the commit is not
  expect(await answers()).toEqual(truth);
  expect((await home.verify()).problems.map(({ kind }) => kind)).toEqual(["orphan", "orphan", "orphan"]);
  expect(sweep()).toEqual({ orphans: 3, retired: 0 });

  const [sealed, ...others] = await home.writeSegments();
  expect(() =>
    home.catalog.transaction(() => {
      home.commit([sealed!]);
      throw new Error("in the middle");
    }),
  ).toThrow("in the middle");
  expect(await answers()).toEqual(truth);
  home.commit([sealed!]); // half of the files
  expect(await answers()).toEqual(truth);
  expect(() => home.commit([sealed!])).toThrow(/UNIQUE/);
  home.commit(others);
  expect(await answers()).toEqual(truth);
  expect(sweep()).toEqual({ orphans: 0, retired: 0 });

  fill(20, 22);
  await home.seal();
  const both = await answers();
  const merged = await home.writeMerged();
  expect(sweep().orphans).toBe(merged.length);
  expect(await answers()).toEqual(both);
  home.commit(await home.writeMerged());
  expect(await answers()).toEqual(both);
  expect(sweepSegments(home.catalog, home.segmentsDir).retired).toBe(0);
  expect(sweep().retired).toBe(4);
  expect(await answers()).toEqual(both);
  expect((await home.verify()).problems).toEqual([]);
});

test("what was sealed or merged from rows that were made anew meanwhile is not taken", async () => {
  fill(0, 10);
  await home.seal();
  fill(10, 20);
  const written = [...(await home.writeMerged()), ...(await home.writeSegments())];
  home.catalog.transaction(() => home.catalog.segments.nextGeneration());
  home.commit(written);
  expect(home.catalog.segments.listed()).toHaveLength(3);
  expect(home.catalog.counts()).toMatchObject({ exchanges: 20, rows: 40 });
  expect((await home.query("SELECT count(*) FROM ai_gateway_messages WHERE true")).rows).toEqual([[40n]]);
  await home.seal();
  expect((await home.query("SELECT count(*) FROM ai_gateway_messages WHERE true")).rows).toEqual([[40n]]);
});

test("segments are read-only, private to the owner, and hold the contract's columns with the hash of shared texts", async () => {
  fill(0, 10);
  await home.seal();
  const blobs = join(home.segmentsDir, "blobs");
  const [name] = readdirSync(blobs);
  expect(name).toMatch(/^blobs-.*\.parquet$/);
  expect(statSync(join(blobs, name!)).mode & 0o777).toBe(0o400);
  expect(statSync(blobs).mode & 0o777).toBe(0o700);
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const engine = await (await DuckDBInstance.create(":memory:")).connect();
  const joined = await engine.runAndReadAll(
    `SELECT coalesce(part_id, message_id || '#' || part_index) AS part_id, b.text FROM '${home.segmentsDir}/ai_gateway_messages/*.parquet' m
     JOIN '${blobs}/blobs-*.parquet' b ON b.sha256 = m.system_text_sha256 ORDER BY part_id`,
  );
  const ours = await home.query(
    "SELECT part_id, system_text FROM ai_gateway_messages WHERE system_text IS NOT NULL ORDER BY part_id",
  );
  expect(joined.getRows()).toEqual(ours.rows);
});
