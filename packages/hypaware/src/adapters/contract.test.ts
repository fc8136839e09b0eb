// What the contract kit asks of anybody's adapter, asked of those that ship.
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { ExchangeProjector, ExchangeRecord } from "../contract/plugin.ts";
import { assertDeterministic, assertNeverThrows, contractChecks } from "../contract-kit/index.ts";
import { activated } from "./activated.testkit.ts";
import { BUNDLED_ADAPTERS } from "./bundled.ts";

interface AdapterFixtures {
  readonly FIXTURES: readonly string[];
  readonly readFixture: (name: string) => readonly ExchangeRecord[];
}

const priorityOf = ({ priority = 0 }: ExchangeProjector): number => priority;

const ADAPTERS = await Promise.all(
  BUNDLED_ADAPTERS.map(async (adapter) => {
    const { FIXTURES, readFixture } = (await import(`./${adapter}/fixtures.testkit.ts`)) as AdapterFixtures;
    const fixtures = FIXTURES.map((name) => ({
      name,
      records: readFixture(name),
      golden: new URL(`./${adapter}/fixtures/${name}.rows.txt`, import.meta.url),
    }));
    const { projectors } = await activated([adapter], "/home");
    return { adapter, projectors: projectors.toSorted((a, b) => priorityOf(b) - priorityOf(a)), fixtures };
  }),
);
const ALL = ADAPTERS.flatMap(({ projectors }) => projectors);

describe.each(ADAPTERS)("$adapter", ({ adapter, projectors, fixtures }) => {
  /** Of an adapter with several projectors: the first one that takes the whole run. */
  const takes = (records: readonly ExchangeRecord[]): ExchangeProjector | undefined =>
    projectors.find((projector) => records.every((record) => projector.match(record)));

  test("each fixture is one projector's, and has its golden rows", () => {
    expect(fixtures.filter(({ records }) => takes(records) === undefined)).toEqual([]);
    const written = readdirSync(new URL(`./${adapter}/fixtures/`, import.meta.url));
    const golden = written.filter((file) => file.endsWith(".rows.txt"));
    expect(golden.toSorted()).toEqual(fixtures.map(({ name }) => `${name}.rows.txt`).toSorted());
  });

  for (const projector of projectors) {
    const own = fixtures.filter(({ records }) => takes(records) === projector);
    test.each(contractChecks({ projector, fixtures: own, others: ALL }))("$name", ({ run }) => run());
  }
});

/** Those that read an API, whoever calls it, also read what the clients' own adapters take first. */
test.each(ALL)("$name reads whatever it matches", async (projector) => {
  const records = ADAPTERS.flatMap(({ fixtures }) => fixtures.flatMap((fixture) => fixture.records));
  const own = records.filter((record) => projector.match(record));
  expect(own.length).toBeGreaterThan(0);
  await assertDeterministic(projector, own);
  await assertNeverThrows(projector, own, { mutations: 200, seed: 2 });
});
