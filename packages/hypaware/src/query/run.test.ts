import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, openSync, readdirSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DATASETS } from "../contract/dataset.ts";
import type { ColumnType } from "../contract/dataset.ts";
import { exampleExchange, exampleRow, exampleSpan } from "../store/example-rows.testkit.ts";
import { JsonText } from "./cell.ts";
import { describeDatasets } from "./describe.ts";
import { queryHome } from "./query-home.testkit.ts";
import type { QueryHome } from "./query-home.testkit.ts";
import type { ViewColumn } from "./views.ts";

let home: QueryHome;
beforeAll(() => {
  home = queryHome();
});
afterAll(() => home.close());

const failure = (sql: string, options = {}) =>
  home.query(sql, options).then(
    () => undefined,
    (error: unknown) => error as { code: string; message: string; next: string },
  );

test("an empty store has all tables, with the contract's columns in order and type", async () => {
  const engine: Record<ColumnType | "DATE" | "STRING[]", string> = {
    STRING: "VARCHAR",
    INT32: "INTEGER",
    INT64: "BIGINT",
    DOUBLE: "DOUBLE",
    BOOLEAN: "BOOLEAN",
    TIMESTAMP: "TIMESTAMP",
    JSON: "JSON",
    DATE: "DATE",
    "STRING[]": "VARCHAR[]",
  };
  expect(DATASETS.ai_gateway_messages).toHaveLength(49);
  for (const { name, columns } of describeDatasets()) {
    const result = await home.query(`SELECT * FROM ${name}`);
    expect(result.columns, name).toEqual(
      columns.map((column: ViewColumn) => ({ name: column.name, type: engine[column.type] })),
    );
    expect(result.rows).toEqual([]);
  }
});

test("what projection wrote is what a query reads, in every kind of column", async () => {
  home.catalog.putRows([
    exampleRow(1, {
      system_text: "Du bist 😀",
      tools: [{ name: "t", big: 12345678901234 }],
      is_sidechain: false,
      previous_message_id: [],
      attributes: { gateway: { exchange_id: "x" }, text: 'a "quoted" \n line' },
      message_created_at: "2026-11-24T10:00:01.123Z",
    }),
  ]);
  const { rows } = await home.query(
    `SELECT system_text, tools, is_sidechain, previous_message_id, attributes->>'$.gateway.exchange_id',
       attributes->>'$.text', message_created_at, message_index, model, tools->0->'big'
     FROM ai_gateway_messages WHERE part_id = 'm1#0'`,
  );
  expect(rows).toEqual([
    [
      "Du bist 😀",
      new JsonText('[{"name":"t","big":12345678901234}]'),
      false,
      new JsonText("[]"),
      "x",
      'a "quoted" \n line',
      "2026-11-24T10:00:01.123Z",
      1,
      null,
      new JsonText("12345678901234"),
    ],
  ]);
});

test("a plain count comes from the catalog, with the engine's column name", async () => {
  for (const sql of [
    "select count(*) from ai_gateway_messages;",
    "SELECT 1 + count(*) - 1 AS n FROM ai_gateway_messages",
  ])
    expect((await home.query(sql)).rows).toEqual([[1n]]);
  expect((await home.query("select count(*) AS n from AI_GATEWAY_MESSAGES")).columns).toEqual([
    { name: "n", type: "BIGINT" },
  ]);
  expect((await home.query("select count(*) from sessions")).columns[0]!.name).toBe("count_star()");
});

test("surrogates, NUL bytes, cells of a megabyte and ten thousand rows come through whole", async () => {
  const wide = "wide 😀".repeat(130_000);
  home.catalog.putRows([
    exampleRow(2, { content_text: "lone \ud800 end", attributes: { text: "lone \udfff end" } }),
    exampleRow(3, { content_text: "nul \0 end", attributes: { text: "nul \0 end" } }),
    exampleRow(4, { content_text: wide, attributes: { text: wide } }),
  ]);
  home.catalog.putRows(
    Array.from({ length: 10_000 }, (_, n) => exampleRow(n + 1000, { conversation_id: "many" })),
  );
  const { rows } = await home.query(
    `SELECT content_text, attributes->>'$.text' FROM ai_gateway_messages
     WHERE message_index BETWEEN 2 AND 4 ORDER BY message_index`,
  );
  expect(rows[0]).toEqual(["lone \ufffd end", "lone \ufffd end"]);
  expect(rows[1]).toEqual(["nul \0 end", "nul \0 end"]);
  expect(rows[2]!.every((cell) => cell === wide)).toBe(true);

  const many = await home.query(
    "SELECT part_id, content_text FROM ai_gateway_messages WHERE conversation_id = 'many' ORDER BY message_index",
  );
  expect(many.rows).toHaveLength(10_000);
  expect(many.rows.every(([part, text], n) => part === `m${n + 1000}#0` && text === `text ${n + 1000}`)).toBe(
    true,
  );
  expect(
    (await home.query("SELECT count(*), count(DISTINCT part_id) FROM ai_gateway_messages WHERE true")).rows,
  ).toEqual([[10_004n, 10_004n]]);
});

