import { expect, test } from "vitest";
import { compactHex, compactHexRange, compactName, hexOf, nameOf } from "./compact.ts";

const UUID = "7bb46e12-3e67-47f7-9e32-608962651fca";
const HEX32 = "66a728734a10ef8d0f1e2d3c4b5a6978";

test("every name comes back as it was, and those that programs make are short", () => {
  for (const name of [
    UUID,
    UUID.toUpperCase(),
    HEX32,
    HEX32.slice(16),
    `${HEX32.slice(16)}:#2`,
    "",
    "msg_1",
    "ä",
  ])
    expect(nameOf(compactName(name))).toBe(name);
  expect([UUID, HEX32.slice(16)].map((name) => compactName(name).length)).toEqual([16, 8]);
});

test("every key comes back as it was; one of 32 digits has 16 bytes", () => {
  for (const key of [HEX32, HEX32.toUpperCase(), HEX32.slice(1), "", "k"])
    expect(hexOf(compactHex(key))).toBe(key);
  expect(compactHex(HEX32)).toHaveLength(16);
});

test("the keys that begin with some digits lie between two", () => {
  const [least, greatest] = compactHexRange("66a")!;
  expect([least, greatest].map(hexOf)).toEqual(["66a".padEnd(32, "0"), "66a".padEnd(32, "f")]);
  expect(compactHexRange(HEX32)!.map(hexOf)).toEqual([HEX32, HEX32]);
  expect([compactHexRange("66A"), compactHexRange("#"), compactHexRange(`${HEX32}0`)]).toEqual(
    Array<undefined>(3).fill(undefined),
  );
});
