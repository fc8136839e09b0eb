import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HypError } from "../contract/errors.ts";
import { openCatalog } from "./catalog.ts";
import type { Catalog } from "./catalog.ts";
import { exampleExchange, exampleRow, exampleSpan } from "./example-rows.testkit.ts";
import { Snapshot } from "./snapshot.ts";

let folder = "";
let path = "";
let open: { close(): void }[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hyp-store-"));
  path = join(folder, "catalog.sqlite");
});
afterEach(() => {
  for (const each of open) each.close();
  open = [];
  rmSync(folder, { recursive: true, force: true });
});

function keep<T extends { close(): void }>(each: T): T {
  open.push(each);
  return each;
}
const catalogOf = (options = {}): Catalog => keep(openCatalog(path, options));
const snapshotOf = (): Snapshot => keep(Snapshot.open(path));
const cells = (columns: readonly string[]) => {
  const rows = snapshotOf().scan("ai_gateway_messages", columns);
  return Array.from({ [Symbol.iterator]: () => rows });
};
const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
  } catch (error) {
    return error instanceof HypError ? error.code : String(error);
  }
  return undefined;
};

test("all files of the store are private, whatever the umask", () => {
  const umask = process.umask(0);
  try {
    catalogOf().putRows([exampleRow(1)]);
  } finally {
    process.umask(umask);
  }
  expect(readdirSync(folder).toSorted()).toEqual([
    "catalog.sqlite",
    "catalog.sqlite-shm",
    "catalog.sqlite-wal",
  ]);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
});

test("a newer store, a foreign database and a damaged file are refused, each in its words", () => {
  catalogOf().close();
  const raw = new DatabaseSync(path);
  raw.exec("PRAGMA user_version = 99");
  raw.close();
  expect(codeOf(() => catalogOf())).toBe("store_newer");
  expect(codeOf(() => snapshotOf())).toBe("store_newer");

  path = join(folder, "foreign.sqlite");
  const foreign = new DatabaseSync(path);
  foreign.exec("CREATE TABLE theirs (x)");
  foreign.close();
  expect(codeOf(() => catalogOf())).toBe("store_damaged");

  path = join(folder, "damaged.sqlite");
  writeFileSync(path, "no database ".repeat(1000));
  expect(codeOf(() => catalogOf())).toBe("store_damaged");
  expect(codeOf(() => catalogOf({ readOnly: true }))).toBe("store_damaged");

  path = join(folder, "absent", "catalog.sqlite");
  expect(codeOf(() => catalogOf())).toContain("ENOENT");
});

test("a store of the version before is brought up to this one, by a writer and by a reader, and keeps its rows", () => {
  for (const readOnly of [false, true]) {
    path = join(folder, `old-${readOnly}.sqlite`);
    const made = catalogOf();
    made.putRows([exampleRow(1, { system_text: "shared" })]);
    made.close();
    const old = new DatabaseSync(path);
    for (const table of ["segments", "batches", "sealed_keys", "sealed_exchanges", "tombstones", "responses"])
      old.exec(`DROP TABLE ${table}`);
    old.exec("ALTER TABLE blobs DROP COLUMN sealed; PRAGMA user_version = 1");
    old.close();
    expect(catalogOf({ readOnly }).counts().rows).toBe(1);
    expect(snapshotOf().count("ai_gateway_messages")).toBe(1);
  }
});

test("a store that does not exist yet reads as an empty one and is not made", () => {
  const catalog = catalogOf({ readOnly: true });
  expect(catalog.counts()).toEqual({ exchanges: 0, rows: 0, unprojected: 0, quarantined: 0, storeBytes: 0 });
  expect(snapshotOf().count("ai_gateway_messages")).toBe(0);
  writeFileSync(path, ""); // the writer has made the file and not its tables
  expect(catalogOf({ readOnly: true }).counts().exchanges).toBe(0);
});

test("a transaction keeps rows, threads and cursor together, or none of them", () => {
  const catalog = catalogOf();
  const write = (fail: boolean) =>
    catalog.transaction(() => {
      catalog.putRows([exampleRow(1, { system_text: "shared" })]);
      catalog.putExchange(exampleExchange(1), exampleSpan(1));
      const position = { segment: 1, offset: 5 };
      catalog.setCursor("run-1", { read: position, low: position, finished: false });
      if (fail) throw new Error("in the middle");
    });
  expect(() => write(true)).toThrow("in the middle");
  expect(catalog.counts()).toMatchObject({ exchanges: 0, rows: 0 });
  expect(catalog.cursor("run-1")).toBeUndefined();

  write(false); // the blob that was rolled back is not taken for stored
  expect(catalog.hasExchange(exampleExchange(1).exchange_id)).toBe(true);
  const [[shared]] = cells(["system_text"]) as [[number]];
  expect(snapshotOf().blob(shared)).toBe("shared");
  expect(catalog.cursors()).toEqual(
    new Map([
      ["run-1", { read: { segment: 1, offset: 5 }, low: { segment: 1, offset: 5 }, finished: false }],
    ]),
  );
});