test("a query that fails in its last row of a hundred thousand throws and gives nothing", async () => {
  const error = await failure(
    "SELECT CAST(CASE WHEN i = 99999 THEN 'x' ELSE '1' END AS INTEGER) FROM range(100000) r(i)",
  );
  expect(error).toMatchObject({
    code: "query_failed",
    message: expect.stringContaining("Could not convert string 'x'"),
  });
  const stored = await failure("SELECT CAST(content_text[6:] AS INTEGER) FROM ai_gateway_messages");
  expect(stored).toMatchObject({ code: "query_failed" });
});

test("unknown tables and columns get a suggestion", async () => {
  expect(await failure("SELECT * FROM ai_gateway_mesages")).toMatchObject({
    code: "query_failed",
    next: expect.stringContaining('Did you mean "ai_gateway_messages"?'),
  });
  expect(await failure("SELECT contenttext FROM ai_gateway_messages")).toMatchObject({
    code: "query_failed",
    next: expect.stringContaining('Did you mean "content_text"?'),
  });
  expect(await failure("SELECT m.modell FROM ai_gateway_messages m")).toMatchObject({
    next: expect.stringContaining('Did you mean "model"?'),
  });
  const error = await failure("SELEC 1");
  expect(error).toMatchObject({ code: "query_failed", message: expect.stringContaining("syntax error") });
});

test("memory is bounded, sorting spills to a folder that is gone afterwards", async () => {
  const sorted = await home.query(
    "SELECT count(*) FROM (SELECT DISTINCT i::VARCHAR || repeat('x', 100) AS s FROM range(400000) r(i))",
    { memoryMB: 100 },
  );
  expect(sorted.rows).toEqual([[400_000n]]);
  expect(
    await failure("SELECT list(repeat('x', 1000) || i) FROM range(1000000) r(i)", { memoryMB: 100 }),
  ).toMatchObject({ code: "query_failed", message: expect.stringMatching(/^Out of Memory/) });
  expect(readdirSync(home.tmpDir)).toEqual([]);
});

test("days are those of the asked time zone", async () => {
  home.catalog.putExchange(
    exampleExchange(1, { started_at: "2026-03-01T03:30:00.000Z", model: "zone" }),
    exampleSpan(1),
  );
  const day = async (timeZone: string) =>
    (await home.query("SELECT date FROM usage_daily WHERE model = 'zone'", { timeZone })).rows[0]![0];
  expect([await day("UTC"), await day("America/New_York")]).toEqual(["2026-03-01", "2026-02-28"]);
  expect(await failure("SELECT 1", { timeZone: "Nowhere/X" })).toMatchObject({ code: "query_failed" });
});

test("the engine's types become plain values, exact where JSON numbers are not", async () => {
  const { rows } = await home.query(
    `SELECT 170141183460469231731687303715884105727::HUGEINT, 1.50::DECIMAL(10,2), 0.1234567890123456789::DECIMAL(20,19),
      DATE '2026-01-02', TIMESTAMP '2026-01-02 03:04:05.123456', TIMESTAMPTZ '2026-01-02 03:04:05+01', [1, NULL],
      {'a': '{"x": 1}'::JSON, 'b': [TIME '10:00:00']}, MAP {'k': 1}, INTERVAL 3 DAYS, 'ab'::BLOB, 'infinity'::TIMESTAMP`,
  );
  expect(rows[0]).toEqual([
    170141183460469231731687303715884105727n,
    1.5,
    "0.1234567890123456789",
    "2026-01-02",
    "2026-01-02T03:04:05.123456Z",
    "2026-01-02T02:04:05.000Z",
    [1, null],
    { a: new JsonText('{"x": 1}'), b: ["10:00:00"] },
    { k: 1 },
    "3 days",
    "ab",
    "infinity",
  ]);
});

