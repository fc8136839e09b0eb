import { expect, test } from "vitest";
import { JsonText } from "../cell.ts";
import type { Cell, QueryResult } from "../cell.ts";
import { renderResult } from "./render.ts";
import type { Format } from "./render.ts";

const result = (columns: Record<string, string>, ...rows: Cell[][]): QueryResult => ({
  columns: Object.entries(columns).map(([name, type]) => ({ name, type })),
  rows,
});
const text = (query: QueryResult, format: Format, width?: number): string =>
  [...renderResult(query, format, width === undefined ? {} : { width })].join("");

test("a table is aligned, numbers to the right, and says how many rows there are", () => {
  const query = result({ name: "VARCHAR", n: "BIGINT" }, ["ab", 5n], [null, 12345n], ["日本", null]);
  expect(text(query, "table")).toBe(
    ["name      n", "----  -----", "ab        5", "NULL  12345", "日本   NULL", "(3 rows)", ""].join("\n"),
  );
  expect(text(result({ a: "JSON" }, [new JsonText('{"x":[1]}')]), "table")).toContain('{"x":[1]}\n(1 row)');
});

test("nothing in a table can command the terminal, hide, or turn the line around", () => {
  const hostile =
    "\u001b[31mred\u001b[0m \u009b2J \u202eevil\u2066 a\u200bb \r\0\u0007 \ufeff \ud800 \u{e0041} \n next";
  const shown = text(result({ "col\u001b]0;title\u0007": "VARCHAR" }, [hostile]), "table");
  expect(shown.replaceAll("\n", "")).toMatch(/^(?:(?![\p{Cc}\p{Cf}\p{Cs}]).)*$/u);
  expect(shown).toContain("\\u001b[31mred\\u001b[0m \\u009b2J \\u202eevil\\u2066 a\\u200bb");
  expect(shown).toContain("⏎ next");
  expect(shown.split("\n")).toHaveLength(5);
  expect(text(result({ a: "VARCHAR" }, ["👩‍🚀 ok"]), "table")).toContain("👩‍🚀 ok");
});

test("a table keeps to the terminal's width by cutting the widest cells", () => {
  const query = result(
    { id: "VARCHAR", text: "VARCHAR", n: "INTEGER" },
    ["abc", "x".repeat(5000), 7],
    ["d", "日".repeat(500), 8],
  );
  const lines = text(query, "table", 40).split("\n");
  expect(lines.slice(0, 2).map((line) => line.length)).toEqual([40, 40]);
  expect(lines[2]).toBe(`abc  ${"x".repeat(31)}…  7`);
  expect(lines[3]).toBe(`d    ${"日".repeat(15)}…   8`);
});

test("columns that have no room beside each other stand below each other, a block for each row", () => {
  const names = ["started_at", "a_rather_long_name", "model", "path"];
  const query = result(
    Object.fromEntries(names.map((name) => [name, "VARCHAR"])),
    ["2026-11-24T10:00:00.000Z", "x".repeat(100), "m".repeat(30), "/v1/messages?beta=true"],
    ["2026-11-24T10:00:01.000Z", null, "m", ""],
  );
  expect(text(query, "table", 30)).toBe(
    [
      "-- 1 -------------------------",
      "started_at          2026-11-2…",
      "a_rather_long_name  xxxxxxxxx…",
      "model               mmmmmmmmm…",
      "path                /v1/messa…",
      "-- 2 -------------------------",
      "started_at          2026-11-2…",
      "a_rather_long_name  NULL",
      "model               m",
      "path",
      "(2 rows)",
      "",
    ].join("\n"),
  );
  expect(text(query, "table", 44).split("\n")[0]).toMatch(/^started/);
});

test("JSON is exact: integers a reader would round are strings, JSON columns are values, controls are escaped", () => {
  const query = result(
    { a: "BIGINT", b: "HUGEINT", c: "JSON", d: "TIMESTAMP", e: "DOUBLE", f: "VARCHAR[]", g: "VARCHAR" },
    [
      9007199254740991n,
      9007199254740993n,
      new JsonText('{"big": 12345678901234567890,\n "s": "x"}'),
      "2026-11-24T10:00:00.000Z",
      Number.NaN,
      ["a", null],
      "\u001b \u009b \u202e 😀 👩‍🚀",
    ],
  );
  const json = text(query, "json");
  expect(json).toContain('"c":{"big": 12345678901234567890,  "s": "x"}');
  for (const control of ["\u001b", "\u009b", "\u202e"]) expect(json).not.toContain(control);
  expect(JSON.parse(json)).toEqual([
    {
      a: 9007199254740991,
      b: "9007199254740993",
      c: { big: Number("12345678901234567890"), s: "x" },
      d: "2026-11-24T10:00:00.000Z",
      e: "NaN",
      f: ["a", null],
      g: "\u001b \u009b \u202e 😀 👩‍🚀",
    },
  ]);
});

test("jsonl has one object a line; repeated names do not hide each other; an empty result is an empty list", () => {
  const query: QueryResult = {
    columns: ["x", "x", "x_1"].map((name) => ({ name, type: "INTEGER" })),
    rows: [
      [1, 2, 3],
      [4, 5, { k: [new JsonText("null")] }],
    ],
  };
  expect(text(query, "jsonl")).toBe('{"x":1,"x_2":2,"x_1":3}\n{"x":4,"x_2":5,"x_1":{"k":[null]}}\n');
  expect(text(result({ a: "INTEGER" }), "json")).toBe("[]\n");
  expect(text(result({ a: "INTEGER" }), "jsonl")).toBe("");
  expect(text(result({ a: "INTEGER" }), "table")).toBe("a\n-\n(0 rows)\n");
});

test("a long result comes in pieces", () => {
  const rows = Array.from({ length: 20_000 }, (_, n) => [n, "text"] as Cell[]);
  const pieces = [...renderResult(result({ n: "INTEGER", t: "VARCHAR" }, ...rows), "json")];
  expect(pieces.length).toBeGreaterThan(5);
  expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(70_000);
  expect(JSON.parse(pieces.join(""))).toHaveLength(20_000);
});

const tricky: QueryResult = {
  columns: [
    { name: "a|b", type: "VARCHAR" },
    { name: 'c"d', type: "INTEGER" },
  ],
  rows: [
    ["one|two\nthree", 1],
    ['say "hi", twice', null],
    ["", 2],
    ["\u001b[31mred", 3],
  ],
};

test("markdown is one line a row, whatever a cell holds, and cannot steer a terminal", () => {
  expect([...renderResult(tricky, "markdown")].join("")).toBe(
    [
      '| a\\|b | c"d |',
      "| --- | --- |",
      "| one\\|two<br>three | 1 |",
      '| say "hi", twice | NULL |',
      "|  | 2 |",
      "| \\u001b[31mred | 3 |",
      "",
    ].join("\n"),
  );
});

test("csv is exact: quotes, separators, line ends, empty text and no value", () => {
  expect([...renderResult(tricky, "csv")].join("")).toBe(
    ['a|b,"c""d"', '"one|two\nthree",1', '"say ""hi"", twice",', '"",2', "\u001b[31mred,3", ""].join("\r\n"),
  );
});
