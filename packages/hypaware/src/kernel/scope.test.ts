import { expect, test } from "vitest";
import { Scope } from "./scope.ts";

test("undoes in reverse, one after the other, past an undo that fails", async () => {
  const done: string[] = [];
  const errors: unknown[] = [];
  const scope = new Scope((error) => errors.push(error));
  scope.onDispose(() => void done.push("first"));
  scope.onDispose(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    done.push("second");
  });
  scope.onDispose(() => {
    throw new Error("stuck");
  });
  scope.onDispose(() => Promise.reject(new Error("late")));
  scope.onDispose(() => void done.push("last"));
  await scope.close();
  expect(done).toEqual(["last", "second", "first"]);
  expect(errors.map(String)).toEqual(["Error: late", "Error: stuck"]);
});

test("undoes each registration once, and at once what is registered after the end", async () => {
  let undone = 0;
  const scope = new Scope(() => {});
  scope.onDispose(() => void undone++);
  await scope.close();
  await scope.close();
  expect(undone).toBe(1);
  scope.onDispose(() => void undone++);
  expect(undone).toBe(2);
});
