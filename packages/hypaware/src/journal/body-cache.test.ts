import { expect, test } from "vitest";
import { BodyCache } from "./body-cache.ts";

const body = (bytes: number) => Buffer.alloc(bytes);

test("the bodies that were asked for last are kept, within the bound", () => {
  const cache = new BodyCache(100);
  for (const name of ["a", "b", "c"]) cache.set(name, body(30));
  expect(cache.get("a")).toHaveLength(30);
  cache.set("d", body(40));
  expect(["a", "b", "c", "d"].map((name) => cache.get(name)?.length)).toEqual([30, undefined, 30, 40]);
  cache.set("d", body(10));
  cache.set("e", body(30));
  expect(["a", "c", "d", "e"].map((name) => cache.get(name)?.length)).toEqual([30, 30, 10, 30]);
  cache.set("huge", body(101));
  expect(["a", "c", "d", "e", "huge"].map((name) => cache.get(name))).toEqual(Array(5).fill(undefined));
});
