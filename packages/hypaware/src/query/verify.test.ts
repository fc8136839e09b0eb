import { chmodSync, readFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exampleExchange, exampleRow, exampleSpan } from "../store/example-rows.testkit.ts";
import { sealedHome } from "./sealed-home.testkit.ts";
import type { SealedHome } from "./sealed-home.testkit.ts";

let home: SealedHome;
let path = "";
beforeEach(async () => {
  home = sealedHome();
  home.catalog.putRows(Array.from({ length: 50 }, (_, n) => exampleRow(n, { system_text: "shared" })));
  home.catalog.putExchange(exampleExchange(1), exampleSpan(1));
  await home.seal();
  path = join(home.segmentsDir, fileOf("ai_gateway_messages"));
  chmodSync(path, 0o600);
});
afterEach(() => home.close());

const fileOf = (dataset: string) =>
  home.catalog.segments.listed().find((segment) => segment.dataset === dataset)!.file;
const problems = async () => (await home.verify()).problems.map(({ kind, subject }) => [kind, subject]);
const broken = (sql: string) => {
  const raw = new DatabaseSync(home.catalogPath);
  raw.exec(sql);
  raw.close();
};

test("a whole store has no problems", async () => {
  expect(await home.verify()).toEqual({ segments: 3, rows: 52, problems: [] });
});

test("a segment that is gone, cut off, damaged or another one is named", async () => {
  const file = fileOf("ai_gateway_messages");
  const whole = readFileSync(path);
  renameSync(path, `${path}.away`);
  expect(await problems()).toEqual([
    ["orphan", `${file}.away`],
    ["missing", file],
  ]);
  renameSync(`${path}.away`, path);

  truncateSync(path, whole.length - 1);
  expect(await problems()).toEqual([["unreadable", file]]);

  const damaged = Buffer.from(whole);
  damaged.fill(0x5a, 100, 400);
  writeFileSync(path, damaged);
  expect(await problems()).toEqual([["unreadable", file]]);

  writeFileSync(path, readFileSync(join(home.segmentsDir, fileOf("ai_gateway_exchanges"))));
  expect(await problems()).toEqual([["rows", file]]);
});

test("an index that does not fit the rows is named", async () => {
  const file = fileOf("ai_gateway_messages");
  broken("DELETE FROM sealed_keys WHERE seq = 3");
  expect(await home.verify()).toMatchObject({
    problems: [{ kind: "keys", subject: file, message: "1 rows are not what the index says" }],
  });
});

test("a row that would be read twice is named", async () => {
  broken("CREATE TABLE kept AS SELECT * FROM sealed_keys");
  home.catalog.putRows([exampleRow(2, { content_text: "changed" })]);
  expect(await problems()).toEqual([]);
  broken("INSERT OR REPLACE INTO sealed_keys SELECT * FROM kept; DELETE FROM tombstones");
  expect(await problems()).toEqual([["hot-and-sealed", "ai_gateway_messages"]]);
});

test("a query over a segment that is gone fails, and says which file", async () => {
  renameSync(path, `${path}.away`);
  await expect(home.query("SELECT role FROM ai_gateway_messages")).rejects.toMatchObject({
    code: "query_failed",
    message: expect.stringContaining(path),
  });
});

test("a part's id that its message does not give is kept in the segment", async () => {
  home.catalog.putRows([
    exampleRow(60, { part_id: "own" }),
    exampleRow(61, { message_id: "m61", part_index: 3, part_id: "m61#3" }),
  ]);
  await home.seal();
  const { rows } = await home.query(
    "SELECT part_id FROM ai_gateway_messages WHERE part_id IN ('own', 'm61#3', 'm7#0') ORDER BY 1",
  );
  expect(rows).toEqual([["m61#3"], ["m7#0"], ["own"]]);
  expect(await problems()).toEqual([]);
});
