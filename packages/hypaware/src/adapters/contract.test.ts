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
  const taken = (projector: (typeof projectors)[number]): typeof fixtures =>
    fixtures.filter(({ records }) => records.every((record) => projector.match(record) === true));

  test("each fixture is that of one projector, and has its golden rows", () => {
    const names = projectors.flatMap((projector) => taken(projector).map(({ name }) => name));
    expect(names.toSorted()).toEqual(fixtures.map(({ name }) => name).toSorted());
    const written = readdirSync(new URL(`./${adapter}/fixtures/`, import.meta.url));
    const golden = written.filter((file) => file.endsWith(".rows.txt"));
    expect(golden.toSorted()).toEqual(fixtures.map(({ name }) => `${name}.rows.txt`).toSorted());
  });

  for (const projector of projectors.filter((each) => taken(each).length > 0)) {
    const checks = contractChecks({ projector, fixtures: taken(projector), others: ALL });
    test.each(checks)("$name", ({ run }) => run());
  }
});
