import { expect, test } from "vitest";
import { BufferCache } from "./buffer-cache.ts";

const buffer = (bytes: number) => Buffer.alloc(bytes);

test("the buffers that were asked for last are kept, within the bound", () => {
  const cache = new BufferCache(100);
  for (const name of ["a", "b", "c"]) cache.set(name, buffer(30));
  expect(cache.get("a")).toHaveLength(30);
  cache.set("d", buffer(40));
  expect(["a", "b", "c", "d"].map((name) => cache.get(name)?.length)).toEqual([30, undefined, 30, 40]);
  cache.set("d", buffer(10));
  cache.set("e", buffer(30));
  expect(["a", "c", "d", "e"].map((name) => cache.get(name)?.length)).toEqual([30, 30, 10, 30]);
  cache.set("huge", buffer(101));
  expect(["a", "c", "d", "e", "huge"].map((name) => cache.get(name))).toEqual(Array(5).fill(undefined));
});
