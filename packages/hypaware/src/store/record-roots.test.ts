import { expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import { openCatalog } from "./catalog.ts";

test("roots are known by their record, the one that was told of last first, and the longest silent ones go", () => {
  const catalog = openCatalog(":memory:");
  const roots = Array.from({ length: LIMITS.recordRoots + 2 }, (_, n) => `/r${n}`);
  for (const [at, root] of roots.entries()) catalog.recordRoots.tell("one", root, at);
  catalog.recordRoots.tell("another", "/r0", 0);
  catalog.recordRoots.tell("one", "/r2", 1_000);
  const known = catalog.recordRoots.all();
  expect(known.get("one")?.[0]).toBe("/r2");
  expect(new Set(known.get("one"))).toEqual(new Set(roots.slice(2)));
  expect(known.get("another")).toEqual(["/r0"]);
  catalog.close();
});