test("an equal row changes nothing; a changed one gets the next number and stays one row", () => {
  const catalog = catalogOf();
  const rows = [exampleRow(1), exampleRow(2, { tools: [{ name: "t" }], attributes: { usage: { n: 1 } } })];
  expect(catalog.putRows(rows)).toBe(2);
  const before = catalog.changes(0, 10);
  expect(before).toEqual([
    { seq: 1, op: "upsert", key: "m1#0" },
    { seq: 2, op: "upsert", key: "m2#0" },
  ]);
  expect(catalog.putRows(rows)).toBe(0);
  expect(catalog.changes(0, 10)).toEqual(before);

  expect(catalog.putRows([rows[0]!, { ...rows[1]!, attributes: { usage: { n: 2 } } }])).toBe(1);
  expect(catalog.changes(2, 10)).toEqual([{ seq: 3, op: "upsert", key: "m2#0" }]);
  expect(catalog.counts().rows).toBe(2);
});

test("system texts and tools are stored once per distinct value", () => {
  const catalog = catalogOf();
  const tools = [{ name: "Bash", description: "d".repeat(50_000) }];
  catalog.putRows(
    Array.from({ length: 200 }, (_, n) =>
      exampleRow(n, { system_text: `You are ${n % 2} `.repeat(2000), tools }),
    ),
  );
  const raw = new DatabaseSync(path, { readOnly: true });
  expect(raw.prepare("SELECT count(*) AS n, sum(length(data)) < 2000 AS small FROM blobs").get()).toEqual({
    n: 3,
    small: 1,
  });
  raw.close();
  const read = cells(["tools", "system_text", "part_id"]);
  expect(read).toHaveLength(200);
  const [toolsId, systemId] = read[7] as [number, number];
  expect([toolsId, systemId].map((id) => snapshotOf().blob(id))).toEqual([
    JSON.stringify(tools),
    "You are 1 ".repeat(2000),
  ]);
});

test("values come back as they went in: exchanges round-trip with every kind of column", () => {
  const catalog = catalogOf();
  const row = exampleExchange(5, {
    duration_ms: 12.75,
    status_code: 200,
    request_bytes: 2 ** 40,
    path: "/v1/messages?beta=true 😀 \0 end",
    attributes: { dev_run_id: "x", deep: [1, { a: null }], big: "y".repeat(100_000) },
    cost_usd: 0.1,
  });
  catalog.putExchange(row, exampleSpan(5));
  expect(catalog.exchange(row.exchange_id)).toEqual({ row, span: exampleSpan(5) });
});

test("hostile values are made storable: lone surrogates, times that are none, numbers out of range", () => {
  const catalog = catalogOf();
  catalog.putExchange(
    exampleExchange(1, {
      error: "a\ud800b",
      ended_at: "yesterday",
      input_tokens: 1e300,
      output_tokens: Number.NaN,
      status_code: 200.9,
      attributes: { "k\udfff": "\ud83d", slash: "\\ud800", pair: "😀" },
    }),
    exampleSpan(1),
  );
  expect(catalog.exchange("0")).toMatchObject({
    row: {
      error: "a\ufffdb",
      ended_at: null,
      input_tokens: Number.MAX_SAFE_INTEGER,
      output_tokens: null,
      status_code: 200,
      attributes: { "k\ufffd": "\ufffd", slash: "\\ud800", pair: "😀" },
    },
  });
  // A row without a time has no place in an ordered history: its maker hears of it, and nothing is half written.
  const refused = () => catalog.putRows([exampleRow(1), exampleRow(2, { message_created_at: "soon" })]);
  expect(refused).toThrow(/^the store refuses a value: NOT NULL .*message_created_at/);
  expect(catalog.counts().rows).toBe(0);
});

test("an exchange is found by its id or the beginning of one", () => {
  const catalog = catalogOf();
  for (const id of ["aa11", "aa22", "bb", "bb#1"])
    catalog.putExchange(exampleExchange(1, { exchange_id: id }), exampleSpan(1));
  expect(catalog.exchange("aa")).toBe("ambiguous");
  expect(catalog.exchange("aa1")).toMatchObject({ row: { exchange_id: "aa11" } });
  expect(catalog.exchange("bb")).toMatchObject({ row: { exchange_id: "bb" } });
  expect(catalog.exchange("%")).toBeUndefined();
});