const WRITER = `
  const { openCatalog } = await import(process.argv[1]);
  const { exampleRow, exampleExchange, exampleSpan } = await import(process.argv[2]);
  const catalog = openCatalog(process.argv[3]);
  let stop = false;
  process.stdin.on("data", () => { stop = true; });
  process.stdout.write("ready\\n");
  let n = 0;
  for (; !stop; n += 1) {
    catalog.transaction(() => {
      const rows = [0, 1, 2].map((i) => exampleRow(n * 3 + i, { conversation_id: "w", system_text: "s" + n }));
      catalog.putExchange(exampleExchange(n, { conversation_id: "w", rows_written: 3 }), exampleSpan(n));
      catalog.putRows(rows);
      if (n % 5 === 4) catalog.putRows([exampleRow(n * 3, { conversation_id: "w", content_text: "changed" })]);
    });
    await new Promise((done) => setTimeout(done, 2));
  }
  catalog.close();
  process.stdout.write("commits " + n + "\\n");
  process.exit(0);
`;

function startWriter(catalogPath: string) {
  const [catalogModule, rowsModule] = ["../store/catalog.ts", "../store/example-rows.testkit.ts"].map(
    (file) => new URL(file, import.meta.url).href,
  );
  return spawn(
    process.execPath,
    ["--input-type=module", "-e", WRITER, catalogModule!, rowsModule!, catalogPath],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
}

test("eight readers beside a committing writer see whole commits and no error", async () => {
  const other = queryHome();
  const writer = startWriter(other.catalogPath);
  try {
    await once(writer.stdout, "data");
    const answers: (readonly unknown[])[] = [];
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let turn = 0; turn < 4; turn += 1) {
          const { rows } = await other.query(
            `SELECT (SELECT count(*) FROM ai_gateway_messages), (SELECT count(DISTINCT system_text) FROM ai_gateway_messages),
               (SELECT sum(rows_written) FROM ai_gateway_exchanges)`,
          );
          answers.push(rows[0]!);
        }
      }),
    );
    writer.stdin.write("stop\n");
    const [said] = (await once(writer.stdout, "data")) as [Buffer];
    const commits = Number(/commits (\d+)/.exec(said.toString())![1]);
    expect(answers).toHaveLength(32);
    for (const [messages, texts, written] of answers) {
      expect(messages).toBe(written ?? 0n);
      expect(texts).toBe((messages as bigint) / 3n);
    }
    expect(new Set(answers.map(([messages]) => messages)).size).toBeGreaterThan(2);
    expect(other.catalog.counts()).toMatchObject({ exchanges: commits, rows: commits * 3 });
  } finally {
    writer.kill("SIGKILL");
    other.close();
  }
});

test("a writer that is killed leaves whole commits to read", async () => {
  const other = queryHome();
  const writer = startWriter(other.catalogPath);
  try {
    await once(writer.stdout, "data");
    other.catalog.close(); // so that nobody else keeps the log in order
    await new Promise((done) => setTimeout(done, 100));
    writer.kill("SIGKILL");
    await once(writer, "exit");
    const { rows } = await other.query(
      "SELECT (SELECT count(*) FROM ai_gateway_messages), (SELECT sum(rows_written) FROM ai_gateway_exchanges)",
    );
    expect(rows[0]![0]).toBeGreaterThan(0n);
    expect(rows[0]![0]).toBe(rows[0]![1]);
    const raw = new DatabaseSync(other.catalogPath);
    expect(raw.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
    raw.close();
  } finally {
    writer.kill("SIGKILL");
    other.close();
  }
});

test("a store that is damaged in its middle is named as such", async () => {
  const damaged = join(home.folder, "damaged.sqlite");
  const raw = new DatabaseSync(home.catalogPath);
  raw.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  raw.close();
  copyFileSync(home.catalogPath, damaged);
  const file = openSync(damaged, "r+");
  for (let at = 64 * 4096; at < statSync(damaged).size; at += 4096)
    writeSync(file, Buffer.alloc(512, 0x5a), 0, 512, at);
  expect(
    await failure("SELECT role, count(*) FROM ai_gateway_messages GROUP BY 1", { catalogPath: damaged }),
  ).toMatchObject({
    code: "store_damaged",
  });
});
