// What the contract kit asks of anybody's adapter, asked of those that ship.
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { ExchangeRecord } from "../contract/plugin.ts";
import { contractChecks } from "../contract-kit/index.ts";
import { activated } from "./activated.testkit.ts";
import { BUNDLED_ADAPTERS } from "./bundled.ts";

interface AdapterFixtures {
  readonly FIXTURES: readonly string[];
  readonly readFixture: (name: string) => readonly ExchangeRecord[];
}

const ADAPTERS = await Promise.all(
  BUNDLED_ADAPTERS.map(async (adapter) => {
    const { FIXTURES, readFixture } = (await import(`./${adapter}/fixtures.testkit.ts`)) as AdapterFixtures;
    const fixtures = FIXTURES.map((name) => ({
      name,
      records: readFixture(name),
      golden: new URL(`./${adapter}/fixtures/${name}.rows.txt`, import.meta.url),
    }));
    const { projectors } = await activated([adapter], "/home");
    return { adapter, projectors, fixtures };
  }),
);
const ALL = ADAPTERS.flatMap(({ projectors }) => projectors);

describe.each(ADAPTERS)("$adapter", ({ adapter, projectors, fixtures }) => {
  test("has one projector, and a fixture for each of its golden rows", () => {
    expect(projectors).toHaveLength(1);
    const written = readdirSync(new URL(`./${adapter}/fixtures/`, import.meta.url));
    const golden = written.filter((file) => file.endsWith(".rows.txt"));
    expect(golden.toSorted()).toEqual(fixtures.map(({ name }) => `${name}.rows.txt`).toSorted());
  });

  for (const projector of projectors)
    test.each(contractChecks({ projector, fixtures, others: ALL }))("$name", ({ run }) => run());
});