test("a follower sees each exchange once, in the order of writing, from the last few on", () => {
  const catalog = catalogOf();
  const put = (id: string): void =>
    catalog.putExchange(exampleExchange(1, { exchange_id: id }), exampleSpan(1));
  for (const id of ["d", "a", "c"]) put(id);
  const idsSince = (seq: number): string[] =>
    catalog.exchangesSince(seq, 10).map(({ row }) => row.exchange_id);
  expect(idsSince(catalog.seqOfLastExchanges(2))).toEqual(["a", "c"]);
  expect(idsSince(catalog.seqOfLastExchanges(9))).toEqual(["d", "a", "c"]);
  const [last] = catalog.exchangesSince(catalog.seqOfLastExchanges(1), 10);
  expect(idsSince(last?.seq ?? 0)).toEqual([]);
  put("b");
  expect(idsSince(last?.seq ?? 0)).toEqual(["b"]);
});

test("counts and clients say what status shows", () => {
  const catalog = catalogOf();
  const statuses = ["projected", "no_projector", "failed", "pending", "quarantined", "no_messages"] as const;
  statuses.forEach((decode_status, n) =>
    catalog.putExchange(
      exampleExchange(n, { decode_status, client_name: n < 2 ? "one" : null }),
      exampleSpan(n),
    ),
  );
  catalog.putRows([exampleRow(1)]);
  expect(catalog.counts()).toMatchObject({ exchanges: 6, rows: 1, unprojected: 3, quarantined: 1 });
  expect(catalog.counts().storeBytes).toBeGreaterThan(4096);
  expect(catalog.quarantined()).toEqual([exampleExchange(4).exchange_id]);
  expect(catalog.lastExchangeAt()).toBe(exampleExchange(5).started_at);
  expect(catalog.clients()).toEqual([
    { client: null, exchanges: 4, lastAt: exampleExchange(5).started_at },
    { client: "one", exchanges: 2, lastAt: exampleExchange(1).started_at },
  ]);
});

test("an attempt outlives the transaction that crashed, until it ends", () => {
  const catalog = catalogOf();
  expect(catalog.beginAttempt("x")).toBe(1);
  expect(() =>
    catalog.transaction(() => {
      throw new Error("crash");
    }),
  ).toThrow();
  expect(catalogOf().beginAttempt("x")).toBe(2);
  expect(() => catalog.transaction(() => catalog.beginAttempt("x"))).toThrow(/before the transaction/);
  catalog.endAttempt("x");
  expect(catalog.beginAttempt("x")).toBe(1);
});

test("clearing for a replay is seen only when the replay is done, and the numbers go on", () => {
  const catalog = catalogOf();
  catalog.meta.set("heartbeat", "1");
  catalog.threads.addConversation({
    id: "c1",
    base: "c1",
    inferred: false,
    startedAt: "t",
    failedLeaf: null,
  });
  catalog.putRows([exampleRow(1), exampleRow(2), exampleRow(3)]);
  catalog.putExchange(exampleExchange(1), exampleSpan(1));
  catalog.transaction(() => {
    catalog.clearDerived();
    expect(snapshotOf().count("ai_gateway_messages")).toBe(3);
    expect(catalog.threads.conversation("c1")).toBeUndefined();
    catalog.putRows([exampleRow(1), exampleRow(2)]);
  });
  expect(catalog.counts()).toMatchObject({ exchanges: 0, rows: 2 });
  expect(catalog.changes(4, 10)).toEqual([
    { seq: 7, op: "delete", key: "m3#0" },
    { seq: 9, op: "upsert", key: "m1#0" },
    { seq: 10, op: "upsert", key: "m2#0" },
  ]);
  expect(catalog.meta.get("heartbeat")).toBe("1");
});

test("a snapshot does not see what is committed after it", () => {
  const catalog = catalogOf();
  catalog.putRows([exampleRow(1)]);
  const snapshot = snapshotOf();
  catalog.putRows([exampleRow(2)]);
  expect(snapshot.count("ai_gateway_messages")).toBe(1);
  const rows = snapshot.scan("ai_gateway_messages", ["message_id"]);
  expect(Array.from({ [Symbol.iterator]: () => rows })).toEqual([["m1"]]);
  expect(snapshotOf().count("ai_gateway_messages")).toBe(2);
});
