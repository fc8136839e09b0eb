import { expect, test } from "vitest";
import { JsonText, type QueryResult } from "../cell.ts";
import { withinBudget } from "./budget.ts";
import { renderResult } from "./render.ts";

const result: QueryResult = {
  columns: [
    { name: "id", type: "INTEGER" },
    { name: "text", type: "VARCHAR" },
    { name: "json", type: "JSON" },
  ],
  rows: Array.from({ length: 10 }, (_, i) => [i, "x".repeat(100), new JsonText('{"a":[1,2,3]}')]),
};

test("without a budget nothing is cut", () => {
  expect(withinBudget(result, {})).toEqual({ result, cutCells: 0, omittedRows: 0 });
});

test("a long cell ends with what it lacks; numbers stay numbers", () => {
  const cut = withinBudget(result, { maxCell: 10 });
  expect(cut.result.rows[3]).toEqual([
    3,
    `${"x".repeat(10)}… (+90 characters)`,
    '{"a":[1,2,… (+3 characters)',
  ]);
  expect(cut.cutCells).toBe(20);
});

test("a cell is not cut in the middle of a character", () => {
  const emoji: QueryResult = { columns: [{ name: "t", type: "VARCHAR" }], rows: [["a😀😀"]] };
  expect(withinBudget(emoji, { maxCell: 2 }).result.rows).toEqual([["a… (+4 characters)"]]);
});

test("rows over the byte budget are left out whole, and the JSON stays JSON", () => {
  const cut = withinBudget(result, { maxBytes: 400 });
  expect(cut.result.rows).toHaveLength(3);
  expect(cut.omittedRows).toBe(7);
  expect(JSON.parse([...renderResult(cut.result, "json")].join(""))).toHaveLength(3);
});
