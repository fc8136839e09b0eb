import { expect, test } from "vitest";
import { RouteKeys, splitRouteKey } from "./route-key.ts";

const KEY = `my-client-${"0123456789abcdef".repeat(2)}`;

test.each([
  [`/k/${KEY}/v1/x?y`, "/v1/x?y"],
  [`/k/${KEY}//v1`, "//v1"],
  [`/k/${KEY}`, "/"],
  [`/k/${KEY}?y`, "/?y"],
])("the key is cut off %s", (target, rest) => {
  expect(splitRouteKey(target)).toEqual({ key: KEY, target: rest });
});

test.each([`/k/${KEY}0/x`, `/k/x/${KEY}`, `/k/${"a".repeat(32)}/x`, `/v1/k/${KEY}/x`, `//k/${KEY}/x`, "/k/"])(
  "%s carries no key",
  (target) => {
    expect(splitRouteKey(target)).toBeUndefined();
  },
);

test("a key names its client, until it is replaced", () => {
  const keys = new RouteKeys([KEY]);
  expect(keys.clientOf(KEY)).toBe("my-client");
  expect(keys.clientOf(`other-${KEY.slice(-32)}`)).toBeUndefined();
  expect(keys.clientOf(KEY.toUpperCase())).toBeUndefined();
  keys.replace([]);
  expect(keys.clientOf(KEY)).toBeUndefined();
});
