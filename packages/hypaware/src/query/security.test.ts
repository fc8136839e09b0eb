import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exampleRow } from "../store/example-rows.testkit.ts";
import { sealedHome } from "./sealed-home.testkit.ts";
import type { SealedHome } from "./sealed-home.testkit.ts";

// Every statement here is run for real; afterwards the store's own files are what they were, and nothing new exists.

let home: SealedHome;
let victim = "";
let before: string[] = [];
const fingerprint = (): string[] =>
  readdirSync(home.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith("-shm"))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => `${path} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`)
    .toSorted();

beforeAll(async () => {
  home = sealedHome();
  home.catalog.putRows([exampleRow(0), exampleRow(1)]);
  await home.seal();
  home.catalog.deleteRows(["m0#0"]);
  victim = join(home.segmentsDir, home.catalog.segments.listed()[0]!.file);
  writeFileSync(join(home.folder, "notes.txt"), "precious");
  writeFileSync(join(home.folder, "notes.csv"), "a,b\n1,2\n");
  before = fingerprint();
});
afterAll(() => home.close());

/** The error's code, or the rows where the statement was run. */
async function outcome(sql: string): Promise<unknown> {
  try {
    const { rows } = await home.query(sql);
    return rows;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
async function refused(
  statements: readonly string[],
  codes = ["query_not_select", "query_failed"],
): Promise<void> {
  for (const sql of statements) expect(codes, sql).toContain(await outcome(sql));
  expect(fingerprint()).toEqual(before);
  expect(await outcome("SELECT part_id FROM ai_gateway_messages")).toEqual([["m1#0"]]);
}

test("only one SELECT is a query", async () => {
  const catalog = home.catalogPath;
  await refused(
    [
      "",
      "   ;;; ",
      "-- nothing",
      "SELECT 1; SELECT 2",
      `SELECT 1; COPY (SELECT 1) TO '${victim}'`,
      "SELECT 1 /* ; */ ; DROP VIEW ai_gateway_messages",
      `COPY (SELECT 1) TO '${victim}'`,
      `COPY ai_gateway_messages TO '${catalog}' (FORMAT csv)`,
      `/* SELECT */ COPY (SELECT 1) TO '${victim}' -- SELECT`,
      "CREATE TABLE x AS SELECT 1",
      "DROP VIEW ai_gateway_messages",
      "DELETE FROM ai_gateway_messages",
      "UPDATE ai_gateway_messages SET role = 'x'",
      "INSERT INTO ai_gateway_messages SELECT * FROM ai_gateway_messages",
      `ATTACH '${catalog}' AS c`,
      `ATTACH '${victim}' AS v (TYPE sqlite)`,
      "DETACH memory",
      "USE memory",
      "INSTALL httpfs",
      "LOAD httpfs",
      "LOAD '/tmp/x.duckdb_extension'",
      "SET threads = 1",
      "SET GLOBAL enable_external_access = true",
      "RESET lock_configuration",
      "SET VARIABLE x = 1",
      "PRAGMA enable_profiling",
      "PRAGMA show_tables",
      `PRAGMA import_database('${home.folder}')`,
      "CALL pragma_version()",
      "CALL enable_logging()",
      "PREPARE p AS SELECT 1",
      "EXECUTE p",
      "DEALLOCATE p",
      `EXPORT DATABASE '${join(home.folder, "export")}'`,
      `IMPORT DATABASE '${home.folder}'`,
      "CHECKPOINT",
      "VACUUM",
      "BEGIN",
      "CREATE SECRET s (TYPE s3, KEY_ID 'x', SECRET 'y')",
      "CREATE MACRO f() AS 1",
      "MERGE INTO ai_gateway_messages USING (SELECT 1 AS x) s ON true WHEN MATCHED THEN DELETE",
      "WITH x AS (DELETE FROM ai_gateway_messages RETURNING *) SELECT * FROM x",
      `WITH x AS (COPY (SELECT 1) TO '${victim}') SELECT * FROM x`,
      `SELECT * FROM (COPY ai_gateway_messages TO '${victim}')`,
      "SELECT * FROM (INSERT INTO ai_gateway_messages DEFAULT VALUES RETURNING *)",
    ],
    ["query_not_select", "query_failed"],
  );
  expect(existsSync(join(home.folder, "export"))).toBe(false);
});

test("a segment that the engine may read is read through the tables only, and never written", async () => {
  const name = basename(victim);
  const cwd = process.cwd();
  process.chdir(dirname(victim));
  try {
    await refused([
      `COPY (SELECT 1) TO '${victim}' (FORMAT parquet)`,
      `COPY ai_gateway_messages TO '${victim}' (FORMAT csv)`,
      `COPY ai_gateway_messages FROM '${victim}'`,
      `ATTACH '${victim}' AS v`,
      `ATTACH '${victim}' AS v (TYPE duckdb)`,
      `ATTACH IF NOT EXISTS '${victim}'`,
      `EXPLAIN ANALYZE COPY (SELECT 1) TO '${victim}'`,
      `WITH x AS (SELECT 1) COPY x TO '${victim}'`,
      `SELECT * FROM read_parquet('${victim}')`,
      `SELECT * FROM read_parquet(['${victim}'])`,
      `SELECT * FROM parquet_scan('${victim}')`,
      `SELECT * FROM parquet_metadata('${victim}')`,
      `SELECT * FROM parquet_kv_metadata('${victim}')`,
      `SELECT * FROM parquet_schema('${victim}')`,
      `SELECT * FROM read_blob('${victim}')`,
      `SELECT * FROM read_text('${victim}')`,
      `SELECT * FROM read_duckdb('${victim}')`,
      `SELECT * FROM glob('${dirname(victim)}/*')`,
      `SELECT * FROM '${victim}'`,
      `FROM "${victim}"`,
      `SELECT * FROM '${name}'`,
      `SELECT * FROM './${name}'`,
      `SELECT * FROM '*.parquet'`,
      `SELECT * FROM main."${name}"`,
      `DESCRIBE '${victim}'`,
      `SUMMARIZE '${victim}'`,
      `DESCRIBE TABLE '${victim}'`,
      `TABLE "${name}"`,
      `SELECT (SELECT max(_seq) FROM '${victim}')`,
      `SELECT 1 WHERE 1 IN (SELECT _seq FROM '${victim}')`,
      `WITH x AS (FROM '${victim}') SELECT 1`,
      `WITH x AS MATERIALIZED (FROM '${victim}') FROM x`,
      `WITH RECURSIVE r AS (SELECT 1 x UNION ALL SELECT x + 1 FROM r, '${victim}' WHERE x < 2) FROM r`,
      `SELECT * FROM ai_gateway_messages SEMI JOIN '${victim}' USING (part_id)`,
      `PIVOT '${victim}' ON role IN ('user') USING count(*)`,
      `UNPIVOT (SELECT part_index FROM '${victim}') ON part_index`,
      `SELECT * FROM range(1) UNION ALL SELECT _seq FROM '${victim}'`,
      "SELECT * FROM ai_gateway_messages_hot()",
      "SELECT * FROM ai_gateway_messages_dead()",
      "SELECT * FROM blobs()",
      "SELECT _seq FROM ai_gateway_messages",
    ]);
  } finally {
    process.chdir(cwd);
  }
});

test("what is plainly no SELECT is said to be none", async () => {
  await refused(
    ["CREATE TABLE x AS SELECT 1", "SET threads = 1", "SELECT 1; SELECT 2", "", "PRAGMA version", "CALL f()"],
    ["query_not_select"],
  );
});

test("no file can be read, by function or by name", async () => {
  const csv = join(home.folder, "notes.csv");
  await refused([
    `SELECT * FROM read_text('${join(home.folder, "notes.txt")}')`,
    `SELECT * FROM read_blob('${home.catalogPath}')`,
    `SELECT * FROM read_csv('${csv}')`,
    `SELECT * FROM read_csv_auto('${csv}')`,
    `SELECT * FROM read_json('${csv}')`,
    `SELECT * FROM read_ndjson_objects('${csv}')`,
    `SELECT * FROM read_parquet('${victim}')`,
    `SELECT * FROM parquet_metadata('${victim}')`,
    `SELECT * FROM sniff_csv('${csv}')`,
    `SELECT * FROM read_duckdb('${victim}')`,
    `SELECT * FROM glob('${home.folder}/*')`,
    `SELECT * FROM glob('${home.tmpDir}/*')`,
    "SELECT * FROM glob('/etc/*')",
    `SELECT * FROM '${csv}'`,
    `SELECT * FROM "${csv}"`,
    "SELECT * FROM './x.parquet'",
    "SELECT * FROM 'https://127.0.0.1:1/x.parquet'",
    "SELECT * FROM read_text('/proc/self/environ')",
    "SELECT getenv('HOME')",
    `SELECT (SELECT content FROM read_text('/etc/passwd'))`,
    `WITH x(a) AS (SELECT * FROM read_csv('${csv}')) SELECT 1`,
    `SELECT 1 WHERE EXISTS (FROM read_csv('${csv}'))`,
    `SELECT * FROM ai_gateway_messages, LATERAL (SELECT * FROM read_text('${csv}'))`,
    `DESCRIBE SELECT * FROM read_csv('${csv}')`,
    `SUMMARIZE SELECT * FROM read_csv('${csv}')`,
    `SELECT * FROM query('FROM read_csv(''${csv}'')')`,
    `SELECT * FROM query_table('${csv}')`,
    `SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))`,
    "SELECT * FROM duckdb_secrets()",
  ]);
});

test("no function changes the engine's state from inside a SELECT", async () => {
  await refused(
    [
      "SELECT * FROM enable_profiling()",
      `SELECT * FROM enable_profiling(save_location := '${join(home.folder, "notes.txt")}')`,
      `SELECT * FROM ENABLE_LOGGING(storage := 'file', storage_path := '${join(home.folder, "logs")}')`,
      "SELECT 1 WHERE EXISTS (FROM disable_optimizer())",
      "SELECT * FROM system.main.enable_profiling()",
      'SELECT * FROM "enable_profiling"()',
      "SELECT * FROM checkpoint()",
      "SELECT * FROM force_checkpoint('memory')",
      "PIVOT (FROM enable_profiling()) ON 1 IN (1) USING count(*)",
      "SELECT * FROM range(1) UNION ALL FROM enable_profiling()",
      "SELECT * FROM ai_gateway_messages_rows()",
    ],
    ["query_not_select", "query_failed"],
  );
});

test("EXPLAIN shows the plan of a SELECT and runs nothing", async () => {
  for (const sql of [
    "EXPLAIN SELECT role FROM ai_gateway_messages",
    "/* plan */ -- of this\n explain from sessions;",
  ]) {
    expect(JSON.stringify(await outcome(sql)), sql).toMatch(/HOT|SCAN/);
  }
  await refused(
    [
      "EXPLAIN ANALYZE SELECT 1",
      `EXPLAIN ANALYZE COPY (SELECT 1) TO '${victim}'`,
      `EXPLAIN COPY (SELECT 1) TO '${victim}'`,
      `EXPLAIN /**/ ANALYZE COPY (SELECT 1) TO '${victim}'`,
      `EXPLAIN (ANALYZE) COPY (SELECT 1) TO '${victim}'`,
      `/**/ EXPLAIN (FORMAT json, ANALYZE) SELECT 1`,
      `EXPLAIN SELECT 1; COPY (SELECT 1) TO '${victim}'`,
      "EXPLAIN",
      "EXPLAIN(SELECT 1)",
      "EXPLAIN EXPLAIN SELECT 1",
      "EXPLAIN CREATE TABLE x AS SELECT 1",
    ],
    ["query_not_select", "query_failed"],
  );
});

test("settings show the door shut and locked", async () => {
  expect(
    await outcome(
      `SELECT current_setting('enable_external_access'), current_setting('lock_configuration'),
         current_setting('autoload_known_extensions'), current_setting('autoinstall_known_extensions')`,
    ),
  ).toEqual([[false, true, false, false]]);
});

test("ordinary SQL is not refused", async () => {
  for (const sql of [
    "FROM ai_gateway_messages",
    "VALUES (1)",
    "(SELECT 1) UNION ALL (SELECT 2)",
    "DESCRIBE ai_gateway_messages",
    "SHOW TABLES",
    "SUMMARIZE sessions",
    "WITH RECURSIVE r AS (SELECT 1 x UNION ALL SELECT x + 1 FROM r WHERE x < 3) SELECT * FROM r",
    "SELECT unnest([1, 2]), * FROM range(2)",
    "SELECT * FROM ai_gateway_messages, json_each(attributes)",
    "PIVOT ai_gateway_messages ON role IN ('user', 'assistant') USING count(*) GROUP BY provider",
    "SELECT 'a;b' AS \"x;y\" -- ; DROP TABLE x",
    "SELECT table_name FROM information_schema.tables",
    "SELECT role, row_number() OVER (ORDER BY message_index) FROM ai_gateway_messages QUALIFY true;",
  ])
    expect(await outcome(sql), sql).toBeInstanceOf(Array);
});
